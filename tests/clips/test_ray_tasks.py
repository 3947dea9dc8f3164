"""Clips that are computed in Ray tasks, several at a time."""

import os
from collections.abc import Sequence

import pytest

from ray_pipeline.clips.ray_tasks import RayTasks
from ray_pipeline.clips.work import Clip, ClipResult, Made
from ray_pipeline.core.errors import BadModelFile, StepFailed
from ray_pipeline.core.resources import WorkerPlan

pytestmark = pytest.mark.usefixtures("ray_cluster")


def results_of(*names: str) -> dict[str, ClipResult]:
    """Made two at a time."""

    def together(clips: Sequence[Clip]) -> list[ClipResult]:
        batch = [clip.name for clip in clips]
        if "deadly" in batch:
            os._exit(1)
        if "unlucky" in batch:
            raise BadModelFile("The model is cut off.")
        return [
            ClipResult(name, error=StepFailed(f"{name} is bad."))
            if name == "bad"
            else ClipResult(name, [Made(name, {"with": batch})])
            for name in batch
        ]

    work = RayTasks(together, WorkerPlan(1, 0.5), clips_per_task=2)
    return {result.name: result for result in work.results([Clip(name) for name in names], "test")}


def companions(result: ClipResult) -> list[str]:
    (made,) = result.made
    together: list[str] = made.details["with"]
    return together


def test_one_of_a_batch_fails_and_the_others_are_kept() -> None:
    results = results_of("a", "bad", "c")
    assert companions(results["a"]) == ["a", "bad"]
    assert companions(results["c"]) == ["c"]
    bad = results["bad"]
    assert (str(bad.error), bad.is_final) == ("bad is bad.", True)


def test_what_ends_a_whole_batch_is_the_result_of_each() -> None:
    results = results_of("a", "unlucky")
    assert [type(result.error) for result in results.values()] == [BadModelFile, BadModelFile]
    assert results["a"].error is not None
    assert results["a"].error.clip is None


def test_a_batch_whose_process_dies_is_done_one_by_one() -> None:
    results = results_of("a", "deadly")
    assert companions(results["a"]) == ["a"]
    deadly = results["deadly"]
    assert not deadly.is_final  # tried again in the next run
    assert "the worker process died" in str(deadly.error)


def test_few_clips_are_spread_over_all_workers() -> None:
    work = RayTasks(_count, WorkerPlan(2, 0.5), clips_per_task=32)
    made = [one.made[0].details["clips"] for one in work.results(list(map(Clip, "abcd")), "test")]
    assert made == [2, 2, 2, 2]


def _count(clips: Sequence[Clip]) -> list[ClipResult]:
    return [ClipResult(clip.name, [Made(clip.name, {"clips": len(clips)})]) for clip in clips]
