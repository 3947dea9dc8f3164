"""Each test of the store runs on both databases; PostgreSQL where one can be reached.

`GSV_TEST_POSTGRES_URL` names a server where databases may be created; by default the one on
this machine is tried.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from ray_pipeline.store import Store, upgrade

SERVER = os.environ.get(
    "GSV_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)


@pytest.fixture(scope="session")
def new_postgres() -> Iterator[Callable[[], str]]:
    """Makes an empty database, which is dropped at the end, and returns its URL."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    server = create_engine(
        SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2}
    )
    made: list[str] = []

    def make() -> str:
        name = f"gsv_test_{uuid.uuid4().hex[:12]}"
        try:
            with server.connect() as connection:
                connection.execute(text(f"create database {name}"))
        except OperationalError:
            pytest.skip("no PostgreSQL answers; set GSV_TEST_POSTGRES_URL to one")
        made.append(name)
        return make_url(SERVER).set(database=name).render_as_string(hide_password=False)

    yield make
    for name in made:
        with server.connect() as connection:
            connection.execute(text(f"drop database {name} with (force)"))
    server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gsv.sqlite3"
    url: str = request.getfixturevalue("new_postgres")()
    return url


@pytest.fixture(scope="session")
def postgres_store(new_postgres: Callable[[], str]) -> Iterator[Store]:
    url = new_postgres()
    upgrade(url)
    store = Store(url)
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "postgresql":
        shared: Store = request.getfixturevalue("postgres_store")
        yield shared
        # A new database a test would take a second each.
        for task in shared.list_tasks():
            with shared.change(task.task_id) as change:
                change.delete_task()
        for voice in shared.voices():
            shared.delete_voice(voice.voice_id)
        return
    url = f"sqlite:///{tmp_path}/gsv.sqlite3"
    upgrade(url)
    store = Store(url)
    yield store
    store.close()
