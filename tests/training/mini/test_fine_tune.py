from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ray_pipeline.models.mini.config import tiny_config
from ray_pipeline.models.mini.files import new_base
from ray_pipeline.training.mini.data import MiniClip
from ray_pipeline.training.mini.fine_tune import (
    Tuning,
    TuningData,
    tune_acoustic,
    tune_durations,
    tune_vocoder,
)
from ray_pipeline.training.mini.recipe import Schedule, StageRecipe
from ray_pipeline.training.mini.teachers import load_teachers, save_teachers
from tests.training.mini.test_step import clips

RECIPE = StageRecipe(
    schedule=Schedule(steps=6, learning_rate=1e-2, warmup=1),
    batch_size=2,
    teacher_share=0.5,
    slice_frames=20,
    predicted_share=0.5,
    judge_every=2,
)


def tuning(kind: str, **changes: object) -> Tuning:
    torch.manual_seed(0)
    base = new_base(tiny_config())
    own, other = clips()
    data = TuningData(clips=[own], held_out=[other], teachers=[other], seed=5)
    data = replace(data, **changes)  # type: ignore[arg-type]
    if kind == "durations":
        return tune_durations(base.durations, data, RECIPE)
    if kind == "acoustic":
        return tune_acoustic(base.synthesizer.acoustic, data, RECIPE)
    return tune_vocoder(base.synthesizer, data, RECIPE)


def weights(one: Tuning) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in one.network.parameters()])


@pytest.mark.parametrize("kind", ["durations", "acoustic", "vocoder"])
def test_a_training_that_goes_on_ends_with_the_same_weights(kind: str, tmp_path: Path) -> None:
    whole, first = tuning(kind), tuning(kind)
    for _ in range(6):
        whole.step()
    for _ in range(3):
        first.step()
    torch.save(first.state_dict(), tmp_path / "state.pt")

    second = tuning(kind)
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    while not second.finished:
        second.step()

    assert second.steps_done == 6
    assert torch.equal(weights(whole), weights(second))


def test_workers_draw_different_clips() -> None:
    first, other = tuning("vocoder"), tuning("vocoder", worker=1)

    assert first.step() != other.step()


def test_the_best_weights_on_held_out_clips_are_taken() -> None:
    one = tuning("durations")
    held_out = []
    while not one.finished:
        held_out += [numbers["held_out"] for numbers in [one.step()] if "held_out" in numbers]

    one.finish()

    assert one.judge() == pytest.approx(min(held_out))


def test_it_ends_early_when_held_out_clips_become_worse() -> None:
    one = tuning("acoustic")
    one._least = 0.0  # nothing is better than that
    one._recipe = replace(RECIPE, patience=2)
    while not one.finished:
        one.step()

    assert one.steps_done == 4


def test_nothing_is_judged_before_the_voice_has_had_time() -> None:
    one = tuning("durations")
    one._recipe = replace(RECIPE, least_steps=4)

    judged = ["held_out" in one.step() for _ in range(6)]

    assert judged == [False, False, False, True, False, True]


def test_without_held_out_clips_all_steps_are_done() -> None:
    one = tuning("durations", held_out=[])
    while not one.finished:
        assert "held_out" not in one.step()
    one.finish()

    assert one.steps_done == 6


def test_teacher_clips_come_back_nearly_as_they_were(tmp_path: Path) -> None:
    saved = clips()
    save_teachers(tmp_path / "teachers.npz", saved)

    loaded = load_teachers(tmp_path / "teachers.npz")

    assert [clip.ids.tolist() for clip in loaded] == [clip.ids.tolist() for clip in saved]
    for clip, original in zip(loaded, saved, strict=True):
        assert clip.frames.tolist() == original.frames.tolist()
        np.testing.assert_allclose(clip.mel, original.mel, atol=0.03)
        np.testing.assert_allclose(clip.pitch_hz, original.pitch_hz, rtol=1e-3)
        assert isinstance(clip, MiniClip)
