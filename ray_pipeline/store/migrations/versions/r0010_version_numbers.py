"""The highest number that a voice has given a version: one that was deleted is not given again."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("voices", sa.Column("newest", sa.Integer, nullable=False, server_default="1"))
    newest = (
        "select max(number) from voice_versions where voice_versions.voice_id = voices.voice_id"
    )
    op.execute(f"update voices set newest = coalesce(({newest}), 1)")


def downgrade() -> None:
    op.drop_column("voices", "newest")
