"""A small experiment folder and settings for tests: made-up speech, the real networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import torch

from ray_pipeline.core.progress import Progress, RecordingProgress
from ray_pipeline.core.selection import Checkpoint
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.core.workspace import Experiment, atomic_write
from ray_pipeline.models.encoders.codebook import Codebook
from ray_pipeline.models.gpt.config import GptConfig, tiny_gpt_config
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.text.symbols import symbol_table
from ray_pipeline.training.gpt.data import find_gpt_items
from ray_pipeline.training.gpt.recipe import NANO_GPT_RECIPE
from ray_pipeline.training.gpt.settings import GptSettings
from ray_pipeline.training.plan import TrainingPlan
from ray_pipeline.training.sovits.data import find_sovits_items
from ray_pipeline.training.sovits.recipe import NANO_SOVITS_RECIPE
from ray_pipeline.training.sovits.settings import SovitsSettings
from ray_pipeline.training.training_step import with_own_folder

PHONES = ["HH", "AH0", "L", "OW1", "."]
SSL_DIM, SPEAKER_DIM, NUM_TOKENS = 8, 6, 40

TINY_SOVITS = replace(
    SOVITS_CONFIGS["nano"],
    inter_channels=16,
    hidden_channels=16,
    filter_channels=16,
    n_layers=1,
    upsample_initial_channel=32,
    gin_channels=16,
    style_channels=16,
    mrte_channels=16,
    posterior_layers=1,
    num_flows=1,
    flow_layers=1,
    ssl_dim=SSL_DIM,
    codebook_size=NUM_TOKENS,
    speaker_dim=SPEAKER_DIM,
    periods=(2,),
    discriminator_divisor=64,
)
TINY_GPT: GptConfig = replace(tiny_gpt_config(), max_seconds=54)


def make_experiment(root: Path, seconds: list[float]) -> Experiment:
    """One clip a length: a tone with noise, with features that follow it."""
    folder = Experiment(root)
    for path in (folder.bert, folder.content, folder.waves, folder.speaker_vectors):
        path.mkdir(parents=True, exist_ok=True)
    rows, semantic = [], ["item_name\tsemantic_audio"]
    generator = torch.Generator().manual_seed(7)
    features = []
    for number, length in enumerate(seconds):
        name = f"clip{number}.wav"
        add_clip(folder, name, length, generator)
        features.append(torch.load(folder.content / f"{name}.pt")[0])
        phones = PHONES * max(1, round(length * 8 / len(PHONES)))
        rows.append("\t".join([name, " ".join(phones), "None", "Hello."]))
        tokens = [str((number * 7 + i * i) % NUM_TOKENS) for i in range(int(length * 25))]
        semantic.append(f"{name}\t{' '.join(tokens)}")
    folder.phones_table.write_text("\n".join(rows) + "\n", "utf-8")
    folder.semantic_table.write_text("\n".join(semantic) + "\n", "utf-8")
    make_codebook().save(folder.codebook)
    return folder


def add_clip(folder: Experiment, name: str, seconds: float, generator: torch.Generator) -> None:
    num_samples = int(seconds * 32000)
    time = np.arange(num_samples) / 32000
    noise = torch.randn(num_samples, generator=generator).numpy()
    wav = 0.3 * np.sin(2 * np.pi * 220 * time) + 0.02 * noise
    soundfile.write(folder.waves / name, wav, 32000, subtype="PCM_16")
    ssl = torch.randn(1, SSL_DIM, num_samples // 640, generator=generator)
    torch.save(ssl, folder.content / f"{name}.pt")
    torch.save(torch.ones(1, SPEAKER_DIM), folder.speaker_vectors / f"{name}.pt")


def make_codebook() -> Codebook:
    generator = torch.Generator().manual_seed(3)
    return Codebook(
        torch.randn(SSL_DIM, SSL_DIM, 2, generator=generator) / 4,
        torch.zeros(SSL_DIM),
        torch.randn(NUM_TOKENS, SSL_DIM, generator=generator),
        torch.ones(NUM_TOKENS),
    )


def sovits_settings(
    experiment: Experiment, out: Path, *, max_steps: int = 6, progress: Progress | None = None
) -> SovitsSettings:
    """Two clips a batch, three batches an epoch, half of them adversarial."""
    items, _ = find_sovits_items(experiment, symbol_table("v2"), with_speaker=True)
    first, second = NANO_SOVITS_RECIPE.phases
    phases = (replace(first, share=0.5, segment_frames=32), replace(second, share=0.5))
    return SovitsSettings(
        experiment=experiment,
        version="nano",
        model=TINY_SOVITS,
        recipe=replace(NANO_SOVITS_RECIPE, phases=phases, min_epoch_steps=3),
        items=tuple(items),
        batch_size=2,
        epochs=1,
        max_steps=max_steps,
        seed=5,
        codebook=experiment.codebook,
        voice="voice",
        task_folder=Path(out.anchor),
        step=StepName.TRAIN_SOVITS,
        config_path=out / "config_s2.json",
        weights_folder=out / "SoVITS_weights_nano",
        checkpoint_links=out / "logs_s2_nano",
        curves_folder=out / "logs_s2_nano",
        progress=progress or RecordingProgress(),
    )


def moments(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    """What it keeps of the gradients, but not its counts."""
    kept = [x for state in optimizer.state.values() for x in state.values()]
    found = [x for x in kept if isinstance(x, torch.Tensor) and x.dim()]
    assert found
    return found


def trained(
    context: StepContext,
    plan: TrainingPlan,
    run: str,
    scores: Sequence[float | None] = (None,),
    *,
    finished: bool = True,
) -> TrainingPlan:
    """The plan of a run that has exported files, one an epoch, with a score where it has one."""
    plan = with_own_folder(context, plan, run)
    settings = plan.settings
    name = "gpt/held_out_loss" if settings.step is StepName.TRAIN_GPT else "sovits/held_out_mel"
    rows = []
    for epoch, score in enumerate(scores, 1):
        file = settings.export_name(epoch, 10 * epoch)
        content = f"{run} {file}"
        atomic_write(settings.weights_folder / file, content)
        validation = {} if score is None else {name: score}
        rows.append(
            Checkpoint(
                epoch=epoch, step=10 * epoch, file=file, size=len(content), validation=validation
            )
        )
    TrainingTable(
        step=settings.step,
        run=run,
        inputs=settings.inputs,
        shown_in=settings.shown_weights,
        pattern=settings.export_pattern,
        finished=finished,
        checkpoints=tuple(rows),
    ).save(settings.weights_folder)
    return plan


def gpt_settings(
    experiment: Experiment, out: Path, *, max_steps: int = 6, progress: Progress | None = None
) -> GptSettings:
    """Two clips a batch, three batches an epoch."""
    items, _ = find_gpt_items(experiment, symbol_table("v2"), max_seconds=54)
    return GptSettings(
        experiment=experiment,
        version="nano",
        model=TINY_GPT,
        recipe=replace(NANO_GPT_RECIPE, min_epoch_steps=3, warmup_steps=1, learning_rate=5e-3),
        items=tuple(items),
        batch_size=2,
        epochs=1,
        max_steps=max_steps,
        seed=5,
        voice="voice",
        task_folder=Path(out.anchor),
        step=StepName.TRAIN_GPT,
        config_path=out / "config_s1.yaml",
        weights_folder=out / "GPT_weights_nano",
        checkpoint_links=out / "logs_s1_nano" / "ckpt",
        curves_folder=out / "logs_s1_nano",
        progress=progress or RecordingProgress(),
    )
