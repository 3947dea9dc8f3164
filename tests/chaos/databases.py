"""Databases for services that are killed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, make_url, text

from tests.store.conftest import SERVER


@contextmanager
def new_database(kind: str) -> Iterator[str]:
    """The URL of an empty one, dropped at the end; for `sqlite` an empty string: the service has
    its own in its folder. Raises OperationalError when no PostgreSQL answers."""
    if kind == "sqlite":
        yield ""
        return
    name = f"gsv_chaos_{uuid.uuid4().hex[:12]}"
    server = create_engine(
        SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2}
    )
    try:
        with server.connect() as connection:
            connection.execute(text(f"create database {name}"))
        yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        with server.connect() as connection:
            connection.execute(text(f"drop database {name} with (force)"))
    finally:
        server.dispose()
