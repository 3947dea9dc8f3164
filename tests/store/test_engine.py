"""How connections are set up, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.store import make_engine


def test_sqlite_writes_ahead_and_waits_for_the_disk(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/new folder/gsv.sqlite3")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("pragma busy_timeout").scalar() == 30_000
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://root@host/name"])
def test_other_databases_are_refused_with_a_hint(url: str) -> None:
    with pytest.raises(InvalidInput, match="sqlite:////folder"):
        make_engine(url)
