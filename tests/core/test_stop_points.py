"""Holding; how a process is stopped at a point, tests/core/test_workspace.py shows."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ray_pipeline.core.stop_points import VARIABLE, pass_by
from ray_pipeline.core.workspace import atomic_write

_PATIENCE_SECONDS = 60


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "orders"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def _beside(work: Callable[..., None], *arguments: object) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_is_held_at_a_point_until_it_is_released(orders: Path) -> None:
    orders.write_text("hold begun train_gpt\nhold half slice_audio\n")
    held = _beside(pass_by, "half", "slice_audio")
    _wait_for((orders.parent / "hold half slice_audio").exists)
    assert held.is_alive()
    assert not (orders.parent / "hold begun train_gpt").exists()
    orders.write_text("hold begun train_gpt\n")
    held.join(_PATIENCE_SECONDS)
    assert held.exitcode == 0


def test_a_process_can_be_held_inside_a_write(orders: Path, tmp_path: Path) -> None:
    path = tmp_path / "voice_e2_s12.pth"
    path.write_text("old")
    orders.write_text("hold written voice_e2_*.pth")
    held = _beside(atomic_write, path, "new")
    _wait_for((tmp_path / "hold written voice_e2_*.pth").exists)
    assert path.read_text() == "old"
    orders.unlink()
    held.join(_PATIENCE_SECONDS)
    assert path.read_text() == "new"


@pytest.mark.parametrize("point", ["begun", "half", "made"])
def test_whom_no_order_names_goes_on(orders: Path, point: str) -> None:
    orders.write_text("hold begun train_gpt\nhold half train_gpt\nhold made train_gpt\n")
    pass_by(point, "slice_audio")  # type: ignore[arg-type]
    orders.unlink()
    pass_by(point, "train_gpt")  # type: ignore[arg-type]
    assert not any(orders.parent.iterdir())
