"""A coordinator with small steps, in a real cluster or, for what needs none, taken apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ray_pipeline.coordinator.launch import ensure_coordinator
from ray_pipeline.coordinator.parts import Parts
from ray_pipeline.coordinator.settings import CoordinatorSettings
from ray_pipeline.core.task import Task, TaskStatus
from ray_pipeline.store import Store, upgrade

# In seconds; an idle machine needs less than ten, one that does much else a minute and more.
PATIENCE = 300.0
SMALL_STEPS = "tests.coordinator.small_steps:STEPS"


def settings_in(folder: Path, database_url: str = "") -> CoordinatorSettings:
    return CoordinatorSettings(
        data_dir=folder,
        models_dir=folder / "models",
        database_url=database_url or f"sqlite:///{folder}/gsv.sqlite3",
        steps=SMALL_STEPS,
    )


class Desk(Parts):
    """The coordinator's parts without Ray and DBOS: what one transaction after the other does."""

    def __init__(self, settings: CoordinatorSettings) -> None:
        upgrade(settings.database_url)
        super().__init__(settings, Store(settings.database_url))

    def new_task(self, **config: Any) -> Task:
        from ray_pipeline.core.options import parse_task_config

        task = self.tasks.create_task("a voice", parse_task_config({"base_model": "nano"} | config))
        self.give(task, "a.wav", "one")
        return task

    def give(self, task: Task, name: str, content: str) -> None:
        path = self.ledger.workspace(task.task_id).input_audio / name
        path.write_text(content)
        self.tasks.register_file(task.task_id, f"input_audio/{name}")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(settings_in(tmp_path))
    yield desk
    desk.store.close()


@pytest.fixture(scope="session")
def cluster(ray_cluster: None) -> Any:
    import ray

    return ray


class Service:
    """A running coordinator as its callers see it."""

    def __init__(self, ray: Any, settings: CoordinatorSettings) -> None:
        self.ray = ray
        self.settings = settings
        self.actor = ensure_coordinator(settings)
        self.store = Store(settings.database_url)

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return self.ray.get(getattr(self.actor, method).remote(*args, **kwargs), timeout=PATIENCE)

    def new_task(self, **files: str) -> Task:
        task: Task = self.call("create_task", "a voice", {"base_model": "nano", "language": "en"})
        for name, content in ({"a.wav": "one"} | files).items():
            path = self.settings.tasks_dir / task.task_id / "input_audio" / name
            path.write_text(content)
            self.call("register_file", task.task_id, f"input_audio/{name}")
        return task

    def wait(self, task: Task, *statuses: TaskStatus, seconds: float = PATIENCE) -> Task:
        """The task once it has one of the statuses (by default: once it is over)."""
        over = statuses or (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED)
        self.until(lambda: self.store.get_task(task.task_id).status in over, seconds)
        return self.store.get_task(task.task_id)

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it took too long"
            time.sleep(0.03)


@pytest.fixture(scope="module")
def service(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(cluster, settings_in(tmp_path_factory.mktemp("service")))
    yield service
    cluster.kill(service.actor)
    service.store.close()
