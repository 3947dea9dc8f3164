"""Sample weight files in the original's formats: are they read as what they are?

A file passes when its version is the one that its name says (its configuration, where the name
says none), when every tensor equals the bytes that the archive stores (read here without torch),
and when writing it again gives a file of the same header, tensors, configuration and info.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from ray_pipeline.models.sovits.config import OFFICIAL_VERSIONS
from ray_pipeline.weights.files import load_gpt, load_sovits, save_gpt, save_sovits


def check_weight_file(path: Path) -> str:
    """Empty when all is well, else what is wrong."""
    return _check_gpt(path) if path.suffix == ".ckpt" else _check_sovits(path)


def _check_sovits(path: Path) -> str:
    first = load_sovits(path)
    wanted = _wanted_version(path, first.file_config)
    if first.version != wanted:
        return f"recognised as {first.version}, not {wanted}"
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        save_sovits(copy, first.state_dict, first.file_config, first.info)
        second = load_sovits(copy)
        if (first.file_config, first.info) != (second.file_config, second.info):
            return "configuration or info changed on the way"
        return _compare(path, first.state_dict, copy, second.state_dict)


def _wanted_version(path: Path, config: Mapping[str, Any]) -> str:
    named = [part for part in path.stem.split("_") if part in OFFICIAL_VERSIONS]
    return named[-1] if named else str(config["version"])


def _check_gpt(path: Path) -> str:
    first = load_gpt(path)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        save_gpt(copy, first.state_dict, first.config, first.info, version=first.version)
        second = load_gpt(copy)
        if (first.config, first.info) != (second.config, second.info):
            return "configuration or info changed on the way"
        return _compare(path, first.state_dict, copy, second.state_dict)


def _compare(
    path: Path, first: Mapping[str, Tensor], copy: Path, second: Mapping[str, Tensor]
) -> str:
    if copy.read_bytes()[:2] != path.read_bytes()[:2]:
        return "written with another header"
    if any(x.dtype is not torch.float16 for x in first.values()):
        return "not in half precision"
    if list(first) != list(second) or any(not first[name].equal(second[name]) for name in first):
        return "tensors changed on the way"
    stored = _stored_bytes(path)
    if sorted(x.numpy().tobytes() for x in first.values()) != stored:
        return "tensors differ from the bytes in the file"
    return ""


def _stored_bytes(path: Path) -> list[bytes]:
    """The data records of a torch archive, sorted."""
    data = io.BytesIO(path.read_bytes())
    data.write(b"PK")
    with zipfile.ZipFile(data) as archive:
        names = [name for name in archive.namelist() if "/data/" in name]
        return sorted(archive.read(name) for name in names)
