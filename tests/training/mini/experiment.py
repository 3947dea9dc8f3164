"""A small experiment of mini, and the settings of both its trainings with tiny networks."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch

from ray_pipeline.audio.wav import write_float32
from ray_pipeline.core.options import TrainGptOptions, TrainSovitsOptions
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.models.mini.sound import analyse
from ray_pipeline.training.mini.plan import plan_durations, plan_synthesizer
from ray_pipeline.training.mini.settings import DurationSettings, SynthesizerSettings
from tests.models.mini.speech import buzz

AnySettings = TypeVar("AnySettings", DurationSettings, SynthesizerSettings)
MINI = base_model("mini")


def make_mini_experiment(experiment: Experiment, seconds: list[float]) -> None:
    """One clip a length, with the features that mini's steps extract."""
    for folder in (experiment.content, experiment.waves):
        folder.mkdir(parents=True, exist_ok=True)
    rows = ["item_name\tsemantic_audio"]
    for number, length in enumerate(seconds):
        name = f"clip{number}.wav"
        wav = buzz(seconds=length, hz=120 + 10 * number)
        sound = analyse(wav)
        write_float32(experiment.wave_of(name), wav)
        features = np.concatenate([sound.mel.T, sound.pitch_hz[None]])
        torch.save(torch.from_numpy(features)[None], experiment.content_of(name))
        phones = np.array_split(np.arange(sound.num_tokens), 6)
        ids = [1, 50, 60 + number, 70, 80, 1]
        tokens = np.concatenate(
            [np.full(len(part), i) for part, i in zip(phones, ids, strict=True)]
        )
        rows.append(f"{name}\t{' '.join(map(str, tokens))}")
    experiment.semantic_table.write_text("\n".join(rows) + "\n")


def stage1(context: StepContext, options: TrainGptOptions | None = None) -> DurationSettings:
    options = options or TrainGptOptions(epochs=2, max_steps=6, batch_size=2)
    settings = plan_durations(context, options, MINI).settings
    assert isinstance(settings, DurationSettings)
    return _tiny(settings, context)


def stage2(context: StepContext) -> SynthesizerSettings:
    options = TrainSovitsOptions(epochs=2, max_steps=6, batch_size=2)
    settings = plan_synthesizer(context, options, MINI).settings
    assert isinstance(settings, SynthesizerSettings)
    return _tiny(settings, context)


def _tiny(settings: AnySettings, context: StepContext) -> AnySettings:
    folder = context.workspace.root
    return replace(
        settings,
        base=folder / "base.safetensors",
        teachers=folder / "teachers.npz",
        recipes=tuple(replace(recipe, slice_frames=20) for recipe in settings.recipes),
        epoch_steps=3,
    )
