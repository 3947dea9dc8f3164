"""Jobs through outages, with the real DBOS and real databases; only the steps' processes are
stand-ins."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from dbos._dbos import _get_or_create_dbos_registry
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from ray_pipeline.coordinator import live_jobs, patience
from ray_pipeline.coordinator import runner as runner_module
from ray_pipeline.coordinator.actor import CoordinatorActor
from ray_pipeline.coordinator.attempt_end import AttemptEnd
from ray_pipeline.coordinator.runner import JobRunner
from ray_pipeline.core.errors import Unavailable
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import EventKind, RunState, TaskStatus
from ray_pipeline.store import LeaseLost
from tests.coordinator.conftest import Desk, settings_in
from tests.coordinator.stand_ins import Processes, Relay
from tests.store.conftest import new_postgres

pytestmark = pytest.mark.slow

__all__ = ["new_postgres"]

MakeRunner = Callable[[Desk], JobRunner]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    return Processes().install(monkeypatch)


@pytest.fixture
def launch(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeRunner]:
    """Starts DBOS with a runner; it ends with the test."""
    monkeypatch.setattr(runner_module, "_LOOK_SECONDS", 0.2)
    monkeypatch.setattr(live_jobs, "GRACE_SECONDS", 0.5)
    over = threading.Event()
    # So that a test that failed while its database was away ends all the same.
    monkeypatch.setattr(
        patience, "pauses", lambda: iter(lambda: 0.1 if not over.is_set() else 0, 0)
    )

    launched: list[JobRunner] = []

    def make(desk: Desk) -> JobRunner:
        _get_or_create_dbos_registry().instance_info_map.clear()
        launched.append(JobRunner(desk.ledger, desk.attempts))
        launched[-1].launch()
        return launched[-1]

    yield make
    over.set()
    for runner in launched:
        runner.close()


@pytest.fixture
def relay(new_postgres: Callable[[], str], launch: MakeRunner) -> Iterator[tuple[Relay, str]]:
    """A relay to a new database, and the URL through it. Whole again before DBOS ends."""
    url = make_url(new_postgres())
    relay = Relay(str(url.host), int(url.port or 5432))
    through = url.set(host="127.0.0.1", port=relay.port)
    yield relay, through.render_as_string(hide_password=False)
    relay.mend()


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def status(desk: Desk, task_id: str) -> TaskStatus:
    return desk.store.get_task(task_id).status


def test_a_job_whose_workflow_could_not_write_its_end_is_taken_up_again(
    desk: Desk, launch: MakeRunner, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full for longer than DBOS tries: neither the step's result nor the
    workflow's failure can be written, and its row stays PENDING."""
    runner = launch(desk)
    disk_is_full = threading.Event()
    disk_is_full.set()
    refused: list[str] = []

    def when_there_is_room(name: str) -> None:
        write = getattr(_system(), name)

        def full(*arguments: Any, **named: Any) -> Any:
            if disk_is_full.is_set():
                refused.append(name)
                raise OperationalError("insert", {}, Exception("database or disk is full"))
            return write(*arguments, **named)

        monkeypatch.setattr(_system(), name, full)

    when_there_is_room("record_operation_result")
    when_there_is_room("update_workflow_outcome")
    task = desk.new_task()
    job = desk.planner.plan_steps(task.task_id, None, StepName.SLICE_AUDIO, {}, False)
    runner.enqueue(job)
    until(lambda: {"record_operation_result", "update_workflow_outcome"} <= set(refused))
    until(lambda: not runner._live._live)
    pending = DBOS.list_workflows(workflow_id_prefix=job.job_id)
    assert pending[-1].status in ("PENDING", "CANCELLED")
    assert status(desk, task.task_id) is TaskStatus.RUNNING
    disk_is_full.clear()
    until(lambda: status(desk, task.task_id) is TaskStatus.COMPLETED)
    runs = desk.store.step_runs(task.task_id)
    assert [(run.step, run.attempt, run.state) for run in runs] == [
        (StepName.CONVERT_AUDIO, 1, RunState.COMPLETED),
        (StepName.SLICE_AUDIO, 1, RunState.COMPLETED),
    ]
    assert processes.runs == 2


def _system() -> Any:
    from dbos._dbos import _get_dbos_instance

    return _get_dbos_instance()._sys_db


def test_a_database_that_goes_away_under_a_step_costs_nothing_but_time(
    tmp_path: Path, relay: tuple[Relay, str], launch: MakeRunner, processes: Processes
) -> None:
    """Requests meanwhile are refused as unavailable; the step's end is written afterwards."""
    line, url = relay
    desk = Desk(settings_in(tmp_path, url))
    runner = launch(desk)
    works, may_end = threading.Event(), threading.Event()

    def work(assignment: Any) -> AttemptEnd:
        works.set()
        assert may_end.wait(60)
        return AttemptEnd(summary={"clips": 5})

    processes.work = work
    task = desk.new_task()
    runner.enqueue(desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {}))
    assert works.wait(60)
    line.cut()
    may_end.set()
    for ask in (
        lambda: desk.store.get_task(task.task_id),
        lambda: desk.tasks.create_task("another", task.config),
        lambda: desk.halting.cancel(task.task_id),
    ):
        with pytest.raises(Unavailable):
            ask()
    assert runner.health()["ok"] is False
    until(lambda: processes.runs == 1)
    name = f"step:{task.task_id}:convert_audio:1"
    assert name in processes.alive  # it alone knows how the step ended
    line.mend()
    until(lambda: status(desk, task.task_id) is TaskStatus.COMPLETED)
    [run] = desk.store.step_runs(task.task_id)
    assert (run.attempt, run.state, run.result) == (1, RunState.COMPLETED, {"clips": 5})
    until(lambda: name not in processes.alive)
    until(lambda: desk.store.open_jobs() == [])
    kinds = [event.kind for event in desk.store.events(task.task_id)]
    assert kinds.count(EventKind.STATE) >= 3
    desk.store.close()


def test_the_whole_actor_runs_jobs_and_the_next_one_on_the_database_takes_its_place(
    tmp_path: Path, processes: Processes, launch: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The actor's class in this process: everything but Ray itself."""
    monkeypatch.setattr("ray_pipeline.coordinator.start_up.ray.nodes", list)
    monkeypatch.setattr("ray_pipeline.coordinator.holding.keep", lambda lease, on_lost: None)
    settings = settings_in(tmp_path)

    def start() -> CoordinatorActor:
        _get_or_create_dbos_registry().instance_info_map.clear()
        return CoordinatorActor(settings)

    async def use(actor: CoordinatorActor) -> str:
        task = await actor.create_task("a voice", {"base_model": "nano", "language": "en"})
        audio = settings.tasks_dir / task.task_id / "input_audio" / "a.wav"
        audio.write_text("one")
        await actor.register_file(task.task_id, "input_audio/a.wav")
        job = await actor.run_steps(task.task_id)
        assert job.steps == list(StepName)
        assert (await actor.health())["ok"]
        last = 0
        while (await asyncio.to_thread(actor._parts.store.get_task, task.task_id)).progress < 100:
            last = await actor.wait_for_events(task.task_id, last, 5.0)
        return task.task_id

    first = start()
    task_id = asyncio.run(asyncio.wait_for(use(first), 120))
    assert processes.runs == 11
    first._runner.close()
    # The holder is this process, which lives; it is asked whether it renews.
    monkeypatch.setattr("ray_pipeline.coordinator.start_up.is_gone", lambda holder: True)
    second = start()
    assert asyncio.run(second.cancel(task_id)).cancelled is False
    with pytest.raises(LeaseLost):
        asyncio.run(first.create_task("too late", {}))
    second._runner.close()
