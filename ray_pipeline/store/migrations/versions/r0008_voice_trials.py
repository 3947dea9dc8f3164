"""What comes of the requests that an alias sends to its versions, and when it takes one back."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("voice_aliases", sa.Column("rollback_after", sa.Integer))
    op.add_column(
        "voice_aliases", sa.Column("rolled_back", sa.Text, nullable=False, server_default="")
    )
    alias = sa.ForeignKey("voice_aliases.name", ondelete="CASCADE")
    op.create_table(
        "voice_trials",
        sa.Column("alias", sa.String(100), alias, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("counts", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("voice_trials")
    op.drop_column("voice_aliases", "rolled_back")
    op.drop_column("voice_aliases", "rollback_after")
