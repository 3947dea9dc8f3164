"""What a GPT training depends on, and config_s1.yaml, which is written from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from ray_pipeline.models.gpt.config import GptConfig
from ray_pipeline.training.gpt.checkpoint import CHECKPOINT_PATTERN, epoch_of_name
from ray_pipeline.training.gpt.data import GptItem
from ray_pipeline.training.gpt.recipe import GptRecipe
from ray_pipeline.training.memory_model import Training
from ray_pipeline.training.precision import Precision
from ray_pipeline.training.settings import TrainingSettings

# Lightning's, in which the original writes it.
_LIGHTNING_NAMES: dict[Precision, str] = {
    "float32": "32",
    "float16": "16-mixed",
    "bfloat16": "bf16-mixed",
}


@dataclass(frozen=True, kw_only=True)
class GptSettings(TrainingSettings):
    """`pretrained` is a stage-1 file. Exports are named `<voice>-e<epoch>.ckpt`."""

    model: GptConfig
    recipe: GptRecipe
    items: tuple[GptItem, ...]
    held_out: tuple[GptItem, ...] = ()
    pretrained: Path | None = None

    checkpoint_patterns: ClassVar[tuple[str, ...]] = (CHECKPOINT_PATTERN,)
    adopts_checkpoints: ClassVar[bool] = True

    @property
    def memory(self) -> Training:
        return replace(super().memory, preference=self.recipe.preference)

    def export_name(self, epoch: int, step: int) -> str:
        return f"{self.voice}-e{epoch}.ckpt"

    def epoch_of(self, files: Sequence[Path]) -> int:
        return epoch_of_name(files[0])

    @property
    def export_pattern(self) -> str:
        return f"{self.voice}-e*.ckpt"


def gpt_file_config(settings: GptSettings, precision: Precision) -> dict[str, Any]:
    """The configuration that the original keeps: same sections, same names."""
    experiment = settings.relative(settings.experiment.folder)
    sections = settings.model.to_export()
    first = settings.start or settings.pretrained
    sections["train"] = {
        "seed": settings.seed,
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "save_every_n_epoch": settings.save_every_epochs,
        "precision": _LIGHTNING_NAMES[precision],
        "gradient_clip": settings.recipe.clip_norm or 1.0,
        "if_save_every_weights": True,
        "if_save_latest": False,
        "if_dpo": settings.recipe.preference,
        "half_weights_save_dir": settings.shown_weights,
        "exp_name": settings.voice,
    }
    sections["optimizer"] = _optimizer_section(settings.recipe)
    return {
        **sections,
        "pretrained_s1": first.name if first else "",
        "train_semantic_path": settings.relative(settings.experiment.semantic_table),
        "train_phoneme_path": settings.relative(settings.experiment.phones_table),
        "output_dir": experiment,
    }


def _optimizer_section(recipe: GptRecipe) -> dict[str, Any]:
    """The original writes down a schedule that its code then overrides; so does this."""
    if recipe.scaled_adam:
        return {
            "lr": 0.01,
            "lr_init": 1e-5,
            "lr_end": 1e-4,
            "warmup_steps": 2000,
            "decay_steps": 40000,
        }
    return {"lr": recipe.learning_rate, "warmup_steps": recipe.warmup_steps}
