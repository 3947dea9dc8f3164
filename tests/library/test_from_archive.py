"""Archives go out and come back; hostile ones are refused before anything is unpacked."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ray_pipeline.core.errors import BadModelFile, InvalidInput, PipelineError
from ray_pipeline.library.files import FileStore, files_folder
from ray_pipeline.library.from_archive import draft_of_archive
from ray_pipeline.library.from_files import Recording, SentFiles, draft_of_files
from ray_pipeline.library.keeping import Library
from ray_pipeline.library.packing import pack_version
from ray_pipeline.store import Store
from tests.library.conftest import Pair
from tests.library.voice_files import SPEECH, TEXT, about

NOWHERE = Path("nowhere")


@pytest.fixture
def packed(store: Store, mini: Pair, tmp_path: Path) -> Path:
    """A kept voice with two moods, exported."""
    sent = tmp_path / "sent"
    sent.mkdir()
    spoken = Path(shutil.copy(SPEECH / "LJ001-0016.flac", sent / "ref.flac"))
    weights = [Path(shutil.copy(path, sent / path.name)) for path in mini]
    recordings = [Recording(spoken, text=TEXT, language="en"), Recording(spoken, mood="开心")]
    draft = draft_of_files(SentFiles(weights=weights, recordings=recordings), NOWHERE)
    draft = replace(draft, settings={"top_k": 5}, dictionary={"GSV": ["JH", "IY1"]})
    record = about("anna", consent="A. agreed.")
    Library(store, tmp_path).create(record, draft)
    voice, version, _ = store.resolve_voice("anna", 0.5)
    files = FileStore(files_folder(tmp_path))
    first = pack_version(voice, version, files, tmp_path / "packed")
    assert pack_version(voice, version, files, tmp_path / "packed") == first
    return first


def folder(tmp_path: Path) -> Path:
    place = tmp_path / "incoming"
    place.mkdir(exist_ok=True)
    return place


def test_an_exported_version_comes_back_as_it_was(
    store: Store, packed: Path, tmp_path: Path
) -> None:
    version = store.resolve_voice("anna", 0.5)[1]
    found = draft_of_archive(packed, folder(tmp_path), NOWHERE)
    assert (found.voice_name, found.language, found.base_model) == ("anna", "en", "mini")
    assert found.settings == {"top_k": 5}
    assert found.dictionary == {"GSV": ["JH", "IY1"]}
    moods = [(each.mood, each.text, each.language) for each in found.references]
    assert moods == [("default", TEXT, "en"), ("开心", "", "")]
    digest = hashlib.sha256(found.gpt.path.read_bytes()).hexdigest()
    assert digest == version.gpt.sha256 == found.lineage["gpt_sha256"]
    assert json.loads(zipfile.ZipFile(packed).read("voice.json"))["consent"] == "A. agreed."


def rewritten(packed: Path, target: Path, **changes: Any) -> Path:
    """The archive with files changed or added by name; None removes one."""
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            if entry.filename not in changes:
                new.writestr(entry.filename, old.read(entry))
        for name, content in changes.items():
            if content is not None:
                new.writestr(name, content, zipfile.ZIP_DEFLATED)
    return target


def manifest(packed: Path, **changes: Any) -> str:
    described = json.loads(zipfile.ZipFile(packed).read("voice.json"))
    return json.dumps({**described, **changes})


def test_what_is_no_archive_of_a_voice_is_refused(packed: Path, tmp_path: Path) -> None:
    target = tmp_path / "changed.zip"
    gpt = next(name for name in zipfile.ZipFile(packed).namelist() if name.startswith("GPT"))
    described = json.loads(manifest(packed))
    bomb = b"\0" * 60_000_000
    rows = [
        {**row, "size": len(bomb), "sha256": hashlib.sha256(bomb).hexdigest()}
        if row["name"] == gpt
        else row
        for row in described["files"]
    ]
    cases: list[tuple[str, dict[str, Any]]] = [
        ("is no JSON", {"voice.json": "{"}),
        ("is no JSON", {"voice.json": "[" * 100_000}),
        ("does not describe a voice", {"voice.json": "[]"}),
        ("has no voice.json", {"voice.json": None}),
        ("newer version", {"voice.json": manifest(packed, format_version=99)}),
        ("names no GPT weights", {"voice.json": manifest(packed, files=[])}),
        ("is not the file", {gpt: b"something else"}),
        ("lacks", {gpt: None}),
        ("lies outside", {"../evil.sh": b"x"}),
        ("lies outside", {"/etc/evil": b"x"}),
        ("lies outside", {"C:\\evil": b"x"}),
        ("would unfold", {gpt: bomb, "voice.json": manifest(packed, files=rows)}),
        ("its setting top_k", {"voice.json": manifest(packed, settings={"top_k": -1})}),
    ]
    for words, changes in cases:
        rewritten(packed, target, **changes)
        place = tmp_path / "incoming"
        place.mkdir(exist_ok=True)
        for left in place.iterdir():
            shutil.rmtree(left)
        with pytest.raises(InvalidInput, match=words):
            draft_of_archive(target, place, NOWHERE)
    assert not (tmp_path / "evil.sh").exists()


def test_weights_in_an_archive_are_checked_as_those_that_are_sent(
    packed: Path, tmp_path: Path
) -> None:
    described = json.loads(manifest(packed))
    gpt = next(row for row in described["files"] if row["name"].startswith("GPT"))
    gpt["sha256"] = hashlib.sha256(b"garbage").hexdigest()
    target = tmp_path / "changed.zip"
    rewritten(packed, target, **{gpt["name"]: b"garbage", "voice.json": json.dumps(described)})
    with pytest.raises(BadModelFile):
        draft_of_archive(target, folder(tmp_path), NOWHERE)


def test_a_damaged_zip_is_told_as_such(packed: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    for content in (b"no zip", packed.read_bytes()[:-100], b""):
        cut.write_bytes(content)
        with pytest.raises(PipelineError, match="no zip, or is damaged"):
            draft_of_archive(cut, folder(tmp_path), NOWHERE)
