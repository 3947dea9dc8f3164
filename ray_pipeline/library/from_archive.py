"""The archive of a voice, read back: a zip with voice.json, as `voice/archive.py` writes it.

It may come from anybody. Nothing is unpacked but what voice.json names, to names of our own,
no more of it than was announced, and every file must have the SHA-256 that it claims.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.speech import Delivery
from ray_pipeline.core.voices import DEFAULT_MOOD
from ray_pipeline.core.workspace import safe_file_name
from ray_pipeline.library.draft import MAX_REFERENCES, Draft
from ray_pipeline.library.from_files import Recording, SentFiles, draft_of_files
from ray_pipeline.voice.archive import FORMAT, FORMAT_NAME, GPT_ROLE, MANIFEST, SOVITS_ROLE

_MOST_ENTRIES = 500
_MOST_MANIFEST_BYTES = 8_000_000
_MOST_UNPACKED_BYTES = 8_000_000_000
# Weights hardly shrink, and our own archives are not compressed at all.
_MOST_INFLATED = 20
_FIELD = "file"
_HINT = "Use an archive that this service wrote (`gsv download --voice`, `gsv voices export`)."


def draft_of_archive(archive: Path, folder: Path, models_dir: Path, note: str = "") -> Draft:
    """Unpacks into `folder`, which is this import's own. Torch is imported, to check the weights.

    Raises InvalidInput for an archive that is foreign, damaged or hostile, and as
    `draft_of_files` does for what is in it.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            described = _manifest(opened)
            unpacked = _Unpacked(opened, described, folder)
            weights = [unpacked.of_role(GPT_ROLE), unpacked.of_role(SOVITS_ROLE)]
            recordings = [unpacked.recording(each) for each in _references(described)]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise _refused(f"it is no zip, or is damaged ({error})") from error
    sent = SentFiles(weights=weights, recordings=recordings, note=note)
    draft = draft_of_files(sent, models_dir)
    settings, dictionary = _settings(described)
    lineage = {
        **_mapping(described, "lineage"),
        "source": "archive",
        "archive_name": _text(described, "name"),
    }
    return replace(
        draft,
        settings=settings,
        dictionary=dictionary,
        metrics=_mapping(described, "metrics"),
        lineage=lineage,
        voice_name=_text(described, "name"),
        language=_text(described, "language")[:20],
        note=note or _text(described, "note")[:1000],
    )


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > _MOST_ENTRIES or len(set(names)) != len(names):
        raise _refused("it has too many files, or two of one name")
    foreign = [name for name in names if not _stays_inside(name)]
    if foreign:
        raise _refused(f"{foreign[0][:80]!r} lies outside of it")
    if any(entry.flag_bits & 1 for entry in entries):
        raise _refused("it is encrypted")
    if MANIFEST not in names:
        raise _refused(f"it has no {MANIFEST}")
    entry = archive.getinfo(MANIFEST)
    if entry.file_size > _MOST_MANIFEST_BYTES:
        raise _refused(f"its {MANIFEST} has {entry.file_size:,} bytes")
    with archive.open(entry) as stream:
        content = stream.read(_MOST_MANIFEST_BYTES)
    if b"\\u0000" in content:
        raise _refused(f"its {MANIFEST} has the character U+0000 in a text")
    try:
        described = json.loads(content)
    except (ValueError, RecursionError):
        raise _refused(f"its {MANIFEST} is no JSON") from None
    if not isinstance(described, dict) or described.get("format") != FORMAT_NAME:
        raise _refused(f"its {MANIFEST} does not describe a voice")
    if described.get("format_version") != FORMAT:
        raise InvalidInput(
            "The archive was written by a newer version of the service.",
            hint="Update this one first.",
            field=_FIELD,
        )
    return described


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not name.startswith("/") and ".." not in parts and "\\" not in name and ":" not in name


class _Unpacked:
    """Files of an archive by what voice.json says of them, unpacked when they are asked for."""

    def __init__(self, archive: zipfile.ZipFile, described: dict[str, Any], folder: Path) -> None:
        self._archive, self._folder = archive, folder
        listed = described.get("files")
        rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
        self._rows = {str(row.get("name")): row for row in rows}
        self._count = 0
        self._left = _MOST_UNPACKED_BYTES

    def of_role(self, role: str) -> Path:
        for name, row in self._rows.items():
            if row.get("what") == role:
                return self._unpack(name)
        raise _refused(f"its {MANIFEST} names no {role}")

    def recording(self, reference: Mapping[str, Any]) -> Recording:
        name = _text(reference, "audio")
        return Recording(
            path=self._unpack(name),
            mood=_text(reference, "mood") or DEFAULT_MOOD,
            text=_text(reference, "text"),
            language=_text(reference, "language"),
            name=safe_file_name(PurePosixPath(name).name),
        )

    def _unpack(self, name: str) -> Path:
        row = self._rows.get(name)
        if row is None or name not in self._archive.namelist():
            raise _refused(f"it lacks {name[:80]!r}")
        entry = self._archive.getinfo(name)
        self._left -= entry.file_size
        if self._left < 0 or entry.file_size > _MOST_INFLATED * entry.compress_size + 1_000_000:
            raise _refused(f"{name[:80]!r} would unfold into {entry.file_size:,} bytes")
        self._count += 1
        place = self._folder / f"unpacked-{self._count}"
        place.mkdir()
        target = place / safe_file_name(PurePosixPath(name).name)
        digest = hashlib.sha256()
        with self._archive.open(entry) as source, target.open("wb") as out:
            # zipfile itself gives no more than `file_size` bytes.
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                out.write(chunk)
        if digest.hexdigest() != row.get("sha256"):
            raise _refused(f"{name[:80]!r} is not the file that its {MANIFEST} describes")
        return target


def _references(described: dict[str, Any]) -> list[dict[str, Any]]:
    listed = described.get("references")
    if not isinstance(listed, list):
        listed = [described.get("reference")]
    if len(listed) > MAX_REFERENCES:
        raise _refused(f"it has {len(listed)} references")
    return [each for each in listed if isinstance(each, dict)]


def _settings(described: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Those that this version of the service knows, and the voice's own words."""
    found = dict(_mapping(described, "settings"))
    dictionary = found.pop("dictionary", {})
    words = {
        word: phones
        for word, phones in (dictionary.items() if isinstance(dictionary, dict) else ())
        if isinstance(phones, list) and all(isinstance(phone, str) for phone in phones)
    }
    known = {name: value for name, value in found.items() if name in Delivery.model_fields}
    try:
        return Delivery.model_validate(known).model_dump(exclude_defaults=True), words
    except ValidationError as error:
        place = error.errors()[0]
        raise _refused(f"its setting {place['loc'][0]} is wrong ({place['msg']})") from None


def _mapping(described: dict[str, Any], name: str) -> dict[str, Any]:
    found = described.get(name)
    return found if isinstance(found, dict) else {}


def _text(described: Mapping[str, Any], name: str) -> str:
    found = described.get(name)
    return found if isinstance(found, str) else ""


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(f"The archive cannot be imported: {reason}.", hint=_HINT, field=_FIELD)
