"""Live jobs, trainings without workers, and waiting for what passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from ray_pipeline.coordinator.holding import is_gone, this_process
from ray_pipeline.coordinator.live_jobs import GRACE_SECONDS, LiveJobs
from ray_pipeline.coordinator.patience import insist, is_passing, pauses
from ray_pipeline.coordinator.worker_watch import (
    SAY_AFTER_SECONDS,
    TRY_ANEW_AFTER_SECONDS,
    WorkerWatch,
)
from ray_pipeline.core.errors import InvalidInput, StorageFull, Unavailable
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import RunState, StepRun
from ray_pipeline.store import LeaseLost


def training(run_id: str = "r1") -> StepRun:
    return StepRun(
        run_id=run_id,
        job_id="j1",
        task_id="t1",
        step=StepName.TRAIN_SOVITS,
        attempt=1,
        state=RunState.RUNNING,
        queued_at=datetime.now(UTC),
    )


# -- live jobs


def test_a_job_whose_workflow_has_no_thread_is_not_cared_for() -> None:
    now = 0.0
    live = LiveJobs(lambda: now)
    assert not live.is_cared_for("j1", is_begun=False)
    assert live.is_cared_for("j1", is_begun=True)  # its thread may be about to begin
    now = GRACE_SECONDS + 1
    assert not live.is_cared_for("j1", is_begun=True)


def test_a_job_that_a_thread_works_on_is_cared_for_however_long_it_takes() -> None:
    now = 0.0
    live = LiveJobs(lambda: now)
    assert live.is_cared_for("j1", is_begun=True)
    with live.working_on("j1") as is_first:
        assert is_first
        now = 1e6
        assert live.is_cared_for("j1", is_begun=True)
        with live.working_on("j1") as second:
            assert not second
        assert live.is_cared_for("j1", is_begun=True)
    assert live.is_cared_for("j1", is_begun=True)  # grace begins anew
    now += GRACE_SECONDS
    assert not live.is_cared_for("j1", is_begun=True)


# -- trainings without workers


def test_a_training_without_workers_says_so_once_and_is_tried_anew_later() -> None:
    watch, run = WorkerWatch(), training()
    said, anew = [], []
    for now in range(0, int(TRY_ANEW_AFTER_SECONDS) + 10, 5):
        verdict = watch.look(float(now), [run], [])
        said += [now for _ in verdict.say]
        anew += [now for _ in verdict.try_anew]
    assert said == [SAY_AFTER_SECONDS]
    assert anew == [TRY_ANEW_AFTER_SECONDS]
    assert watch.starving(TRY_ANEW_AFTER_SECONDS - 5) == 0  # the next attempt begins its own wait


def test_health_counts_who_waits_for_long_and_a_training_that_got_its_workers_no_more() -> None:
    watch = WorkerWatch()
    for now in (0.0, 30.0, 60.0):
        watch.look(now, [training("r1"), training("r2")], [])
    assert watch.starving(60.0) == 2
    watch.look(65.0, [training("r2")], ["r1"])
    assert watch.starving(65.0) == 1


def test_a_gap_between_two_groups_of_one_training_does_not_begin_the_wait_anew() -> None:
    watch, run = WorkerWatch(), training()
    watch.look(0.0, [run], [])
    watch.look(30.0, [], [])
    assert watch.look(60.0, [run], []).say == [run]


def test_a_training_that_ended_is_forgotten() -> None:
    watch = WorkerWatch()
    watch.look(0.0, [training()], [])
    watch.look(100.0, [], [])
    assert watch.starving(1000.0) == 0


# -- what passes


def test_what_passes_is_waited_for_and_all_else_is_raised() -> None:
    answers = [Unavailable("away"), StorageFull.said(), OSError(28, "No space left"), 7]
    waited: list[float] = []

    def work() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return int(answer)

    assert insist(work, "a job", sleep=waited.append) == 7
    assert waited == [0.5, 1.0, 2.0]
    for error in (InvalidInput("wrong"), ValueError("a bug"), LeaseLost("another has it")):
        assert not is_passing(error)
        with pytest.raises(type(error)):
            answers.append(error)
            insist(work, "a job", sleep=waited.append)


def test_pauses_grow_to_a_quarter_of_a_minute_and_never_end() -> None:
    growing = pauses()
    assert [next(growing) for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]


# -- who holds the lease


def test_a_process_is_known_to_be_gone_only_where_it_is_and_only_when_it_is() -> None:
    assert not is_gone(this_process())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine = json.loads(this_process())
    assert is_gone(json.dumps(mine | {"pid": ended.pid}))
    reused = mine | {"pid": os.getpid(), "started": mine["started"] - 1000}
    assert is_gone(json.dumps(reused))
    elsewhere = mine | {"pid": ended.pid, "place": ["another machine", ""]}
    assert not is_gone(json.dumps(elsewhere))
    for nonsense in ("", "x", "[]", "{}"):
        assert not is_gone(nonsense)
