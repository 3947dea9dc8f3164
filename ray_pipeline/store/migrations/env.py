"""Alembic runs this file; the connection comes from `store.migrate`."""

from typing import Any

from alembic import context

from ray_pipeline.store.models import Base


def _is_ours(_thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    # DBOS keeps its tables in the same database and migrates them itself.
    return kind != "table" or name in Base.metadata.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_object=_is_ours,
    render_as_batch=True,
    version_table="gsv_schema_version",
)
with context.begin_transaction():
    context.run_migrations()
