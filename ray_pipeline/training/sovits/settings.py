"""What a SoVITS training depends on, and config_s2.json, which is written from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ray_pipeline.models.sovits.config import DATA_SECTION, SovitsConfig
from ray_pipeline.training.precision import Precision
from ray_pipeline.training.settings import TrainingSettings
from ray_pipeline.training.sovits.checkpoint import CHECKPOINT_PATTERNS
from ray_pipeline.training.sovits.data import SovitsItem
from ray_pipeline.training.sovits.recipe import SovitsRecipe
from ray_pipeline.weights.files import load_training


@dataclass(frozen=True, kw_only=True)
class SovitsSettings(TrainingSettings):
    """`pretrained` holds generator and discriminator files, `codebook` the file of a base without
    them. `text_rate` is the factor on the learning rate of the text groups. Exports are named
    `<voice>_e<epoch>_s<step>.pth`."""

    model: SovitsConfig
    recipe: SovitsRecipe
    items: tuple[SovitsItem, ...]
    held_out: tuple[SovitsItem, ...] = ()
    text_rate: float = 1.0
    pretrained: tuple[Path, Path] | None = None
    codebook: Path | None = None

    checkpoint_patterns: ClassVar[tuple[str, ...]] = CHECKPOINT_PATTERNS
    adopts_checkpoints: ClassVar[bool] = True

    def export_name(self, epoch: int, step: int) -> str:
        return f"{self.voice}_e{epoch}_s{step}.pth"

    def epoch_of(self, files: Sequence[Path]) -> int:
        return min(load_training(path).iteration for path in files)

    @property
    def export_pattern(self) -> str:
        return f"{self.voice}_e*_s*.pth"


def sovits_file_config(settings: SovitsSettings, precision: Precision) -> dict[str, Any]:
    """The configuration that the original keeps: same sections, same names."""
    model, recipe = settings.model, settings.recipe
    experiment = settings.relative(settings.experiment.folder)
    generator, discriminator = (
        [path.name for path in settings.pretrained] if settings.pretrained else ("", "")
    )
    if settings.start is not None:
        generator = settings.start.name
    train = {
        "log_interval": 100,
        "eval_interval": 500,
        "seed": settings.seed,
        "epochs": settings.epochs,
        "learning_rate": recipe.base_learning_rate,
        "betas": list(recipe.betas),
        "eps": recipe.eps,
        "batch_size": settings.batch_size,
        "fp16_run": precision == "float16",
        "lr_decay": recipe.decay_per_epoch,
        "segment_size": recipe.phases[-1].segment_frames * model.samples_per_frame,
        "init_lr_ratio": 1,
        "warmup_epochs": 0,
        "c_mel": recipe.mel_weight,
        "c_kl": recipe.kl_weight,
        "text_low_lr_rate": settings.text_rate,
        "grad_ckpt": settings.recompute,
        "pretrained_s2G": generator,
        "pretrained_s2D": discriminator,
        "if_save_latest": False,
        "if_save_every_weights": True,
        "save_every_epoch": settings.save_every_epochs,
        "gpu_numbers": settings.gpu_numbers,
        "lora_rank": None,
    }
    return {
        "train": train,
        "data": {**DATA_SECTION, "exp_dir": experiment},
        "model": model.model_section(),
        "s2_ckpt_dir": experiment,
        "content_module": "cnhubert",
        "save_weight_dir": settings.shown_weights,
        "name": settings.voice,
        "version": settings.version,
    }
