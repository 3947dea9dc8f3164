"""The migration scripts make exactly the tables that the models describe."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from ray_pipeline.core.options import TaskConfig
from ray_pipeline.store import Store, make_engine, upgrade
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
