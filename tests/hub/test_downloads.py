"""Downloads beside other work: one after another, told how far, cancelled, resumed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ray_pipeline.core.errors import InvalidInput, Unavailable
from ray_pipeline.hub.downloads import WANTED, Downloads, DownloadState
from ray_pipeline.hub.hubs import HuggingFace
from ray_pipeline.hub.pulling import PullProgress, pull
from tests.hub.hub_server import small_hub
from tests.hub.test_pulling import _WEIGHTS, _WHISPER, whisper_files

NAME = "whisper-large-v3"


def _states(downloads: Downloads) -> dict[str, str]:
    return {each.name: each.state for each in downloads.all()}


def test_what_is_asked_for_is_fetched_in_the_background_and_says_how_far_it_is(
    tmp_path: Path,
) -> None:
    with small_hub({_WHISPER: whisper_files()}) as hub:
        fetching = partial(pull, hub=HuggingFace(hub.url), pause_seconds=0.001)
        downloads = Downloads(tmp_path, fetching)
        assert downloads.start(NAME)[0].state in (DownloadState.QUEUED, DownloadState.RUNNING)
        assert downloads.wait(30)
    (done,) = downloads.all()
    assert done.state is DownloadState.DONE
    assert done.number == done.num_files == 5
    assert (tmp_path / _WEIGHTS).is_file()
    assert not (tmp_path / WANTED).exists()


def test_what_is_there_already_is_not_fetched(tmp_path: Path) -> None:
    downloads = Downloads(tmp_path, _never)
    assert downloads.start("nano") == []
    assert downloads.all() == []


def test_companions_come_too_unless_asked_alone(tmp_path: Path) -> None:
    held = _Held()
    downloads = Downloads(tmp_path, held)
    assert [each.name for each in downloads.start("v2")] == ["v2", "bert"]
    assert [each.name for each in downloads.start("v1", alone=True)] == ["v1"]
    held.go.set()
    assert downloads.wait(10)
    assert held.asked == ["v2", "bert", "v1"]


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing called 'v9'"):
        Downloads(tmp_path).start("v9")


def test_a_failure_says_what_to_do_and_the_next_in_line_comes(tmp_path: Path) -> None:
    def fetch(name: str, *_: Any) -> list[str]:
        if name == "v2":
            raise Unavailable("The hub does not answer.", hint="Try again.")
        return []

    downloads = Downloads(tmp_path, fetch)
    downloads.start("v2", alone=True)
    downloads.start("bert")
    assert downloads.wait(10)
    failed, done = downloads.all()
    assert (failed.state, failed.problem) == ("failed", "The hub does not answer. Try again.")
    assert done.state is DownloadState.DONE


def test_a_cancelled_download_ends_at_its_next_bytes_and_can_be_asked_for_again(
    tmp_path: Path,
) -> None:
    held = _Held()
    downloads = Downloads(tmp_path, held)
    downloads.start("v2", alone=True)
    assert held.begun.wait(10)
    cancelled = downloads.cancel("v2")
    assert cancelled is not None
    assert cancelled.state is DownloadState.CANCELLED
    held.go.set()
    assert downloads.wait(10)
    assert _states(downloads) == {"v2": "cancelled"}
    downloads.start("v2", alone=True)
    assert downloads.wait(10)
    assert _states(downloads) == {"v2": "done"}
    assert downloads.cancel("bert") is None


def test_a_restarted_service_goes_on_with_what_was_wanted(tmp_path: Path) -> None:
    held = _Held()
    first = Downloads(tmp_path, held)
    first.start("v2", alone=True)
    assert held.begun.wait(10)
    assert json.loads((tmp_path / WANTED).read_text()) == [{"name": "v2", "source": None}]
    second = Downloads(tmp_path, lambda *_: [])  # the first one's process is gone
    assert second.wait(10)
    assert _states(second) == {"v2": "done"}
    held.go.set()


def test_a_damaged_list_of_what_was_wanted_is_left_aside(tmp_path: Path) -> None:
    (tmp_path / WANTED).write_text('[{"name": "v9", "source": 3}]')
    assert Downloads(tmp_path, _never).all() == []


class _Held:
    """Fetches nothing until it may go on; then it tells of bytes, as a real one does."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.asked: list[str] = []

    def __call__(
        self, name: str, models_dir: Path, source: str | None, tell: Callable[[PullProgress], None]
    ) -> list[str]:
        self.asked.append(name)
        self.begun.set()
        assert self.go.wait(10)
        tell(PullProgress("a.bin", 1, 2, 1, 1))
        return []


def _never(*_: Any) -> list[str]:
    raise AssertionError("nothing is to be fetched")
