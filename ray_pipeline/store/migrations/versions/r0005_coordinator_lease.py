"""The row that says which coordinator may write."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coordinator_lease",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("beats", sa.BigInteger, nullable=False),
    )
    op.execute("insert into coordinator_lease (number, fence, holder, beats) values (1, 0, '', 0)")


def downgrade() -> None:
    op.drop_table("coordinator_lease")
