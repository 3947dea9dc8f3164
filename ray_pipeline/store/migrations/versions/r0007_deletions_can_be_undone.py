"""When a task that was deleted is really gone; until then it can be had back."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("delete_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("tasks", "delete_at")
