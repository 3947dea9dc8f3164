"""A kept version as one file to take along: the archive that a task's voice is, too.

`from_archive.py` reads it back. What a task's archive has not: several references by mood,
metrics, lineage, and who agreed to the voice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from ray_pipeline.core.manifest import fingerprint
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.voices import DEFAULT_MOOD, KeptFile, VoiceRecord, VoiceVersion
from ray_pipeline.library.files import FileStore
from ray_pipeline.voice.archive import (
    GPT_ROLE,
    MANIFEST,
    SOVITS_ROLE,
    Member,
    describe,
    write_archive,
)

_KEPT_SECONDS = 3600


def packed_folder(data_dir: Path) -> Path:
    return data_dir / "voices" / "packed"


def pack_version(
    record: VoiceRecord, version: VoiceVersion, files: FileStore, folder: Path
) -> Path:
    """The archive below `folder`, made unless it is there; others that nobody takes any more go.

    Raises NotFound where a file of the library is missing, StorageFull.
    """
    members = list(_members(record, version, files))
    target = folder / f"{fingerprint(manifest=_digest(members[0]))}.zip"
    if not target.exists():
        for older in folder.glob("*.zip"):
            if time.time() - older.stat().st_mtime > _KEPT_SECONDS:
                older.unlink(missing_ok=True)
        write_archive(target, members)
    return target


def _digest(manifest: Member) -> str:
    assert isinstance(manifest.content, bytes)
    return manifest.content.decode()


def _members(record: VoiceRecord, version: VoiceVersion, files: FileStore) -> Iterator[Member]:
    base = version.base_model
    gpt = _weights(f"GPT_weights_{base}", version.gpt, GPT_ROLE, files)
    sovits = _weights(f"SoVITS_weights_{base}", version.sovits, SOVITS_ROLE, files)
    others: list[Member] = []
    references: list[dict[str, Any]] = []
    for each in version.references:
        name = f"reference/{each.mood}{PurePosixPath(each.audio.name).suffix.lower()}"
        text_name = f"reference/{each.mood}.txt"
        others.append(Member(name, "reference", files.path_of(each.audio)))
        others.append(Member(text_name, "what is said in the reference", each.text.encode()))
        references.append(
            {"mood": each.mood, "audio": name, "text": each.text, "language": each.language}
        )
    readme = "\n".join(_readme(record, version, references)).encode()
    members = [gpt, sovits, *others, Member("README.md", "for people", readme)]
    voice = {
        "name": record.name,
        "version": version.number,
        "base_model": base,
        "language": record.language,
        "owner": record.owner,
        "consent": record.consent,
        "note": version.note,
        "created_at": version.created_at.isoformat(),
        "reference": _default(references),
        "references": references,
        "settings": {**version.settings, "dictionary": version.dictionary},
        "metrics": version.metrics,
        "lineage": version.lineage,
    }
    described = json.dumps(describe(voice, members), ensure_ascii=False, indent=1)
    yield Member(MANIFEST, "manifest", described.encode())
    yield from members


def _weights(folder: str, file: KeptFile, role: str, files: FileStore) -> Member:
    return Member(f"{folder}/{PurePosixPath(file.name).name}", role, files.path_of(file))


def _default(references: list[dict[str, Any]]) -> dict[str, Any] | None:
    """As a task's archive has its one reference."""
    named = [each for each in references if each["mood"] == DEFAULT_MOOD] or references
    return {key: value for key, value in named[0].items() if key != "mood"} if named else None


def _readme(
    record: VoiceRecord, version: VoiceVersion, references: list[dict[str, Any]]
) -> Iterator[str]:
    yield f"# {record.name}, version {version.number}"
    yield ""
    yield f"A GPT-SoVITS voice of the base model {version.base_model}."
    yield ""
    for each in references:
        yield f"- `{each['audio']}` ({each['language'] or 'language unknown'}): {each['text']}"
    yield ""
    yield "Speak with it in this service: `gsv voices import NAME THIS.zip`."
    yield ""
    if not base_model(version.base_model).is_pretrained:
        yield f"The base {version.base_model} exists in this service only; GPT-SoVITS cannot read "
        yield "these weights."
    else:
        yield "In GPT-SoVITS: put the two weights into its folders of the same names, and choose"
        yield "them and a reference on its inference page."
    yield ""
    yield f"Consent: {record.consent or 'not recorded'}."
    yield "`voice.json` has the size and the SHA-256 of every file. Speak with somebody's voice"
    yield "only with their consent."
    yield ""
