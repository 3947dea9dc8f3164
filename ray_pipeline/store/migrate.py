"""Brings a database to the newest tables; the scripts travel inside the package."""

from __future__ import annotations

from alembic import command
from alembic.config import Config

from ray_pipeline.store.engine import WRITES, make_engine


def upgrade(url: str, revision: str = "head") -> None:
    """Create or migrate the tables. Safe to call at every start; data is kept."""
    engine = make_engine(url)
    try:
        with engine.connect().execution_options(**WRITES) as connection:
            config = Config()
            config.set_main_option("script_location", "ray_pipeline.store:migrations")
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.commit()
    finally:
        engine.dispose()
