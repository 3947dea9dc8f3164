"""The coordinator in a real cluster: jobs in order, answers while they run, cancelling."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from ray.exceptions import RayTaskError

from ray_pipeline.coordinator.launch import ensure_coordinator
from ray_pipeline.coordinator.step_actor import find_step_actor
from ray_pipeline.core.errors import InvalidInput, NotFound, StepNotReady, TaskBusy, Unavailable
from ray_pipeline.core.task import EventKind, RunState, StepName, TaskStatus
from tests.coordinator.conftest import Service


def test_all_eleven_steps_run_in_order_as_one_job(service: Service) -> None:
    task = service.new_task()
    job = service.call("run_steps", task.task_id)
    assert job.steps == list(StepName)
    done = service.wait(task)
    assert (done.status, done.progress) == (TaskStatus.COMPLETED, 100)
    runs = service.store.step_runs(task.task_id)
    assert [run.step for run in runs] == list(StepName)
    assert {run.job_id for run in runs} == {job.job_id}
    starts = [run.started_at for run in runs]
    ends = [run.finished_at for run in runs]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def test_status_is_set_when_start_step_answers_and_the_files_are_listed_when_it_is_done(
    service: Service,
) -> None:
    task = service.new_task()
    service.call("start_step", task.task_id, "convert_audio", {})
    assert service.store.get_task(task.task_id).status is TaskStatus.QUEUED
    assert service.wait(task).status is TaskStatus.COMPLETED
    names = [file.name for file in service.store.files(task.task_id)]
    assert "output/convert_audio.txt" in names


def test_errors_cross_ray_with_their_fields(service: Service) -> None:
    task = service.new_task()
    with pytest.raises(RayTaskError) as unready:
        service.call("start_step", task.task_id, "slice_audio", {})
    assert isinstance(unready.value.cause, StepNotReady)
    assert unready.value.cause.extra["missing"] == ["convert_audio"]
    for arguments, kind in [
        (("nobody", "slice_audio", {}), NotFound),
        ((task.task_id, "no_step", {}), NotFound),
        ((task.task_id, "convert_audio", {"min_seconds": -1}), InvalidInput),
    ]:
        with pytest.raises(RayTaskError) as error:
            service.call("start_step", *arguments)
        assert isinstance(error.value.cause, kind)


def test_a_second_run_of_a_busy_task_is_refused_and_others_are_answered_meanwhile(
    service: Service,
) -> None:
    task = service.new_task(slow="3")
    service.call("start_step", task.task_id, "convert_audio", {})
    service.wait(task, TaskStatus.RUNNING)
    with pytest.raises(RayTaskError) as busy:
        service.call("start_step", task.task_id, "convert_audio", {})
    assert isinstance(busy.value.cause, TaskBusy)
    started = time.monotonic()
    assert service.call("ping")
    assert time.monotonic() - started < 1
    service.call("cancel", task.task_id)


def test_progress_moves_inside_a_step_and_wakes_those_who_wait(service: Service) -> None:
    task = service.new_task(slow="60")
    service.call("start_step", task.task_id, "convert_audio", {})
    service.wait(task, TaskStatus.RUNNING)
    newest = service.store.newest_event(task.task_id)
    assert service.call("wait_for_events", task.task_id, newest, 30.0) > newest
    service.until(lambda: 0 < service.store.get_task(task.task_id).progress < 1)
    kinds = [EventKind.METRIC]
    service.until(lambda: len(service.store.events(task.task_id, kinds=kinds)) > 5)
    metrics = service.store.events(task.task_id, kinds=kinds)
    assert metrics[0].data["values"]["small/loss"] > metrics[-1].data["values"]["small/loss"]
    service.call("cancel", task.task_id)


def test_waiting_for_events_ends_with_the_time_given(service: Service) -> None:
    task = service.new_task()
    newest = service.store.newest_event(task.task_id)
    started = time.monotonic()
    assert service.call("wait_for_events", task.task_id, newest, 0.5) == newest
    assert 0.4 < time.monotonic() - started < 5


def test_a_failed_step_says_why_and_ends_the_job(service: Service) -> None:
    task = service.new_task(fail_at="denoise_audio")
    service.call("run_steps", task.task_id)
    failed = service.wait(task)
    assert (failed.status, failed.current_step) == (TaskStatus.FAILED, StepName.DENOISE_AUDIO)
    assert failed.error_message == "Nothing is usable."
    run = service.store.latest_runs(task.task_id)[StepName.DENOISE_AUDIO]
    assert run.error == {
        "code": "nothing_usable",
        "message": "Nothing is usable.",
        "hint": "Upload speech.",
        "clip": "a.wav",
        "step": "denoise_audio",
    }
    assert len(service.store.step_runs(task.task_id)) == 3


def test_an_unexpected_error_keeps_its_secrets_in_the_log(service: Service) -> None:
    task = service.new_task(crash_at="convert_audio")
    service.call("start_step", task.task_id, "convert_audio", {})
    assert service.wait(task).status is TaskStatus.FAILED
    run = service.store.step_runs(task.task_id)[0]
    assert "secret" not in str(run.error)
    assert "ValueError" in str(run.error)
    log = (service.settings.tasks_dir / task.task_id / "training.log").read_text()
    assert "secret inside" in log


def test_cancelling_ends_the_process_within_ten_seconds_and_leaves_finished_steps(
    service: Service,
) -> None:
    task = service.new_task()
    service.call("start_step", task.task_id, "convert_audio", {})
    service.wait(task)
    (service.settings.tasks_dir / task.task_id / "input_audio" / "slow").write_text("60")
    service.call("run_steps", task.task_id)
    service.wait(task, TaskStatus.RUNNING)
    started = time.monotonic()
    outcome = service.call("cancel", task.task_id)
    assert time.monotonic() - started < 10
    assert outcome.cancelled
    assert outcome.task.status is TaskStatus.CANCELLED
    name = f"step:{task.task_id}:slice_audio:1"
    assert find_step_actor(name) is None
    states = [run.state for run in service.store.step_runs(task.task_id)]
    assert states == [RunState.COMPLETED, RunState.CANCELLED]
    assert not service.call("cancel", task.task_id).cancelled
    service.until(lambda: service.call("health")["steps_running"] == 0, 10)


def test_many_tasks_at_once_all_complete_on_two_cpus(service: Service) -> None:
    tasks = [service.new_task(slow="0.3") for _ in range(2)]
    with ThreadPoolExecutor(2) as callers:
        last = "slice_audio"
        jobs = [
            callers.submit(service.call, "run_steps", task.task_id, to_step=last) for task in tasks
        ]
        assert all(len(job.result().steps) == 2 for job in jobs)
    for task in tasks:
        assert service.wait(task).status is TaskStatus.COMPLETED


def test_a_paused_job_has_no_process_and_goes_on_where_it_was_when_it_is_resumed(
    service: Service,
) -> None:
    task = service.new_task(slow="60")
    slow = service.settings.tasks_dir / task.task_id / "input_audio" / "slow"
    service.call("run_steps", task.task_id, None, "slice_audio")
    service.wait(task, TaskStatus.RUNNING)
    assert service.call("pause", task.task_id).task.status is TaskStatus.PAUSED
    assert find_step_actor(f"step:{task.task_id}:convert_audio:1") is None
    slow.unlink()
    # Longer than the coordinator's look at jobs that nobody works on.
    assert service.call("wait_for_events", task.task_id, 10**6, 7.0) < 10**6
    assert service.store.get_task(task.task_id).status is TaskStatus.PAUSED
    service.call("resume", task.task_id)
    assert service.wait(task).status is TaskStatus.COMPLETED
    runs = [(run.step, run.attempt, run.state) for run in service.store.step_runs(task.task_id)]
    assert runs == [
        (StepName.CONVERT_AUDIO, 1, RunState.PAUSED),
        (StepName.CONVERT_AUDIO, 2, RunState.COMPLETED),
        (StepName.SLICE_AUDIO, 1, RunState.COMPLETED),
    ]


def test_deleting_a_running_task_cancels_it_and_removes_its_files(service: Service) -> None:
    task = service.new_task(slow="60")
    service.call("start_step", task.task_id, "convert_audio", {})
    service.wait(task, TaskStatus.RUNNING)
    service.call("delete_task", task.task_id)
    with pytest.raises(NotFound):
        service.store.get_task(task.task_id)
    assert not (service.settings.tasks_dir / task.task_id).exists()
    assert find_step_actor(f"step:{task.task_id}:convert_audio:1") is None


def test_a_replica_with_other_settings_is_refused_instead_of_misled(service: Service) -> None:
    changed = replace(service.settings, data_dir=service.settings.data_dir / "elsewhere")
    with pytest.raises(Unavailable, match="data_dir") as refused:
        ensure_coordinator(changed)
    assert "database" not in str(refused.value)
    assert service.call("ping")


def test_late_words_of_an_old_attempt_are_refused(service: Service) -> None:
    task = service.new_task()
    service.call("start_step", task.task_id, "convert_audio", {})
    service.wait(task)
    newest = service.store.newest_event(task.task_id)
    assert service.call("record", task.task_id, "convert_audio", 1, []) is False
    assert service.store.newest_event(task.task_id) == newest
