"""Drafts become voices, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ray_pipeline.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from ray_pipeline.core.voices import VoiceRecord
from ray_pipeline.library.draft import DraftFile
from ray_pipeline.library.files import FileStore, files_folder
from ray_pipeline.library.keeping import Library, incoming_folder
from ray_pipeline.store import Store
from tests.library.voice_files import about, draft


@pytest.fixture
def library(store: Store, tmp_path: Path) -> Library:
    return Library(store, tmp_path)


def kept(tmp_path: Path) -> set[str]:
    return {path.suffix for path in files_folder(tmp_path).rglob("*") if path.is_file()}


def test_a_voice_needs_no_file_of_where_it_came_from(
    library: Library, store: Store, tmp_path: Path
) -> None:
    source = draft(tmp_path / "task", lineage={"task_id": "t1"}, settings={"top_k": 5})
    record = library.create(about("anna"), source)
    for path in (tmp_path / "task").iterdir():
        path.unlink()
    voice, version, _ = store.resolve_voice("anna", 0.5)
    assert (voice, version.number, version.base_model) == (record, 1, "nano")
    assert version.settings == {"top_k": 5}
    files = FileStore(files_folder(tmp_path))
    assert files.path_of(version.gpt).read_text() == "a.ckpt a"
    assert files.path_of(version.references[0].audio).suffix == ".wav"
    assert version.lineage == {
        "task_id": "t1",
        "gpt_sha256": version.gpt.sha256,
        "sovits_sha256": version.sovits.sha256,
    }


def test_files_that_were_sent_are_moved_and_others_are_copied(
    library: Library, tmp_path: Path
) -> None:
    sent = draft(tmp_path / "sent")
    library.create(about("anna"), replace(sent, gpt=replace(sent.gpt, is_ours=True)))
    assert sorted(path.name for path in (tmp_path / "sent").iterdir()) == ["a.pth", "a.wav"]


def test_a_deleted_voice_frees_what_no_other_needs(
    library: Library, store: Store, tmp_path: Path
) -> None:
    shared = draft(tmp_path / "one")
    own = DraftFile(draft(tmp_path / "two", "b").gpt.path)
    library.create(about("anna"), shared)
    library.create(about("berta"), replace(shared, gpt=own))
    library.delete("anna")
    version = store.resolve_voice("berta", 0.5)[1]
    files = FileStore(files_folder(tmp_path))
    assert [files.path_of(file).is_file() for file in version.files] == [True] * 3
    assert len(list(files_folder(tmp_path).glob("*/*"))) == 3
    library.add_version("berta", shared, promote=True)
    library.delete_version("berta", 1)
    assert len(list(files_folder(tmp_path).glob("*/*"))) == 3, "the file of its own is gone"
    with pytest.raises(NotFound):
        files.path_of(version.gpt)
    library.delete("berta")
    assert kept(tmp_path) == set()


def test_two_creations_of_one_name_at_once_are_one_voice_and_a_conflict(
    library: Library, store: Store, tmp_path: Path
) -> None:
    start = threading.Barrier(2)

    def create(letter: str) -> str:
        source = draft(tmp_path / letter, letter)
        start.wait()
        try:
            return library.create(about("anna"), source).name
        except Conflict as error:
            return error.code

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(create, "ab")) == ["anna", "conflict"]
    assert len(store.voices()) == 1
    assert len(list(files_folder(tmp_path).glob("*/*"))) == 3, "the loser's files are gone"


def test_what_cannot_be_written_leaves_no_file(
    library: Library, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("The database does not answer.")

    with monkeypatch.context() as broken:
        broken.setattr(store, "add_voice", away)
        with pytest.raises(Unavailable):
            library.create(about("anna"), draft(tmp_path / "a"))
    assert kept(tmp_path) == set()
    source = draft(tmp_path / "b")
    source.sovits.path.unlink()
    with pytest.raises(NotFound, match=r"a\.pth was removed"):
        library.create(about("anna"), source)
    assert (kept(tmp_path), store.voices()) == (set(), [])


_KILLED = """
import os, sys
from pathlib import Path
from ray_pipeline.library.keeping import Library
from ray_pipeline.store import Store
from tests.library.voice_files import about, draft

folder = Path(sys.argv[1])
store = Store(f"sqlite:///{folder / 'gsv.sqlite3'}")
store.add_voice = lambda *_: os.kill(os.getpid(), 9)
Library(store, folder).create(about("killed"), draft(folder / "sent", "k"))
"""


def test_a_kill_between_the_files_and_the_row_leaves_nothing_after_the_next_start(
    library: Library, store: Store, tmp_path: Path
) -> None:
    library.create(about("anna"), draft(tmp_path / "a"))
    died = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], timeout=120, check=False)
    assert died.returncode == -9
    assert len(list(files_folder(tmp_path).glob("*/*"))) == 6, "it was killed behind the files"
    assert Library(store, tmp_path).clean_up() == 3
    assert [voice.name for voice in store.voices()] == ["anna"]
    version = store.resolve_voice("anna", 0.5)[1]
    files = FileStore(files_folder(tmp_path))
    assert all(files.path_of(file).is_file() for file in version.files)


def test_only_what_nobody_works_on_any_more_is_cleared_from_what_is_coming_in(
    library: Library, tmp_path: Path
) -> None:
    import os

    for name in ("old", "new"):
        (incoming_folder(tmp_path) / name).mkdir(parents=True)
    os.utime(incoming_folder(tmp_path) / "old", (0, 0))
    library.clean_up()
    assert [folder.name for folder in incoming_folder(tmp_path).iterdir()] == ["new"]


def test_a_sweep_waits_for_those_who_keep_files(
    library: Library, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.create(about("anna"), draft(tmp_path / "a"))
    add = store.add_voice

    def delete_meanwhile(*arguments: object) -> VoiceRecord:
        library.delete("anna")
        return add(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "add_voice", delete_meanwhile)
    library.create(about("berta"), draft(tmp_path / "b", "b"))
    version = store.resolve_voice("berta", 0.5)[1]
    files = FileStore(files_folder(tmp_path))
    assert all(files.path_of(file).is_file() for file in version.files)
    assert len(list(files_folder(tmp_path).glob("*/*"))) == 3, "and anna's are gone"


@pytest.mark.parametrize("moods", [["default", "default"], ["default", "a/b"], ["x"] * 40])
def test_moods_must_be_names_and_each_given_once(
    library: Library, tmp_path: Path, moods: list[str]
) -> None:
    source = draft(tmp_path / "a")
    wrong = tuple(replace(source.references[0], mood=mood) for mood in moods)
    with pytest.raises(InvalidInput):
        library.create(about("anna"), replace(source, references=wrong))
    assert kept(tmp_path) == set()
