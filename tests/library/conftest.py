from collections.abc import Iterator
from pathlib import Path

import pytest

from ray_pipeline.store import Store, upgrade
from tests.library.voice_files import mini_pair, nano_pair

Pair = tuple[Path, Path]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("database") / "gsv.sqlite3"
    upgrade(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture
def store(tmp_path: Path, migrated: bytes) -> Iterator[Store]:
    (tmp_path / "gsv.sqlite3").write_bytes(migrated)
    store = Store(f"sqlite:///{tmp_path / 'gsv.sqlite3'}")
    yield store
    store.close()


@pytest.fixture(scope="session")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return nano_pair(tmp_path_factory.mktemp("nano"))


@pytest.fixture(scope="session")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return mini_pair(tmp_path_factory.mktemp("mini"))
