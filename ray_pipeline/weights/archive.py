"""Reading and writing torch archives without ever running what is inside them.

Loading is `weights_only` always. Few foreign names are let through: `utils.HParams`, the class
that the original pickles its configuration with, becomes a plain dictionary here, and the paths
in its training checkpoints become text. Some of its files have their first two bytes replaced by
a version mark, which is undone for reading.

Nothing is unpickled before it is known how much would come of it (`pickle_size.py`), and no
tensors are given on that together are much larger than their file.
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
from ray_pipeline.weights.pickle_size import TooMuch, check_pickle

ZIP_MARK = b"PK"
_LEGACY_PICKLE = b"\x80\x02"  # what torch wrote before 1.6
_LEGACY_PICKLES = 5
_MARK_BYTES = 2
_MOST_SHARED = 4  # times the file's size; some models tie the weights of two layers
_AS_WRITTEN = "Use the file as GPT-SoVITS or this service wrote it."


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
    source = _readable(path, mark)
    if mark == _LEGACY_PICKLE:
        _check_legacy(path)
    else:
        _check_directory(path, source)
    try:
        return _Plain(path).of(_load(source))
    except BadModelFile:
        raise
    except pickle.UnpicklingError as error:
        raise _hostile(path, error) from error
    except Exception as error:  # torch raises whatever the damaged place led to
        raise _damaged(path, error) from error


def _readable(path: Path, mark: bytes) -> io.BytesIO | Path:
    """The file, or a copy in memory with the bytes that a version mark took the place of."""
    if mark in (ZIP_MARK, _LEGACY_PICKLE):
        return path
    copy = io.BytesIO(path.read_bytes())
    copy.write(ZIP_MARK)
    copy.seek(0)
    return copy


def _load(source: io.BytesIO | Path) -> Any:
    if isinstance(source, io.BytesIO):
        source.seek(0)
    with torch.serialization.safe_globals(_LET_THROUGH):
        return torch.load(source, map_location="cpu", weights_only=True)


def _check_directory(path: Path, source: io.BytesIO | Path) -> None:
    """The table of contents is at the end of an archive and names sizes: both a cut-off file
    and one that would unfold into far more than it is are found without unpacking anything.
    Then its pickle is followed, without building anything."""
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
            if unpacked <= path.stat().st_size:
                for entry in entries:
                    if PurePosixPath(entry.filename).name == "data.pkl":
                        with archive.open(entry) as stream:
                            check_pickle(stream)
    except TooMuch as error:
        raise _bomb(path, error) from error
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
            hint=_AS_WRITTEN,
        )


def _check_legacy(path: Path) -> None:
    """What torch wrote before 1.6 is five pickles, and the tensors' bytes after them."""
    try:
        with path.open("rb") as stream:
            for _ in range(_LEGACY_PICKLES):
                check_pickle(stream)
    except TooMuch as error:
        raise _bomb(path, error) from error


class _Plain:
    """Stand-ins as dictionaries and text, everything else as it is; refuses inflated tensors."""

    def __init__(self, path: Path) -> None:
        self._name, self._file_bytes = path.name, path.stat().st_size
        self._tensor_bytes = 0

    def of(self, value: Any) -> Any:
        if isinstance(value, _SettingsStandIn):
            value = dict(value.__dict__)
        if isinstance(value, PurePath):
            return str(value)
        if isinstance(value, Mapping):
            return {key: self.of(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.of(item) for item in value)
        if isinstance(value, Tensor):
            self._count(value)
        return value

    def _count(self, tensor: Tensor) -> None:
        """A tensor may be a view of few bytes that is repeated, and many may share theirs."""
        size = tensor.numel() * tensor.element_size()
        self._tensor_bytes += size
        if size > self._file_bytes:
            raise BadModelFile(
                f"The weight file {self._name} names a tensor larger than the file itself.",
                hint=_AS_WRITTEN,
            )
        if self._tensor_bytes > _MOST_SHARED * self._file_bytes:
            raise BadModelFile(
                f"The tensors of the weight file {self._name} are together over {_MOST_SHARED} "
                "times as large as the file.",
                hint=_AS_WRITTEN,
            )


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


def _bomb(path: Path, error: TooMuch) -> BadModelFile:
    return BadModelFile(
        f"The weight file {path.name} was not loaded: {error}.",
        hint=f"{_AS_WRITTEN} If it is, copy or download it again.",
    )


def _hostile(path: Path, error: Exception) -> BadModelFile:
    reason = str(error).partition("GLOBAL ")[2].split(" ")[0]
    wants = f"wants to run {reason}" if reason else "holds more than plain data"
    return BadModelFile(
        f"The weight file {path.name} {wants} and was not loaded.",
        hint="Do not use this file: weight files have no need to run anything.",
    )
