"""The configuration that the original keeps beside a training and inside every export.

Same sections, same names. Paths are relative to the task's folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray_pipeline.core.workspace import Experiment
from ray_pipeline.models.gpt.config import GptConfig
from ray_pipeline.models.sovits.config import DATA_SECTION, SovitsConfig
from ray_pipeline.training.recipes import GptRecipe, SovitsRecipe


@dataclass(frozen=True, kw_only=True)
class ConfigFacts:
    """What a task adds to a recipe. `gpu_numbers` is written like "0-1"."""

    voice: str
    experiment: Experiment
    task_folder: Path
    weights_folder: str
    epochs: int
    batch_size: int
    seed: int
    gpu_numbers: str
    save_every_epochs: int
    half_precision: bool
    pretrained: tuple[str, ...] = ()

    def relative(self, path: Path) -> str:
        return path.relative_to(self.task_folder).as_posix()


def sovits_file_config(
    facts: ConfigFacts, model: SovitsConfig, recipe: SovitsRecipe, *, text_rate: float
) -> dict[str, Any]:
    generator, discriminator = facts.pretrained or ("", "")
    train = {
        "log_interval": 100,
        "eval_interval": 500,
        "seed": facts.seed,
        "epochs": facts.epochs,
        "learning_rate": recipe.base_learning_rate,
        "betas": list(recipe.betas),
        "eps": recipe.eps,
        "batch_size": facts.batch_size,
        "fp16_run": facts.half_precision,
        "lr_decay": recipe.decay_per_epoch,
        "segment_size": recipe.phases[-1].segment_frames * model.samples_per_frame,
        "init_lr_ratio": 1,
        "warmup_epochs": 0,
        "c_mel": recipe.mel_weight,
        "c_kl": recipe.kl_weight,
        "text_low_lr_rate": text_rate,
        "grad_ckpt": False,
        "pretrained_s2G": generator,
        "pretrained_s2D": discriminator,
        "if_save_latest": False,
        "if_save_every_weights": True,
        "save_every_epoch": facts.save_every_epochs,
        "gpu_numbers": facts.gpu_numbers,
        "lora_rank": None,
    }
    return {
        "train": train,
        "data": {**DATA_SECTION, "exp_dir": facts.relative(facts.experiment.folder)},
        "model": model.model_section(),
        "s2_ckpt_dir": facts.relative(facts.experiment.folder),
        "content_module": "cnhubert",
        "save_weight_dir": facts.weights_folder,
        "name": facts.voice,
        "version": model.version,
    }


def gpt_file_config(facts: ConfigFacts, model: GptConfig, recipe: GptRecipe) -> dict[str, Any]:
    sections = model.to_export()
    sections["train"] = {
        "seed": facts.seed,
        "epochs": facts.epochs,
        "batch_size": facts.batch_size,
        "save_every_n_epoch": facts.save_every_epochs,
        "precision": "16-mixed" if facts.half_precision else "32",
        "gradient_clip": recipe.clip_norm or 1.0,
        "if_save_every_weights": True,
        "if_save_latest": False,
        "if_dpo": False,
        "half_weights_save_dir": facts.weights_folder,
        "exp_name": facts.voice,
    }
    sections["optimizer"] = _optimizer_section(recipe)
    return {
        **sections,
        "pretrained_s1": "".join(facts.pretrained),
        "train_semantic_path": facts.relative(facts.experiment.semantic_table),
        "train_phoneme_path": facts.relative(facts.experiment.phones_table),
        "output_dir": facts.relative(facts.experiment.folder),
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
