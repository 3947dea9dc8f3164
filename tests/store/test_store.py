"""What is stored comes back, in order, and one transaction is all or nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from ray_pipeline.core.errors import NotFound, StorageFull, Unavailable
from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import EventKind, FileRecord, RunState, StepRun, TaskStatus, Transcript
from ray_pipeline.store import KnownFile, NewEvent, PlannedStep, Store, TaskChange, upgrade
from ray_pipeline.store.engine import plain_errors


def create(store: Store, task_id: str) -> None:
    store.create_task(task_id, f"name of {task_id} 中文 🎙", TaskConfig(language="en", seed=7))


def add_run(change: TaskChange, run_id: str, step: StepName = StepName.SLICE_AUDIO) -> StepRun:
    return change.add_run(
        run_id=run_id,
        job_id="job",
        position=0,
        step=step,
        state=RunState.QUEUED,
        params={"threshold": -34},
        warnings=[],
    )


def log(message: str) -> NewEvent:
    return NewEvent(kind=EventKind.LOG, data={"message": message})


def test_a_task_comes_back_with_its_config_and_times_with_zone(store: Store) -> None:
    before = datetime.now(UTC)
    create(store, "t1")
    task = store.get_task("t1")
    assert task.task_name == "name of t1 中文 🎙"
    assert task.config == TaskConfig(language="en", seed=7)
    assert before <= task.created_at <= datetime.now(UTC)
    assert task.created_at.isoformat().endswith("+00:00")
    assert task.status is TaskStatus.CREATED


def test_a_full_disk_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gsv.sqlite3"
    upgrade(url)
    store = Store(url)
    # Held at the size that it has.
    event.listen(store._engine, "connect", lambda c, _: c.execute("PRAGMA max_page_count = 1"))
    create(store, "t1")
    with pytest.raises(StorageFull, match="no room left"), store.change("t1") as change:
        change.add_events([log("x" * 1_000_000)])
    assert store.events("t1") == []
    store.close()


def test_what_postgresql_says_of_itself_becomes_a_plain_error() -> None:
    errors = pytest.importorskip("psycopg").errors
    full = OperationalError("", {}, errors.DiskFull("could not extend file"))
    gone = OperationalError("", {}, errors.AdminShutdown("terminating connection"))
    for said, kind in ((full, StorageFull), (gone, Unavailable)):
        with pytest.raises(kind), plain_errors():
            raise said


def test_unknown_tasks_are_not_found(store: Store) -> None:
    for ask in (store.get_task, store.step_runs, store.events, store.files, store.transcripts):
        for name in ("nobody", "", "a\0b", "\0"):
            with pytest.raises(NotFound):
                ask(name)
    with pytest.raises(NotFound):
        store.list_tasks(after="a\0b")
    with pytest.raises(NotFound), store.change("a\0b"):
        pass


def test_tasks_are_listed_newest_first_by_status_and_page(store: Store) -> None:
    for number in range(5):
        create(store, f"t{number}")
    with store.change("t3") as change:
        change.set_overview(TaskStatus.FAILED, StepName.SLICE_AUDIO, 5.0, "no")
    assert [task.task_id for task in store.list_tasks(limit=2)] == ["t4", "t3"]
    assert [task.task_id for task in store.list_tasks(limit=2, after="t3")] == ["t2", "t1"]
    failed = store.list_tasks(status=TaskStatus.FAILED)
    assert [(task.task_id, task.error_message) for task in failed] == [("t3", "no")]
    with pytest.raises(NotFound):
        store.list_tasks(after="nobody")


def test_attempts_count_up_for_each_step(store: Store) -> None:
    create(store, "t1")
    with store.change("t1") as change:
        add_run(change, "r1")
        add_run(change, "r2", StepName.CONVERT_AUDIO)
        add_run(change, "r3")
        change.update_run("r3", state=RunState.COMPLETED.value, result={"clips": 3})
    runs = store.step_runs("t1")
    assert [(run.run_id, run.attempt) for run in runs] == [("r1", 1), ("r2", 1), ("r3", 2)]
    latest = store.latest_runs("t1")[StepName.SLICE_AUDIO]
    assert (latest.run_id, latest.result, latest.error) == ("r3", {"clips": 3}, None)
    assert [run.run_id for run in store.open_runs()] == ["r1", "r2"]


def test_events_are_numbered_from_one_without_gaps_also_by_many_writers(store: Store) -> None:
    create(store, "t1")

    def write(number: int) -> None:
        with store.change("t1") as change:
            change.add_events([log(f"{number}a"), log(f"{number}b")])

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, range(10)))
    events = store.events("t1")
    assert [event.seq for event in events] == list(range(1, 21))
    assert store.newest_event("t1") == 20
    assert [event.seq for event in store.events("t1", after=18)] == [19, 20]
    assert [event.seq for event in store.events("t1", after=3, limit=2)] == [4, 5]


def test_of_an_attempts_progress_only_the_newest_event_is_kept(store: Store) -> None:
    create(store, "t1")

    def progress(fraction: float, attempt: int) -> NewEvent:
        step, data = StepName.SLICE_AUDIO, {"fraction": fraction}
        return NewEvent(kind=EventKind.PROGRESS, data=data, step=step, attempt=attempt)

    for attempt in (1, 2):
        with store.change("t1") as change:
            add_run(change, f"r{attempt}")
        for fraction in (0.1, 0.2, 0.3):
            with store.change("t1") as change:
                change.add_events([log("still here"), progress(fraction, attempt)])
    told = store.events("t1", kinds=[EventKind.PROGRESS])
    assert [(event.seq, event.attempt, event.data["fraction"]) for event in told] == [
        (6, 1, 0.3),
        (12, 2, 0.3),
    ]
    assert len(store.events("t1", kinds=[EventKind.LOG])) == 6
    assert store.get_task("t1").last_event == 12


def test_events_can_be_asked_for_by_kind_and_step(store: Store) -> None:
    create(store, "t1")
    metric = NewEvent(kind=EventKind.METRIC, data={"values": {}}, step=StepName.TRAIN_GPT)
    with store.change("t1") as change:
        change.add_events([log("a"), metric])
    assert [event.seq for event in store.events("t1", kinds=[EventKind.METRIC])] == [2]
    assert [event.seq for event in store.events("t1", step=StepName.TRAIN_GPT)] == [2]


def test_a_change_that_raises_leaves_nothing_behind(store: Store) -> None:
    create(store, "t1")
    with pytest.raises(RuntimeError), store.change("t1") as change:
        change.add_events([log("lost")])
        raise RuntimeError
    assert store.newest_event("t1") == 0
    assert store.events("t1") == []


def test_a_job_is_open_until_it_is_closed(store: Store) -> None:
    create(store, "t1")
    plan = [PlannedStep(StepName.SLICE_AUDIO, {"force": True}, when_needed=True)]
    with store.change("t1") as change:
        change.add_job("j1", plan)
        assert change.open_job() is not None
    assert [list(job.steps) for job in store.open_jobs()] == [plan]
    with store.change("t1") as change:
        change.close_job("j1")
        assert change.open_job() is None
    job = store.get_job("j1")
    assert job is not None
    assert job.is_over


def test_files_and_transcripts_are_replaced_by_name(store: Store) -> None:
    create(store, "t1")
    first = FileRecord(name="output/a.wav", kind="output", size=2**40, sha256="aa")
    second = FileRecord(name="output/a.wav", kind="output", size=2, sha256="bb")
    line = Transcript(clip="a.wav", text="it's 中文", language="en", confidence=0.5)
    with store.change("t1") as change:
        change.put_files([KnownFile(record=first, changed_ns=1)])
        change.put_transcripts([line])
    with store.change("t1") as change:
        change.put_files([KnownFile(record=second, changed_ns=2)])
    assert store.files("t1") == [second]
    assert store.known_files("t1")["output/a.wav"].changed_ns == 2
    assert store.transcripts("t1") == [line]


def test_a_deleted_task_takes_everything_along_and_leaves_others_alone(store: Store) -> None:
    for task_id in ("t1", "t2"):
        create(store, task_id)
        with store.change(task_id) as change:
            change.add_events([log("a")])
            change.add_job(f"job of {task_id}", [])
            add_run(change, f"run of {task_id}")
    with store.change("t1") as change:
        change.delete_task()
    with pytest.raises(NotFound):
        store.get_task("t1")
    assert store.get_job("job of t1") is None
    assert len(store.events("t2")) == 1
    assert [task.task_id for task in store.list_tasks()] == ["t2"]


def test_nul_in_an_id_is_no_task_on_either_database(store: Store) -> None:
    for task_id in ("\0", "a\0b"):
        with pytest.raises(NotFound):
            store.get_task(task_id)
        with pytest.raises(NotFound):
            store.list_tasks(after=task_id)
