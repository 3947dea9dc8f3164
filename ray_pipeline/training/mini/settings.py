"""What mini's two trainings depend on, and the configuration files that are written from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from ray_pipeline.models.mini.config import VERSION, MiniConfig
from ray_pipeline.training.mini.checkpoint import CHECKPOINT_PATTERN
from ray_pipeline.training.mini.items import MiniItem
from ray_pipeline.training.mini.recipe import StageRecipe
from ray_pipeline.training.settings import TrainingSettings


@dataclass(frozen=True, kw_only=True)
class MiniSettings(TrainingSettings):
    """`recipes` are the parts of the training, in the order in which they run; at most
    `total_steps` in all, and `epoch_steps` of them are told of together. `base` and `teachers`
    are files; None: those that come with the project. `language` is the task's: it decides which
    teachers are heard most."""

    recipes: tuple[StageRecipe, ...]
    items: tuple[MiniItem, ...]
    held_out: tuple[MiniItem, ...] = ()
    epoch_steps: int
    total_steps: int
    base: Path | None = None
    teachers: Path | None = None
    language: str = "auto"

    checkpoint_patterns: ClassVar[tuple[str, ...]] = (CHECKPOINT_PATTERN,)

    def with_batch_size(self, size: int) -> Self:
        parts = tuple(replace(recipe, batch_size=size) for recipe in self.recipes)
        return replace(self, batch_size=size, recipes=parts)


@dataclass(frozen=True, kw_only=True)
class DurationSettings(MiniSettings):
    """Stage 1. Exports are named as those of a GPT: `<voice>-e<epoch>.safetensors`."""

    def export_name(self, epoch: int, step: int) -> str:
        return f"{self.voice}-e{epoch}.safetensors"

    @property
    def export_pattern(self) -> str:
        return f"{self.voice}-e*.safetensors"


@dataclass(frozen=True, kw_only=True)
class SynthesizerSettings(MiniSettings):
    """Stage 2: the acoustic model, then the vocoder. Exports are named as those of a SoVITS:
    `<voice>_e<epoch>_s<step>.safetensors`."""

    def export_name(self, epoch: int, step: int) -> str:
        return f"{self.voice}_e{epoch}_s{step}.safetensors"

    @property
    def export_pattern(self) -> str:
        return f"{self.voice}_e*_s*.safetensors"


def mini_file_config(settings: MiniSettings, model: MiniConfig) -> dict[str, Any]:
    """The sections of the original's files as far as they mean something here. `model` holds the
    sizes of the base's networks."""
    experiment = settings.relative(settings.experiment.folder)
    return {
        "train": {
            "seed": settings.seed,
            "epochs": settings.epochs,
            "batch_size": settings.batch_size,
            "save_every_epoch": settings.save_every_epochs,
            "gpu_numbers": settings.gpu_numbers,
            "parts": [
                {
                    "steps": recipe.schedule.steps,
                    "learning_rate": recipe.schedule.learning_rate,
                    "betas": list(recipe.betas),
                    "weight_decay": recipe.weight_decay,
                    "gradient_clip": recipe.clip_norm,
                    "teacher_share": recipe.teacher_share,
                }
                for recipe in settings.recipes
            ],
        },
        "data": {"exp_dir": experiment},
        "model": asdict(model),
        "save_weight_dir": settings.shown_weights,
        "name": settings.voice,
        "version": VERSION,
    }
