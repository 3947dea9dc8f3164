import os
import threading
from functools import partial
from pathlib import Path

import pytest

from ray_pipeline.clips.ray_data import RayDataPool, num_blocks
from ray_pipeline.clips.work import Clip, Made
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.resources import ClusterTotals, ResourceRequest, WorkerPlan, plan_workers


class Noting:
    """Writes the process it runs in to a file, and waits there until a second one has."""

    def __init__(self, device: str, *, folder: Path, num_workers: int) -> None:
        self._folder, self._num_workers = folder, num_workers

    def __call__(self, clip: Clip) -> list[Made]:
        (self._folder / str(os.getpid())).touch()
        met = threading.Event()
        for _ in range(600):
            if len(list(self._folder.iterdir())) >= self._num_workers:
                break
            met.wait(0.05)
        if clip.name == "bad.wav":
            raise StepFailed("It is silent.")
        return [Made(clip.name, {"pid": os.getpid()})]


@pytest.mark.usefixtures("ray_cluster")
def test_two_named_actors_share_the_clips_and_one_bad_clip_spoils_nothing(tmp_path: Path) -> None:
    import ray
    from ray.util.state import list_actors

    plan = plan_workers(ResourceRequest(cpus=0.5), 2, ClusterTotals(cpus=2))
    assert plan.num_workers == 2
    clips = [Clip(f"{number}.wav") for number in range(19)] + [Clip("bad.wav")]
    name = f"features:{tmp_path.name}"
    build = partial(Noting, folder=tmp_path, num_workers=2)
    results = list(RayDataPool(build, plan).results(clips, name))
    assert {result.name for result in results} == {clip.name for clip in clips}
    assert [result.name for result in results if result.error] == ["bad.wav"]
    assert len({made.details["pid"] for result in results for made in result.made}) == 2
    address = ray.get_runtime_context().gcs_address
    actors = [
        actor for actor in list_actors(address=address, limit=1000) if actor.name.startswith(name)
    ]
    assert len(actors) == 2


def test_no_clips_need_no_cluster() -> None:
    build = partial(Noting, folder=Path(), num_workers=1)
    assert list(RayDataPool(build, WorkerPlan(1, 0.5)).results([], "none")) == []


@pytest.mark.parametrize(
    ("clips", "workers", "blocks"), [(1, 2, 1), (3, 2, 3), (10, 2, 4), (800, 2, 100), (16, 1, 2)]
)
def test_blocks_are_few_but_enough_for_every_worker(clips: int, workers: int, blocks: int) -> None:
    assert num_blocks(clips, workers) == blocks
