"""Kept voices, their versions and their aliases."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def _voice(**options: bool) -> sa.Column[str]:
    voice = sa.ForeignKey("voices.voice_id", ondelete="CASCADE")
    return sa.Column("voice_id", sa.String(40), voice, nullable=False, **options)  # type: ignore[arg-type]


def upgrade() -> None:
    op.create_table(
        "voices",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("voice_id", sa.String(40), nullable=False, unique=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("disabled_reason", sa.Text, nullable=False),
        sa.Column("current", sa.Integer, nullable=False),
        sa.Column("previous", sa.Integer),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
    )
    op.create_table(
        "voice_versions",
        _voice(primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("base_model", sa.String(40), nullable=False),
        sa.Column("gpt", sa.JSON, nullable=False),
        sa.Column("sovits", sa.JSON, nullable=False),
        sa.Column("recordings", sa.JSON, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("dictionary", sa.JSON, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("lineage", sa.JSON, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
    )
    op.create_table(
        "voice_aliases",
        sa.Column("name", sa.String(100), primary_key=True),
        _voice(index=True),
        sa.Column("version", sa.Integer),
        sa.Column("canary_version", sa.Integer),
        sa.Column("canary_share", sa.Double, nullable=False),
    )


def downgrade() -> None:
    for table in ("voice_aliases", "voice_versions", "voices"):
        op.drop_table(table)
