"""What a finished task holds, in a form in which two tasks can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ray_pipeline.core.workspace import is_partial
from ray_pipeline.weights.archive import load_archive

_TORCH = (".pt", ".pth", ".ckpt")
# Paths below a task's folder. Logs, curves, manifests and reports hold times.
_RESULTS = (
    "sliced/*",
    "denoised/*",
    "converted_wav/*",
    "transcripts/*",
    "output/*.wav",
    "experiments/*/[2-7]-*",
    "experiments/*/[2-7]-*/*",
    "SoVITS_weights_*/*",
    "GPT_weights_*/*",
)


def results_of(task_folder: Path) -> dict[str, str]:
    """A digest of each file that the steps made, by its name in the task's folder."""
    paths = {path for pattern in _RESULTS for path in task_folder.glob(pattern)}
    return {
        str(path.relative_to(task_folder)): _digest(path, task_folder)
        for path in sorted(paths)
        if path.is_file() and not is_partial(path)
    }


def _digest(path: Path, task_folder: Path) -> str:
    """Of what a torch archive holds: its bytes also hold the temporary name it was written by.
    Lists of clips name them by their paths, so the task's folder and id are left out."""
    digest = hashlib.sha256()
    if path.suffix in _TORCH:
        for part in _parts(load_archive(path)):
            digest.update(part)
    else:
        content = path.read_bytes().replace(bytes(task_folder), b"FOLDER")
        digest.update(content.replace(task_folder.name.encode(), b"TASK"))
    return digest.hexdigest()[:16]


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, torch.Tensor):
        yield repr((value.dtype, tuple(value.shape))).encode()
        yield value.contiguous().view(-1).view(torch.uint8).numpy().tobytes()
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            yield str(key).encode()
            yield from _parts(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item)
    else:
        yield repr(value).encode()
