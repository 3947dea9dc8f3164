"""What the chunks of a WAV file say about its length, read from its bytes.

Programs that write into a pipe (text-to-speech services, `ffmpeg -f wav -`) do not know the
length when they write the header, and put 0 or the largest number there. Others write one WAV
file behind another.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_HEADER = re.compile(rb"RIFF....WAVEfmt ", re.DOTALL)
_ABOUT_THE_MOST = (0x7FFFFF00, 0xFFFFFF00)  # some take a header's length off the largest number
_HEADER_BYTES = 12


@dataclass(frozen=True)
class WavLayout:
    """`num_files` is how many WAV files lie one behind the other."""

    length_is_unknown: bool
    num_files: int


def wav_layout(path: Path) -> WavLayout | None:
    """None for whatever is no WAV file, or has no sound in it."""
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        if header[:4] != b"RIFF" or header[8:] != b"WAVE":
            return None
        sizes = [size for name, size in _chunks(file) if name == b"data"]
        if not sizes:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            num_files = sum(1 for _ in _HEADER.finditer(content))
    unknown = sizes[0] == 0 or any(most <= sizes[0] <= most + 0xFF for most in _ABOUT_THE_MOST)
    return WavLayout(unknown, num_files)


def clear_peak_time(path: Path) -> None:
    """Set the time in a float WAV's PEAK chunk, which libsndfile writes, to zero: equal sound
    makes equal files then."""
    with path.open("rb+") as file:
        file.seek(_HEADER_BYTES)
        for name, _ in _chunks(file):
            if name == b"PEAK":
                file.seek(4, 1)  # behind the version
                file.write(bytes(4))
                return
            if name == b"data":
                return


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and size of each chunk, while the file stands at the beginning of its content."""
    while len(header := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", header)
        start = file.tell()
        yield name, size
        file.seek(start + size + size % 2)
