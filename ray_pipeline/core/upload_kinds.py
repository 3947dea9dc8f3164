"""What an uploaded file is for, told by its name.

Windows hides suffixes, so a list saved as `me.list` is often `me.list.txt`; cameras and
recorders write them in capitals; and a file whose name was taken is kept as `me (2).list`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path, PurePosixPath

_COPY = re.compile(r"^(?P<stem>.*) \((?P<number>\d{1,6})\)(?P<suffix>(\.\w{1,8})*)$")


class UploadKind(StrEnum):
    RECORDING = "recording"
    TRANSCRIPT = "transcript"
    LIST = "list"
    PRONUNCIATIONS = "pronunciations"
    WEIGHTS = "weights"


_BY_SUFFIX = {
    ".txt": UploadKind.TRANSCRIPT,
    ".list": UploadKind.LIST,
    ".dict": UploadKind.PRONUNCIATIONS,
    ".pth": UploadKind.WEIGHTS,
    ".ckpt": UploadKind.WEIGHTS,
    ".pt": UploadKind.WEIGHTS,
    ".safetensors": UploadKind.WEIGHTS,
}


def upload_kind(name: str) -> UploadKind:
    """By the suffix, and by the one before a `.txt`; whatever is neither text
    nor weights is a recording."""
    kind = _BY_SUFFIX.get(PurePosixPath(name).suffix.lower(), UploadKind.RECORDING)
    if kind is UploadKind.TRANSCRIPT:
        inner = PurePosixPath(without_copy_number(text_stem(name))).suffix.lower()
        return _BY_SUFFIX.get(inner, kind)
    return kind


def text_stem(name: str) -> str:
    """The name without its `.txt`, however often it stands there."""
    while name.lower().endswith(".txt"):
        name = name[:-4]
    return name


def without_copy_number(name: str) -> str:
    """`talk.wav` for `talk (2).wav`, which is how a second upload of one name is kept."""
    copy = _COPY.match(name)
    return copy["stem"] + copy["suffix"] if copy else name


def copy_number(name: str) -> int:
    """The 2 of `talk (2).wav`; 1 without one."""
    copy = _COPY.match(name)
    return int(copy["number"]) if copy else 1


def upload_order(path: Path) -> tuple[int, int, str]:
    """Sorts uploads by when they came. Their times can be equal where one request brought them."""
    return path.stat().st_mtime_ns, copy_number(path.name), path.name
