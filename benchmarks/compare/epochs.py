"""Whole epochs of our SoVITS training: loading, steps, metrics, export, checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import torch

from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.progress import NullProgress
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.text.symbols import symbol_table
from ray_pipeline.training.sovits.data import find_sovits_items
from ray_pipeline.training.sovits.recipe import SOVITS_RECIPE
from ray_pipeline.training.sovits.settings import SovitsSettings
from ray_pipeline.training.sovits.trainer import train_sovits
from ray_pipeline.training.worker import LocalWorker

CLIPS, BATCH, EPOCHS = 6, 2, 2
_SECONDS = 4.0
_PHONES = "n i2 h ao3"


def timed_epochs(folder: Path) -> Iterator[str]:
    """A line an epoch, with the metrics that a user sees."""
    settings = made_up_settings(folder, CLIPS)
    worker = LocalWorker(folder / "run")
    train_sovits(settings, worker)
    for report in worker.reports:
        numbers = "  ".join(
            f"{name.removeprefix('sovits/')} {value:.4g}" for name, value in report.speed.items()
        )
        yield f"epoch {report.epoch}: {report.step} steps so far, {report.seconds} s  {numbers}"


def made_up_settings(folder: Path, clips: int) -> SovitsSettings:
    """A training that goes once through `clips` clips in an epoch."""
    experiment = made_up_experiment(folder / "experiment", clips)
    items, _ = find_sovits_items(experiment, symbol_table("v2"), with_speaker=False)
    return SovitsSettings(
        experiment=experiment,
        version="v2",
        model=SOVITS_CONFIGS["v2"],
        recipe=replace(SOVITS_RECIPE, half_precision=False),
        items=tuple(items),
        batch_size=BATCH,
        epochs=EPOCHS,
        seed=1,
        voice="voice",
        task_folder=Path(folder.anchor),
        step=StepName.TRAIN_SOVITS,
        config_path=folder / "config_s2.json",
        weights_folder=folder / "weights",
        checkpoint_links=folder / "logs",
        curves_folder=folder / "logs",
        progress=NullProgress(),
    )


def made_up_experiment(folder: Path, clips: int) -> Experiment:
    experiment = Experiment(folder)
    for path in (experiment.content, experiment.waves):
        path.mkdir(parents=True)
    generator = torch.Generator().manual_seed(1)
    rows, num_samples = [], int(_SECONDS * SAMPLE_RATE)
    for number in range(clips):
        name = f"clip{number}.wav"
        sound = torch.rand(num_samples, generator=generator).sub(0.5).numpy().astype(np.float32)
        soundfile.write(experiment.waves / name, sound, SAMPLE_RATE, subtype="PCM_16")
        content = torch.randn(1, 768, num_samples // 640, generator=generator)
        torch.save(content, experiment.content / f"{name}.pt")
        rows.append("\t".join([name, " ".join([_PHONES] * 8), "None", "text"]))
    experiment.phones_table.write_text("\n".join(rows) + "\n", "utf-8")
    return experiment
