"""`gsv doctor`: is everything here that the service needs?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ray_pipeline.audio.watermark import PACKAGE, is_installed
from ray_pipeline.core.pretrained_bases import has_bert
from ray_pipeline.text.chinese.g2pw import has_g2pw
from serve_app.capabilities import back_ends, base_models, ffmpeg_path, versions
from serve_app.settings import Settings

_MIN_FREE_GB = 5.0
_MIN_MEMORY_GB = 4.0


@dataclass(frozen=True)
class Finding:
    """`ok` is None for something that may be missing."""

    name: str
    ok: bool | None
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    found = versions()
    for package in ("ray", "torch", "transformers", "dbos"):
        yield Finding(package, found[package] != "missing", found[package])
    path = ffmpeg_path()
    hint = "missing: apt-get install ffmpeg, or pip install imageio-ffmpeg"
    yield Finding("ffmpeg", path is not None, path or hint)
    yield _folder("data folder", settings.data_dir)
    yield _free_space(settings.data_dir)
    yield _memory()
    yield _gpu()
    for row in back_ends(settings.models_dir):
        missing = ", ".join(row["missing"])
        detail = "ready" if row["present"] else f"not there: {missing}"
        yield Finding(f"{row['step']}: {row['name']}", row["present"] or None, detail)
    for row in base_models(settings.models_dir):
        count = len(row["missing"])
        detail = "ready" if row["present"] else f"{count} files missing: gsv models list"
        yield Finding(f"base model {row['name']}", row["present"] or None, detail)
    yield from _chinese(settings.models_dir)
    mark = is_installed()
    detail = "ready" if mark else f"none in speech: pip install {PACKAGE}"
    yield Finding("watermark", mark or None, detail)


def _chinese(models_dir: Path) -> Iterator[Finding]:
    bert, g2pw = has_bert(models_dir), has_g2pw(models_dir)
    yield Finding("Chinese: BERT", bert or None, "ready" if bert else "none: gsv models pull bert")
    yield Finding("Chinese: G2PW", g2pw or None, "present" if g2pw else "none: see docs/models.md")


def _folder(name: str, path: Path) -> Finding:
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    writable = os.access(existing, os.W_OK)
    return Finding(name, writable, str(path) if writable else f"cannot write to {existing}")


def _free_space(path: Path) -> Finding:
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 1e9
    return Finding("free disk", free >= _MIN_FREE_GB, f"{free:.0f} GB")


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return Finding("memory", total >= _MIN_MEMORY_GB, f"{total:.0f} GB, {os.cpu_count()} CPUs")


def _gpu() -> Finding:
    if not find_spec("torch"):
        return Finding("GPU", None, "torch is missing")
    import torch

    if not torch.cuda.is_available():
        return Finding("GPU", None, "none: training runs on the CPU")
    names = {torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())}
    return Finding("GPU", True, f"{torch.cuda.device_count()} x {', '.join(sorted(names))}")
