import os
import signal
import subprocess
import sys

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ray_pipeline.core.errors import InvalidInput, NotFound
from ray_pipeline.core.stop_points import VARIABLE
from ray_pipeline.core.workspace import (
    PARTIAL_PREFIX,
    Workspace,
    atomic_path,
    atomic_write,
    is_partial,
    remove_partials,
    safe_file_name,
)


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "task")
    workspace.create()
    return workspace


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("talk.wav", "talk.wav"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\me\\talk.wav", "talk.wav"),
        ("my talk 😀 中文.mp3", "my talk 😀 中文.mp3"),
        ("it's.wav", "it's.wav"),
        ('"quoted".wav', "_quoted_.wav"),
        ("new\nline.wav", "new line.wav"),
        (".hidden", "hidden"),
        ("one\u00a0 two\u3000three\u2028four\x85five .wav", "one two three four five .wav"),
        ("-i.wav", "-i.wav"),
    ],
)
def test_file_names_are_made_harmless_and_stay_recognisable(raw, name):
    assert safe_file_name(raw) == name


@pytest.mark.parametrize("raw", ["", "..", "/", "\x00", "...", "a/.."])
def test_a_name_of_nothing_is_refused(raw):
    with pytest.raises(InvalidInput):
        safe_file_name(raw)


@given(st.text(max_size=400))
def test_any_name_is_refused_or_stays_one_short_component(raw):
    try:
        name = safe_file_name(raw)
    except InvalidInput:
        return
    assert "/" not in name
    assert name not in (".", "..")
    assert 0 < len(name.encode()) <= 180


def test_a_long_name_keeps_its_suffix():
    assert safe_file_name("长" * 200 + ".wav").endswith("长.wav")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "..\\x", "a\x00b", ""])
def test_a_name_that_leads_out_is_refused(workspace, name):
    with pytest.raises(InvalidInput):
        workspace.resolve(name)


def test_a_link_that_leads_out_is_refused(workspace, tmp_path):
    (tmp_path / "secret").write_text("x")
    (workspace.root / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidInput):
        workspace.resolve("link")


def test_a_bare_name_is_looked_for_in_output_then_experiment_then_weights_then_task(workspace):
    places = [
        workspace.root / "a.bin",
        workspace.gpt_weights("nano") / "a.bin",
        workspace.experiment("me").folder / "a.bin",
        workspace.output / "a.bin",
    ]
    for path in places:
        atomic_write(path, b"x")
        assert workspace.find("a.bin", "me") == path


def test_a_path_below_the_task_is_found(workspace):
    atomic_write(workspace.sliced / "clip.wav", b"x")
    assert workspace.find("sliced/clip.wav", "me") == workspace.sliced / "clip.wav"


def test_a_missing_file_is_named(workspace):
    with pytest.raises(NotFound, match=r"voice\.wav"):
        workspace.find("voice.wav", "me")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file.json"
    atomic_write(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as partial:
        partial.write_text("ne")
        assert is_partial(partial)
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("path_of_error", [lambda partial: partial, str])
def test_an_error_while_a_file_is_written_names_the_file_that_the_user_knows(
    tmp_path, path_of_error
):
    def writers(partial):
        yield InvalidInput(f"{partial.name} is damaged.", hint=f"Remove {partial.name}.")
        yield FileNotFoundError(2, "No such file", path_of_error(partial))
        yield soundfile.LibsndfileError(2, f"Error opening {str(partial)!r}: ")
        yield ValueError(f"cannot write {partial}")

    for number in range(4):
        with (
            pytest.raises(Exception, match=r"talk.wav") as raised,
            atomic_path(tmp_path / "talk.wav") as partial,
        ):
            raise list(writers(partial))[number]
        assert ".partial-" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("order", "content"),
    [("written file.json", "old"), ("renamed file.json", "new"), ("written other.json", "new")],
)
def test_a_process_can_be_stopped_inside_a_write_and_leaves_the_old_file_or_the_new_one(
    tmp_path, order, content
):
    path, order_file = tmp_path / "file.json", tmp_path / "order"
    atomic_write(path, "old")
    order_file.write_text(order)
    program = "from pathlib import Path; from ray_pipeline.core.workspace import atomic_write\n"
    program += f"atomic_write(Path({str(path)!r}), 'new')"
    ended = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, VARIABLE: str(order_file)}, check=False
    )
    stopped = "other" not in order
    assert ended.returncode == (-signal.SIGKILL if stopped else 0)
    assert path.read_text() == content
    assert order_file.exists() is not stopped, "an order is carried out once"


def test_what_a_killed_process_left_unfinished_is_removed(tmp_path):
    atomic_write(tmp_path / "voice.pth", "whole")
    (tmp_path / f"{PARTIAL_PREFIX}123.pth").write_text("ha")
    remove_partials(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["voice.pth"]
