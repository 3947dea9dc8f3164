"""Of an attempt's progress only the newest event is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("step_runs", sa.Column("progress_event", sa.BigInteger))
    op.execute(
        "delete from events where kind = 'progress' and seq not in ("
        "select max(newest.seq) from events as newest where newest.kind = 'progress' "
        "and newest.task_id = events.task_id group by newest.step, newest.attempt)"
    )
    op.execute(
        "update step_runs set progress_event = (select max(seq) from events "
        "where kind = 'progress' and events.task_id = step_runs.task_id "
        "and events.step = step_runs.step and events.attempt = step_runs.attempt)"
    )


def downgrade() -> None:
    op.drop_column("step_runs", "progress_event")
