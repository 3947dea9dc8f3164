"""A training that grows when a node comes and goes on with fewer workers when one goes: real nodes
of a cluster on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ray_pipeline.core.progress import NullProgress
from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.gpt.settings import GptSettings
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.launcher import LEDGER_NAME, train
from ray_pipeline.training.worker import EpochReport, TrainWorker
from tests.training.experiment import gpt_settings, make_experiment


@dataclass(frozen=True)
class Watched:
    """Settings of a training that ends when `enough` is there, and at its last epoch."""

    gpt: GptSettings
    enough: Path


class Ended(Exception):
    pass


class WatchedWorker:
    def __init__(self, worker: TrainWorker, enough: Path) -> None:
        self.rank, self.num_workers = worker.rank, worker.num_workers
        self.device, self.run_folder = worker.device, worker.run_folder
        self.share_gradients = worker.share_gradients
        self.latest_checkpoint = worker.latest_checkpoint
        self._report, self._enough = worker.report, enough

    def report(self, report: EpochReport, checkpoint: Path | None) -> None:
        self._report(report, checkpoint)
        if self._enough.exists():
            raise Ended


def train_until_enough(settings: Watched, worker: TrainWorker) -> None:
    try:
        train_gpt(settings.gpt, WatchedWorker(worker, settings.enough))
    except Ended:
        return


@pytest.fixture
def nodes() -> Iterator[Any]:
    import ray
    from ray.cluster_utils import Cluster

    # Without a token Ray's own processes end at once; only `ray.init` makes one by itself.
    make_token = [Path(sys.executable).parent / "ray", "get-auth-token", "--generate"]
    subprocess.run(make_token, check=True, stdout=subprocess.DEVNULL)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    ray.init(address=cluster.address)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def _workers_of_epochs(run_folder: Path) -> list[int]:
    path = run_folder / LEDGER_NAME
    lines = path.read_text().splitlines() if path.exists() else []
    return [len(json.loads(line)) for line in lines if line]


def test_a_training_has_as_many_workers_as_there_is_room_for(nodes: Any, tmp_path: Path) -> None:
    experiment: Experiment = make_experiment(tmp_path / "experiment", [0.8, 1.0, 1.2, 1.4, 1.6])
    settings = gpt_settings(experiment, tmp_path, max_steps=1_000_000, progress=NullProgress())
    settings = replace(settings, epochs=100_000)
    watched = Watched(settings, tmp_path / "enough")
    run_folder = tmp_path / "storage" / "run"
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            train(
                train_until_enough,
                watched,
                plan=WorkerPlan(2, 1.0),
                run_name="run",
                storage_path=tmp_path / "storage",
                progress=NullProgress(),
                elastic=True,
            )
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    def until(count: int, after: int) -> int:
        """How many epochs there are when one after the first `after` has so many workers."""
        deadline = time.monotonic() + 240
        while True:
            known = _workers_of_epochs(run_folder)
            if count in known[after:]:
                return len(known)
            assert not ended, ended
            assert time.monotonic() < deadline, known
            time.sleep(0.5)

    thread = threading.Thread(target=run)
    thread.start()
    alone = until(1, 0)
    node = nodes.add_node(num_cpus=1)
    together = until(2, alone)
    nodes.remove_node(node)
    until(1, together)
    watched.enough.touch()
    thread.join(timeout=120)
    assert ended == [None]
