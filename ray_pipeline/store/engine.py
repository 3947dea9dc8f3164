"""Connections, set up so that a crash loses nothing that was answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from ray_pipeline.core.errors import BackendMissing, InvalidInput, StorageFull, Unavailable

_BUSY_TIMEOUT_MS = 30_000
WRITES = {"gsv_writes": True}  # execution option of connections that will write


def make_engine(url: str) -> Engine:
    """An engine for SQLite (a file) or PostgreSQL (through psycopg).

    Raises InvalidInput for another database, BackendMissing without the driver.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return _sqlite_engine(url, Path(str(parsed.database)))
    if backend == "postgresql":
        return _postgres_engine(url)
    raise InvalidInput(
        f"{backend} cannot hold the service's state.",
        hint="Use sqlite:////folder/gsv.sqlite3 or postgresql+psycopg://user@host/name.",
        field="database_url",
    )


def _sqlite_engine(url: str, path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late, see _begin_sqlite
    # WAL lets readers in other processes go on while the coordinator writes; FULL makes each
    # commit survive a power cut.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that first reads and then writes fails at once, not after the busy timeout,
    # when somebody wrote in between. Taking the write lock first avoids that.
    writes = connection.get_execution_options().get("gsv_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turns what a driver says of a database that is away into Unavailable, of a full disk into
    StorageFull. What a program did wrong stays as it is."""
    try:
        yield
    except NoConnectionFree as error:
        raise _away() from error
    except DBAPIError as error:
        if _is_full(error):
            raise StorageFull.said() from error
        if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
            raise _away() from error
        raise


def _away() -> Unavailable:
    return Unavailable(
        "The database does not answer.",
        hint="Nothing is lost; ask again in a few seconds.",
    )


def _is_full(error: DBAPIError) -> bool:
    """Whether the disk of the database is full: what SQLite says, PostgreSQL's code."""
    full = "database or disk is full" in str(error.orig)
    return full or getattr(error.orig, "sqlstate", None) == "53100"


# libpq's: a server that vanished without a word is noticed within seconds, not within hours.
_NOTICE_THE_DEAD = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def _postgres_engine(url: str) -> Engine:
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    try:
        return create_engine(parsed, pool_pre_ping=True, connect_args=_NOTICE_THE_DEAD)
    except ImportError as error:
        raise BackendMissing(
            "PostgreSQL needs the package psycopg.",
            hint="pip install 'gpt-sovits-ray[postgres]'",
        ) from error
