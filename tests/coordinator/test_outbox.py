"""Nothing that a step said is lost or changes its order while nobody can store it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ray_pipeline.coordinator import outbox as outbox_module
from ray_pipeline.coordinator.outbox import Outbox, Report, Spool
from ray_pipeline.core.task import EventKind


class Receiver:
    """Stores what it is sent, unless it is away."""

    def __init__(self) -> None:
        self.is_away = False
        self.refused = threading.Event()
        self.stored: list[Report] = []

    def __call__(self, batch: list[Report]) -> bool:
        if self.is_away:
            self.refused.set()
            return False
        self.stored += batch
        return True

    def epochs(self) -> list[int]:
        return [report.data["epoch"] for report in self.stored if "epoch" in report.data]


def epoch(number: int) -> Report:
    return Report(
        kind=EventKind.METRIC, data={"epoch": number, "values": {"loss": 0.5, "中": None}}
    )


def progress(done: int) -> Report:
    return Report(kind=EventKind.PROGRESS, data={"done": done})


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "SEND_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(outbox_module, "AWAY_INTERVAL_SECONDS", 0.01)


def test_what_is_said_while_the_database_is_away_arrives_afterwards_in_order(
    tmp_path: Path,
) -> None:
    receiver = Receiver()
    outbox = Outbox(receiver, tmp_path / "reports", "train-1")
    outbox.put(epoch(0))
    outbox.flush()
    receiver.is_away = True
    for number in range(1, 6):
        receiver.refused.clear()
        outbox.put(epoch(number))
        assert receiver.refused.wait(5)
    assert receiver.epochs() == [0]
    receiver.is_away = False
    outbox.put(epoch(6))
    outbox.flush()
    assert receiver.epochs() == [0, 1, 2, 3, 4, 5, 6]
    assert receiver.stored[3].data["values"] == {"loss": 0.5, "中": None}
    assert list((tmp_path / "reports").iterdir()) == []


def test_what_a_process_left_that_is_gone_is_sent_at_the_end_of_the_step(tmp_path: Path) -> None:
    away = Receiver()
    away.is_away = True
    controller = Outbox(away, tmp_path, "train-1")
    for number in range(3):
        controller.put(epoch(number))
    assert away.refused.wait(5)
    spools = list(tmp_path.glob("train-1.*.jsonl"))
    while not (spools and len(Spool(spools[0])._read()) == 3):
        spools = list(tmp_path.glob("train-1.*.jsonl"))
    # The process ends here; another one of the same attempt flushes.
    receiver = Receiver()
    left_by_another_attempt = Spool(tmp_path / "train-2.0-0.jsonl")
    left_by_another_attempt.add([epoch(9)])
    Outbox(receiver, tmp_path, "train-1").flush()
    assert receiver.epochs() == [0, 1, 2]
    assert not left_by_another_attempt.is_empty


def test_a_file_cut_short_by_a_full_disk_gives_all_whole_lines(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "train-1.0-0.jsonl")
    spool.add([epoch(0)])
    with spool.path.open("a") as file:
        file.write('{"kind": "metric", "ti')
    spool.add([epoch(1)])
    receiver = Receiver()
    assert spool.send_to(receiver)
    assert receiver.epochs() == [0, 1]


def test_where_the_file_cannot_be_written_either_the_memory_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(self: Spool, reports: list[Report]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "add", no_room)
    receiver = Receiver()
    receiver.is_away = True
    outbox = Outbox(receiver, tmp_path, "train-1")
    for number in range(3):
        receiver.refused.clear()
        outbox.put(epoch(number))
        assert receiver.refused.wait(5)
    receiver.is_away = False
    outbox.flush()
    assert receiver.epochs() == [0, 1, 2]


def test_of_progress_only_the_newest_is_sent(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "train-1.0-0.jsonl")
    spool.add([progress(1), epoch(0), progress(2), epoch(1), progress(3)])
    receiver = Receiver()
    assert spool.send_to(receiver)
    assert [report.data.get("done") for report in receiver.stored] == [None, None, 3]


def test_the_file_of_reports_has_a_bound_and_what_is_lost_beyond_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "_MAX_SPOOL_BYTES", 2000)
    monkeypatch.setattr(outbox_module, "_MAX_PENDING", 10)
    receiver = Receiver()
    receiver.is_away = True
    outbox = Outbox(receiver, tmp_path / "reports", "train-1")
    for number in range(100):
        receiver.refused.clear()
        outbox.put(epoch(number))
        assert receiver.refused.wait(5)
    [spool] = (tmp_path / "reports").iterdir()
    assert spool.stat().st_size <= 2000
    receiver.is_away = False
    outbox.flush()
    epochs = receiver.epochs()
    assert epochs == sorted(set(epochs)), "in order, none twice"
    assert epochs[-1] == 99
    told = [r.data["message"] for r in receiver.stored if r.kind is EventKind.WARNING]
    assert sum(int(message.split()[0]) for message in told) >= 100 - len(epochs) > 0
