"""The migration scripts make exactly the tables that the models describe."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import EventKind
from ray_pipeline.store import NewEvent, Store, make_engine, upgrade
from ray_pipeline.store.models import Base


def test_migrations_and_models_agree(database_url: str) -> None:
    upgrade(database_url)
    engine = make_engine(database_url)
    with engine.connect() as connection:
        options = {"version_table": "gsv_schema_version"}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_upgrading_again_keeps_the_data_and_leaves_foreign_tables_alone(database_url: str) -> None:
    upgrade(database_url)
    store = Store(database_url)
    store.create_task("t1", "kept", TaskConfig())
    engine = make_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table workflow_status (id integer)")
    upgrade(database_url)
    assert store.get_task("t1").task_name == "kept"
    assert "workflow_status" in inspect(engine).get_table_names()
    store.close()
    engine.dispose()


def test_old_progress_shrinks_to_the_newest_event_of_each_attempt(database_url: str) -> None:
    upgrade(database_url, "0001")
    engine = make_engine(database_url)
    now = "2026-11-22 10:00:00+00:00"
    task = f"insert into tasks values (1, 't1', 'a', '{{}}', null, '{now}', '{now}', 'running', "
    with engine.begin() as connection:
        connection.execute(text(task + "null, 0, null, 5)"))
        connection.execute(
            text(
                "insert into step_runs (number, run_id, job_id, task_id, position, step, attempt, "
                "state, stale, params, warnings, progress, message, queued_at) values (1, 'r1', "
                f"'j1', 't1', 0, 'train_gpt', 1, 'running', false, '{{}}', '[]', 0, '', '{now}')"
            )
        )
        for seq, kind in enumerate(["state", "progress", "metric", "progress", "progress"], 1):
            event = f"insert into events values ('t1', {seq}, '{now}', '{kind}', 'train_gpt', 1, "
            connection.execute(text(event + "'{}')"))
    engine.dispose()
    upgrade(database_url)
    store = Store(database_url)
    assert [event.seq for event in store.events("t1")] == [1, 3, 5]
    with store.change("t1") as change:
        newer = {"data": {}, "step": StepName.TRAIN_GPT, "attempt": 1}
        change.add_events([NewEvent(kind=EventKind.PROGRESS, **newer)])
    assert [event.seq for event in store.events("t1")] == [1, 3, 6]
    store.close()
