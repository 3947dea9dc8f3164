"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def _owner(**options: bool) -> sa.Column[str]:
    task = sa.ForeignKey("tasks.task_id", ondelete="CASCADE")
    return sa.Column("task_id", sa.String(40), task, nullable=False, **options)  # type: ignore[arg-type]


def upgrade() -> None:
    op.create_table(
        "tasks",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("task_id", sa.String(40), nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("base_model", sa.String(40)),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("status", sa.String(20), nullable=False, index=True),
        sa.Column("current_step", sa.String(40)),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("error_message", sa.Text),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "jobs",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("job_id", sa.String(40), nullable=False, unique=True),
        _owner(),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.Column("is_over", sa.Boolean, nullable=False, index=True),
        sa.Column("queued_at", _TIME, nullable=False),
    )
    op.create_index("ix_jobs_task", "jobs", ["task_id", "is_over"])
    op.create_table(
        "step_runs",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(40), nullable=False, unique=True),
        sa.Column("job_id", sa.String(40), nullable=False, index=True),
        _owner(),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("step", sa.String(40), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("stale", sa.Boolean, nullable=False),
        sa.Column("params", sa.JSON, nullable=False),
        sa.Column("warnings", sa.JSON, nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("queued_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME),
        sa.Column("finished_at", _TIME),
        sa.Column("result", sa.JSON),
        sa.Column("error", sa.JSON),
        sa.Column("digest", sa.String(40)),
    )
    op.create_index(
        "ux_step_runs_attempt", "step_runs", ["task_id", "step", "attempt"], unique=True
    )
    op.create_table(
        "events",
        _owner(primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("time", _TIME, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("step", sa.String(40)),
        sa.Column("attempt", sa.Integer),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_table(
        "files",
        _owner(primary_key=True),
        sa.Column("name", sa.String(700), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("changed_ns", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "transcripts",
        _owner(primary_key=True),
        sa.Column("clip", sa.String(300), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("include", sa.Boolean, nullable=False),
        sa.Column("speaker", sa.String(100), nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("confidence", sa.Double),
    )


def downgrade() -> None:
    for table in ("transcripts", "files", "events", "step_runs", "jobs", "tasks"):
        op.drop_table(table)
