"""How many clips fit, which do not, and what is said of it before a training begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from ray_pipeline.core.option_types import USUAL_BATCH
from ray_pipeline.core.pretrained_bases import BASE_MODELS
from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.training.gpt.recipe import gpt_recipe
from ray_pipeline.training.memory_model import LONGEST, Stage, Training
from ray_pipeline.training.preflight import Preflight, Room, look_ahead
from ray_pipeline.training.room import room_in, room_of_workers
from ray_pipeline.training.sovits.recipe import sovits_recipe

V2 = Training(version="v2", stage="sovits")
CLIPS = {"a.wav": 4.0, "b.wav": 6.0}


def ahead(
    free_gb: float, clips: dict[str, float] = CLIPS, training: Training = V2, **more: object
) -> Preflight:
    asked: dict[str, object] = {"batch_size": USUAL_BATCH, "is_auto": True, **more}
    return look_ahead(training, clips, Room(free_gb), **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", sorted({base.version for base in BASE_MODELS.values()}))
@pytest.mark.parametrize("stage", get_args(Stage))
@pytest.mark.parametrize("recompute", [False, True])
def test_every_training_grows_with_its_clips_and_fits_some_memory(
    version: str, stage: Stage, recompute: bool
) -> None:
    training = Training(version=version, stage=stage, recompute=recompute)
    peaks = [training.peak_gb(clips, seconds) for clips, seconds in ((1, 2), (1, 9), (4, 9))]
    assert 0.3 < peaks[0] < peaks[1] < peaks[2] < 40
    assert training.most_clips(9, training.peak_gb(4, 9) + 1e-6) == 4
    assert training.most_seconds(training.peak_gb(1, 9) + 1e-6) == 9
    assert training.most_seconds(1000) == LONGEST
    plain = Training(version=version, stage=stage)
    assert training.peak_gb(4, 9) <= plain.peak_gb(4, 9)


def test_auto_takes_what_fits_and_never_more_than_the_usual() -> None:
    assert ahead(1000).batch_size == USUAL_BATCH
    some = ahead(8)
    assert 1 < some.batch_size < USUAL_BATCH
    assert some.peak_gb <= some.usable_gb < V2.peak_gb(some.batch_size + 1, 6)
    assert some.warnings() == []
    assert f"batch_size auto: {some.batch_size} clips" in some.describe()
    assert ahead(8, batch_size=2).batch_size == 2
    sizes = [ahead(gigabytes).batch_size for gigabytes in range(0, 40)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 1


def test_precision_checkpointing_and_pairs_change_what_fits() -> None:
    def fitting(training: Training, room: Room) -> int:
        return look_ahead(training, CLIPS, room, batch_size=99, is_auto=True).batch_size

    gpt = Training(version="v2", stage="gpt")
    pairs = Training(version="v2", stage="gpt", preference=True)
    saving = Training(version="v2", stage="gpt", recompute=True)
    room = Room(8)
    assert fitting(pairs, room) < fitting(gpt, room) < fitting(saving, room)
    card, half = Room(8, on_gpu=True), Room(8, on_gpu=True, half=True)
    assert fitting(gpt, card) < fitting(gpt, half)


@pytest.mark.parametrize("version", sorted({base.version for base in BASE_MODELS.values()}))
def test_sixteen_bits_save_memory_only_where_a_base_trains_in_them(version: str) -> None:
    recipes = {"sovits": sovits_recipe, "gpt": gpt_recipe}
    for stage in get_args(Stage):
        training = Training(version=version, stage=stage, on_gpu=True)
        saves = replace(training, half=True).clip_gb(5) < training.clip_gb(5)
        # mini's own trainings have no such switch.
        assert saves == (version != "mini" and recipes[stage](version).half_precision)


def test_with_so_many_at_a_time_a_batch_may_be_larger_than_the_memory() -> None:
    assert ahead(8, micro_batch_size=1).batch_size == USUAL_BATCH
    assert ahead(8, micro_batch_size=1).at_a_time == 1
    assert ahead(8, micro_batch_size=16).batch_size == ahead(8).batch_size


def test_clips_that_are_too_long_are_named_and_do_not_make_the_batch_smaller() -> None:
    clips = {**CLIPS, "long.wav": 35.0, "longer.wav": 38.0}
    found = ahead(4.8, clips)
    assert [each.clip for each in found.too_long] == ["longer.wav", "long.wav"]
    assert found.too_long[0].needed_gb > found.usable_gb
    assert found.longest_seconds == 6.0
    assert found.batch_size == ahead(4.8).batch_size
    [warning] = found.warnings()
    assert "longer.wav, long.wav" in warning
    assert f"clips of {found.fitting_seconds} s fit" in warning
    assert 6 < found.fitting_seconds < 35


def test_a_number_that_does_not_fit_is_kept_and_warned_of() -> None:
    found = ahead(8, is_auto=False)
    assert found.batch_size == USUAL_BATCH
    [warning] = found.warnings()
    assert f"batch_size auto takes {ahead(8).batch_size}." in warning
    assert ahead(1000, is_auto=False).warnings() == []


def test_without_room_for_the_networks_one_clip_is_tried_with_a_warning() -> None:
    found = ahead(1)
    assert found.batch_size == 1
    [warning] = found.warnings()
    assert "networks alone" in warning
    assert ahead(0, {}).batch_size == 1


def test_what_was_found_is_kept_for_later_attempts(tmp_path: Path) -> None:
    assert Preflight.load(tmp_path) is None
    found = ahead(4.8, {**CLIPS, "längste.wav": 38.0})
    found.save(tmp_path / "run")
    assert Preflight.load(tmp_path / "run") == found


def test_workers_without_gpus_share_the_memory_of_the_machine() -> None:
    alone, pair = (room_of_workers(WorkerPlan(number, 0.5)) for number in (1, 2))
    assert alone.free_gb > 0
    assert pair.free_gb < 0.8 * alone.free_gb
    assert not alone.on_gpu


def test_a_card_is_known_by_what_its_driver_says() -> None:
    said = "81000, 9.0, NVIDIA H200\n22000, 8.9, NVIDIA L4\n"
    room = room_in(said)
    assert room is not None
    assert room.free_gb == pytest.approx(22000 * 2**20 / 1e9)
    assert (room.on_gpu, room.half) == (True, True)
    old = room_in("8000, 7.5, NVIDIA GeForce GTX 1660\n")
    assert old is not None
    assert not old.half
    assert room_in("No devices were found") is None
    assert room_in("[N/A], 8.9, NVIDIA L4\n") is None
