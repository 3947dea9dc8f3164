"""What trainings reserve is given back in every ending, with real placement groups."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ray_pipeline.coordinator.reservations import release_abandoned, reservations, worker_id
from tests.coordinator.conftest import PATIENCE

pytestmark = pytest.mark.end_to_end


def until(condition: Callable[[], object]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)
    return answer


class Controller:
    """As Ray Train's: an actor that makes groups."""

    def reserve(self) -> None:
        from ray.util import placement_group

        self.groups = [placement_group([{"CPU": 1}] * 2) for _ in range(2)]


class Step:
    """As a step's: an actor that starts a controller."""

    def start(self) -> None:
        import ray

        self.controller = ray.remote(num_cpus=0)(Controller).remote()
        ray.get(self.controller.reserve.remote())

    def train(self) -> None:
        from ray.train.torch import TorchTrainer
        from ray.train.v2.api.config import ScalingConfig

        one = {"CPU": 1.0}
        scaling = ScalingConfig(num_workers=2, use_gpu=False, resources_per_worker=one)
        TorchTrainer(_work, scaling_config=scaling).fit()


def _work(config: dict[str, Any]) -> None:
    time.sleep(600)


def test_groups_of_the_living_stay_and_those_of_the_dead_go_also_ones_that_still_wait(
    cluster: Any,
) -> None:
    step = cluster.remote(num_cpus=0)(Step).remote()
    cluster.get(step.start.remote())
    until(lambda: [each.is_placed for each in _of(step)].count(True) == 1)
    held, waiting = sorted(_of(step), key=lambda each: not each.is_placed)
    assert (held.cpus, held.is_placed, waiting.is_placed) == (2.0, True, False)
    assert release_abandoned() == []
    owner = worker_id(step)
    cluster.kill(step)
    until(lambda: _nothing_is_left_of(owner))
    until(lambda: cluster.available_resources().get("CPU") == 2)


def test_a_training_killed_as_soon_as_it_has_reserved_something_leaves_nothing(
    cluster: Any,
) -> None:
    step = cluster.remote(num_cpus=0)(Step).remote()
    step.train.remote()
    until(lambda: _of(step))
    owner = worker_id(step)
    cluster.kill(step)
    until(lambda: _nothing_is_left_of(owner))
    until(lambda: cluster.available_resources().get("CPU") == 2)


def _of(step: Any) -> list[Any]:
    return [each for each in reservations() if each.owner == worker_id(step)]


def _nothing_is_left_of(owner: str | None) -> bool:
    release_abandoned()
    return not [each for each in reservations() if each.owner == owner]
