"""What a kill -9 leaves behind, and how it goes on: of the coordinator, a step, everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from ray_pipeline.coordinator.ledger import Ledger
from ray_pipeline.coordinator.planning import Planner
from ray_pipeline.coordinator.step_actor import find_step_actor
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import RunState, StepRun, TaskStatus
from tests.coordinator.conftest import PATIENCE, Desk, Service, settings_in


def test_a_killed_coordinator_comes_back_and_the_running_step_was_never_interrupted(
    service: Service,
) -> None:
    task = service.new_task(slow="6")
    service.call("run_steps", task.task_id, to_step="slice_audio")
    service.until(lambda: service.store.get_task(task.task_id).progress > 0)
    before = service.call("health")["process_id"]
    os.kill(before, signal.SIGKILL)
    killed = time.monotonic()
    service.until(lambda: _answers(service), 30)
    print(f"\nthe coordinator answers {time.monotonic() - killed:.1f} s after kill -9")
    assert service.call("health")["process_id"] != before
    done = service.wait(task)
    assert done.status is TaskStatus.COMPLETED
    runs = service.store.step_runs(task.task_id)
    assert [(run.step, run.attempt, run.state) for run in runs] == [
        (StepName.CONVERT_AUDIO, 1, RunState.COMPLETED),
        (StepName.SLICE_AUDIO, 1, RunState.COMPLETED),
    ]


def test_reports_made_while_the_coordinator_is_away_arrive_afterwards(service: Service) -> None:
    task = service.new_task(slow="6")
    service.call("start_step", task.task_id, "convert_audio", {})
    service.until(lambda: service.store.get_task(task.task_id).progress > 0)
    os.kill(service.call("health")["process_id"], signal.SIGKILL)
    service.wait(task)
    events = service.store.events(task.task_id)
    progress = [event.data["fraction"] for event in events if event.kind == "progress"]
    assert progress[-1] == 1.0
    numbers = [event.seq for event in events]
    assert numbers == sorted(set(numbers))


def test_a_step_whose_process_is_killed_gets_a_new_attempt(service: Service) -> None:
    task = service.new_task(slow="3")
    service.call("start_step", task.task_id, "convert_audio", {})
    service.wait(task, TaskStatus.RUNNING)
    name = f"step:{task.task_id}:convert_audio:1"
    service.until(lambda: find_step_actor(name))
    service.ray.kill(find_step_actor(name))
    assert service.wait(task, TaskStatus.COMPLETED).status is TaskStatus.COMPLETED
    states = [(run.attempt, run.state) for run in service.store.step_runs(task.task_id)]
    assert states == [(1, RunState.INTERRUPTED), (2, RunState.COMPLETED)]


def test_a_job_that_was_never_handed_over_is_found_and_done(service: Service) -> None:
    task = service.new_task()
    # As when the database goes away between the two halves of a request.
    ledger = Ledger(service.store, service.settings, lambda task_id, newest: None)
    Planner(ledger).plan_step(task.task_id, StepName.CONVERT_AUDIO, {})
    assert service.wait(task).status is TaskStatus.COMPLETED


@pytest.mark.needs_ray
def test_after_the_whole_cluster_is_killed_finished_steps_stay_and_the_running_one_goes_on(
    tmp_path: Path,
) -> None:
    desk = Desk(settings_in(tmp_path))
    task = desk.new_task()
    desk.give(task, "slow", "1.5")
    with _cluster(tmp_path, task.task_id, "asr_transcribe"):
        _until(lambda: _state(desk, task.task_id, StepName.SLICE_AUDIO) is RunState.RUNNING)
    finished = _runs(desk, task.task_id)[0]
    assert finished.state is RunState.COMPLETED
    with _cluster(tmp_path):
        up = time.monotonic()
        _until(lambda: desk.store.get_task(task.task_id).status is TaskStatus.COMPLETED)
        print(f"\nthe job was done {time.monotonic() - up:.1f} s after the new start")
    runs = _runs(desk, task.task_id)
    assert runs[0] == finished
    assert [(run.step, run.attempt, run.state) for run in runs] == [
        (StepName.CONVERT_AUDIO, 1, RunState.COMPLETED),
        (StepName.SLICE_AUDIO, 1, RunState.INTERRUPTED),
        (StepName.SLICE_AUDIO, 2, RunState.COMPLETED),
        (StepName.DENOISE_AUDIO, 1, RunState.COMPLETED),
        (StepName.ASR_TRANSCRIBE, 1, RunState.COMPLETED),
    ]


@contextmanager
def _cluster(folder: Path, *arguments: str) -> Iterator[None]:
    """A service in processes of its own, all of which die by SIGKILL when the block ends."""
    command = [sys.executable, "-m", "tests.coordinator.cluster_process", str(folder), *arguments]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield
    finally:
        family = [*psutil.Process(process.pid).children(recursive=True), process]
        for member in family:
            with suppress(psutil.NoSuchProcess):  # ended with its parent
                member.kill()
        psutil.wait_procs([member for member in family if member is not process], timeout=10)
        process.wait()


def _answers(service: Service) -> bool:
    from ray.exceptions import RayError

    try:
        return bool(service.ray.get(service.actor.ping.remote(), timeout=5))
    except RayError:
        return False


def _until(condition: Any, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.03)


def _runs(desk: Desk, task_id: str) -> list[StepRun]:
    return desk.store.step_runs(task_id)


def _state(desk: Desk, task_id: str, step: StepName) -> RunState | None:
    run = desk.store.latest_runs(task_id).get(step)
    return run.state if run else None
