"""Files are kept once, by what is in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ray_pipeline.core.errors import NotFound
from ray_pipeline.core.workspace import PARTIAL_PREFIX
from ray_pipeline.library.files import FileStore


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files")


def write(path: Path, content: bytes = b"weights") -> Path:
    path.write_bytes(content)
    return path


def everything(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


def test_equal_files_are_kept_once_and_keep_their_suffix(files: FileStore, tmp_path: Path) -> None:
    first = files.keep(write(tmp_path / "a.pth"))
    again = files.keep(write(tmp_path / "b.pth"))
    assert (first.sha256, first.size) == (again.sha256, 7)
    assert (first.name, again.name) == ("a.pth", "b.pth")
    assert files.path_of(first) == files.path_of(again)
    assert files.path_of(first).name == f"{first.sha256}.pth"
    assert files.path_of(first).parent.name == first.sha256[:2]
    assert len(everything(tmp_path)) == 1


def test_a_kept_file_outlives_its_source(files: FileStore, tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav")
    kept = files.keep(source, "happy.wav")
    source.unlink()
    assert kept.name == "happy.wav"
    assert files.path_of(kept).read_bytes() == b"weights"


def test_a_name_that_is_no_path_stays_inside_the_folder(files: FileStore, tmp_path: Path) -> None:
    kept = files.keep(write(tmp_path / "a.wav"), "../../evil.sh/..%2f")
    assert files.path_of(kept).parent.parent == tmp_path / "files"


def test_a_file_that_was_cut_is_missing_and_is_replaced(files: FileStore, tmp_path: Path) -> None:
    source = write(tmp_path / "a.pth")
    kept = files.keep(source)
    files.path_of(kept).write_bytes(b"we")
    with pytest.raises(NotFound, match="cut short"):
        files.path_of(kept)
    files.keep(source)
    assert files.path_of(kept).read_bytes() == b"weights"
    with pytest.raises(NotFound):
        files.path_of(replace(kept, sha256="0" * 64))


def test_sweeping_leaves_what_is_needed(files: FileStore, tmp_path: Path) -> None:
    needed = files.keep(write(tmp_path / "a.pth", b"one"))
    files.keep(write(tmp_path / "b.pth", b"two"))
    half = files.path_of(needed).with_name(f"{PARTIAL_PREFIX}half.pth")
    half.write_bytes(b"th")
    assert files.sweep({needed.sha256}) == 2
    assert everything(tmp_path) == [files.path_of(needed)]
    assert FileStore(tmp_path / "never made").sweep(set()) == 0
