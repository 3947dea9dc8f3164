"""What is plainly no sound, told by how the file begins.

For uploads: whoever sends a PDF or an archive hears so at once, not when it is converted. What
begins like none of these may still be no sound, and neither is every `.wav` that is readable as
text; that is found by decoding it.
"""

from __future__ import annotations

import codecs
from pathlib import PurePosixPath

HEAD_BYTES = 4096
_SHORTEST_TEXT = 64  # bytes; shorter ones say little about what the file is
_TEXT_CODES = frozenset(b"\t\n\v\f\r\x1b")

_BEGINNINGS = (
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "a text document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
    (b"PK\x03\x04", "an archive, an Office document or a weight file"),
    (b"PK\x05\x06", "an empty archive"),
    (b"Rar!\x1a\x07", "an archive"),
    (b"7z\xbc\xaf\x27\x1c", "an archive"),
    (b"\x1f\x8b\x08", "an archive"),
    (b"\xfd7zXZ\x00", "an archive"),
    (b"BZh", "an archive"),
    (b"\x28\xb5\x2f\xfd", "an archive"),
    (b"\x89PNG\r\n\x1a\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF87a", "a picture"),
    (b"GIF89a", "a picture"),
    (b"II*\x00", "a picture"),
    (b"MM\x00*", "a picture"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "a database"),
)
_WEB_PAGES = (b"<!doctype html", b"<html", b"<?xml", b"\xef\xbb\xbf<!doctype html")
_OF_SOUND = (
    ".wav",
    ".mp3",
    ".flac",
    ".ogg",
    ".opus",
    ".m4a",
    ".aac",
    ".wma",
    ".aiff",
    ".aif",
    ".amr",
)
_OF_FILMS = (
    ".mp4",
    ".mkv",
    ".mov",
    ".webm",
    ".avi",
    ".m4v",
    ".3gp",
    ".mpg",
    ".mpeg",
    ".ts",
    ".flv",
)
_SOUND_SUFFIXES = frozenset((*_OF_SOUND, *_OF_FILMS))
_PICTURE_BRANDS = (b"heic", b"heix", b"heif", b"mif1", b"avif")


def plainly_no_sound(head: bytes, name: str = "") -> str | None:
    """What a file is that begins with `head` (its first 4096 bytes, or all of it), in words such
    as "a picture"; None where it may be a recording, as a `name` ending in `.wav` says of any
    text but a web page."""
    for beginning, words in _BEGINNINGS:
        if head.startswith(beginning):
            return words
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a picture"
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        return "a picture"
    if head[:2] == b"MZ" and b"program cannot be run in DOS mode" in head:
        return "a program"
    if head.lstrip().lower().startswith(_WEB_PAGES):
        return "a web page"
    claims_sound = PurePosixPath(name).suffix.lower() in _SOUND_SUFFIXES
    return "a text" if not claims_sound and _is_text(head) else None


def _is_text(head: bytes) -> bool:
    """Readable from end to end: no format of sound has four thousand bytes of that."""
    if len(head) < _SHORTEST_TEXT or any(code < 32 and code not in _TEXT_CODES for code in head):
        return False
    try:
        # The last character of a head may be cut in two.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return False
    return True
