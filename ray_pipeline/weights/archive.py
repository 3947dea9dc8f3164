"""Reading and writing torch archives without ever running what is inside them.

Loading is `weights_only` always. Few foreign names are let through: `utils.HParams`, the class
that the original pickles its configuration with, becomes a plain dictionary here, and the paths
in its training checkpoints become text. Some of its files have their first two bytes replaced by
a version mark, which is undone for reading.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import torch
from torch import Tensor

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.core.workspace import atomic_path

ZIP_MARK = b"PK"
_LEGACY_PICKLE = b"\x80\x02"  # what torch wrote before 1.6
_MARK_BYTES = 2


class _SettingsStandIn:
    """Takes the place of the original's `utils.HParams` while a file is read."""

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("the configuration is not a set of named values")
        self.__dict__.update(state)


_LET_THROUGH: list[Any] = [
    (_SettingsStandIn, "utils.HParams"),
    # Pure ones are no more than their text. Python 3.13 keeps them in another module.
    (PurePosixPath, "pathlib.PosixPath"),
    (PurePosixPath, "pathlib._local.PosixPath"),
    (PureWindowsPath, "pathlib.WindowsPath"),
    (PureWindowsPath, "pathlib._local.WindowsPath"),
]


def read_mark(path: Path) -> bytes:
    """The first two bytes. Raises BadModelFile for a missing or empty file."""
    try:
        with path.open("rb") as file:
            mark = file.read(_MARK_BYTES)
    except OSError as error:
        raise BadModelFile(
            f"The weight file {path.name} cannot be read: {error.strerror}.",
            hint="Check that the file exists and that the service may read it.",
        ) from error
    if len(mark) < _MARK_BYTES:
        raise _truncated(path)
    return mark


def load_archive(path: Path) -> Any:
    """What a torch file holds: tensors on the CPU, plain containers, numbers and strings.

    Raises BadModelFile for a file that is truncated, of another format, or that asks for
    anything but plain data.
    """
    mark = read_mark(path)
    if mark != _LEGACY_PICKLE:
        _check_directory(path)
    try:
        return _plain(_load(path, mark), path.stat().st_size, path)
    except BadModelFile:
        raise
    except pickle.UnpicklingError as error:
        raise _hostile(path, error) from error
    except Exception as error:  # torch raises whatever the damaged place led to
        raise _damaged(path, error) from error


def _load(path: Path, mark: bytes) -> Any:
    source: io.BytesIO | Path = path
    if mark not in (ZIP_MARK, _LEGACY_PICKLE):
        source = io.BytesIO(path.read_bytes())
        source.write(ZIP_MARK)
        source.seek(0)
    with torch.serialization.safe_globals(_LET_THROUGH):
        return torch.load(source, map_location="cpu", weights_only=True)


def _check_directory(path: Path) -> None:
    """The table of contents is at the end of an archive and names sizes: both a cut-off file
    and one that would unfold into far more than it is are found without unpacking anything."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        if path.open("rb").read(4)[2:] == b"\x03\x04":
            raise _truncated(path) from error
        raise BadModelFile(
            f"{path.name} is not a weight file.",
            hint="Use a .pth or .ckpt file that GPT-SoVITS or this service wrote.",
        ) from error
    if unpacked > path.stat().st_size:
        raise BadModelFile(
            f"The weight file {path.name} is compressed, which torch never writes.",
            hint="Use the file as GPT-SoVITS or this service wrote it.",
        )


def _plain(value: Any, file_size: int, path: Path) -> Any:
    """Stand-ins as dictionaries and text, everything else as it is; refuses inflated tensors."""
    if isinstance(value, _SettingsStandIn):
        value = dict(value.__dict__)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(item, file_size, path) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item, file_size, path) for item in value)
    if isinstance(value, Tensor) and value.numel() * value.element_size() > file_size:
        raise BadModelFile(
            f"The weight file {path.name} names a tensor larger than the file itself.",
            hint="Use the file as GPT-SoVITS or this service wrote it.",
        )
    return value


def save_archive(path: Path, content: Any, *, mark: bytes = ZIP_MARK) -> None:
    """Write a torch archive whole or not at all, its first two bytes replaced by `mark`."""
    assert len(mark) == _MARK_BYTES
    with atomic_path(path, durable=True) as partial, partial.open("wb") as file:
        torch.save(content, file)
        file.seek(0)
        file.write(mark)


def _truncated(path: Path) -> BadModelFile:
    return BadModelFile(
        f"The weight file {path.name} is incomplete.",
        hint="Copy or download it again; the file ends before its table of contents.",
    )


def _damaged(path: Path, error: Exception) -> BadModelFile:
    return BadModelFile(
        f"The weight file {path.name} is damaged ({type(error).__name__}).",
        hint="Copy or download it again.",
    )


def _hostile(path: Path, error: Exception) -> BadModelFile:
    reason = str(error).partition("GLOBAL ")[2].split(" ")[0]
    wants = f"wants to run {reason}" if reason else "holds more than plain data"
    return BadModelFile(
        f"The weight file {path.name} {wants} and was not loaded.",
        hint="Do not use this file: weight files have no need to run anything.",
    )
