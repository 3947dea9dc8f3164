"""Training checkpoints of the GPT, gone on with by the other side: the same losses.

The original trains as its `s1_train.py` does, under PyTorch Lightning; of this it wants the
packages pytorch-lightning and matplotlib. Dropout is off on both sides, and the network is tiny.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from benchmarks.compare import workloads
from ray_pipeline.models.gpt.config import GptConfig
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.training.checkpoints import Position
from ray_pipeline.training.gpt.checkpoint import gpt_checkpoint, load_gpt_checkpoint
from ray_pipeline.training.gpt.data import GptBatch
from ray_pipeline.training.gpt.recipe import GPT_RECIPE
from ray_pipeline.training.gpt.step import GptStepper, gpt_optimizer
from ray_pipeline.weights.archive import save_archive

TINY = GptConfig(
    width=4,
    num_layers=1,
    num_heads=2,
    feed_forward=16,
    phoneme_vocab_size=20,
    vocab_size=9,
    layer_dropout=0.0,
    max_seconds=2,
)
EPOCH_BATCHES = 9
TOLERANCE = 1e-5  # of a loss


@dataclass(frozen=True)
class ThirdEpoch:
    """The losses of the batches after two epochs, by the side that trained these and by the one
    that took its checkpoint."""

    name: str
    same_side: list[float]
    other_side: list[float]

    @property
    def passed(self) -> bool:
        pairs = zip(self.same_side, self.other_side, strict=True)
        return all(math.isclose(a, b, rel_tol=TOLERANCE) for a, b in pairs)

    def __str__(self) -> str:
        worst = max(abs(a - b) / a for a, b in zip(self.same_side, self.other_side, strict=True))
        state = "ok  " if self.passed else "FAIL"
        return f"{state} {self.name}: losses of the third epoch differ by {worst:.1e} at most"


def check_checkpoints(folder: Path) -> Iterator[ThirdEpoch]:
    theirs = train_original(folder / "original", epochs=2)
    yield ThirdEpoch(
        "GPT checkpoint of the original, by ours",
        train_original(folder / "original", epochs=3, checkpoint=theirs.checkpoint).last_epoch,
        train_ours(folder / "from_theirs", epochs=1, checkpoint=theirs.checkpoint).last_epoch,
    )
    ours = train_ours(folder / "ours", epochs=2)
    yield ThirdEpoch(
        "our GPT checkpoint, by the original",
        train_ours(folder / "resumed", epochs=1, checkpoint=ours.checkpoint).last_epoch,
        train_original(folder / "from_ours", epochs=3, checkpoint=ours.checkpoint).last_epoch,
    )


@dataclass(frozen=True)
class Trained:
    """`losses` of the batches of all epochs that were done, sums over positions."""

    losses: list[float]
    checkpoint: Path

    @property
    def last_epoch(self) -> list[float]:
        return self.losses[-EPOCH_BATCHES:]


def gpt_batches() -> list[GptBatch]:
    """Two items of one length each, so that their odd padding plays no part."""
    batches = []
    for number in range(EPOCH_BATCHES):
        batches.append(
            GptBatch(
                names=["a", "b"],
                phones=workloads.integers(f"phones{number}", 2, 6, high=TINY.phoneme_vocab_size),
                phone_lengths=torch.tensor([6, 6]),
                tokens=workloads.integers(f"tokens{number}", 2, 12, high=TINY.eos),
                token_lengths=torch.tensor([12, 12]),
                bert=workloads.uniform(f"bert{number}", 2, TINY.bert_dim, 6),
            )
        )
    return batches


def train_ours(folder: Path, *, epochs: int, checkpoint: Path | None = None) -> Trained:
    torch.manual_seed(0)
    model = Text2Semantic(TINY)
    optimizer = gpt_optimizer(model, GPT_RECIPE)
    done, steps = Position(), 0
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if checkpoint is not None:
        alone = folder / "taken"
        alone.mkdir()
        shutil.copy(checkpoint, alone)
        done, steps = load_gpt_checkpoint(alone, model, optimizer, epoch_batches=EPOCH_BATCHES)
    stepper = GptStepper(model, optimizer, GPT_RECIPE, steps_done=steps)
    losses: list[float] = []
    for _ in range(epochs):
        losses += [
            float(stepper.step(batch, index)["loss"]) * batch.tokens.shape[0] * 13
            for index, batch in enumerate(gpt_batches())
        ]
        done = replace(done, epoch=done.epoch + 1, step=done.step + EPOCH_BATCHES)
    files = gpt_checkpoint(
        model,
        optimizer,
        done,
        optimizer_steps=stepper.steps_done,
        next_rate=GPT_RECIPE.rate_at(stepper.steps_done),
    )
    for name, content in files.items():
        save_archive(folder / name, content)
    return Trained(losses, next(folder.glob("*.ckpt")))


def train_original(folder: Path, *, epochs: int, checkpoint: Path | None = None) -> Trained:
    """Up to `epochs` in all, from `checkpoint` where there is one."""
    import pytorch_lightning as lightning
    from AR.models.t2s_lightning_module import Text2SemanticLightningModule
    from pytorch_lightning.callbacks import ModelCheckpoint

    lightning.seed_everything(0)
    module = Text2SemanticLightningModule(_file_config(), folder)
    without_dropout(module)
    losses = _Losses()
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        devices=1,
        limit_val_batches=0,
        num_sanity_val_steps=0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        callbacks=[
            ModelCheckpoint(
                dirpath=folder / "ckpt",
                save_top_k=-1,
                monitor="top_3_acc",
                mode="max",
                save_on_train_epoch_end=True,
                every_n_epochs=1,
            ),
            losses.callback(lightning.Callback),
        ],
    )
    # Its own checkpoints hold a path, which newer versions read only when told so.
    loader = DataLoader([_as_theirs(batch) for batch in gpt_batches()], batch_size=None)
    trainer.fit(module, loader, ckpt_path=checkpoint, weights_only=False)
    newest = max((folder / "ckpt").glob("*.ckpt"), key=lambda path: path.stat().st_mtime_ns)
    return Trained(losses.values, newest)


class _Losses:
    """What its training loop logs at each batch."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def callback(self, base: Any) -> Any:
        values = self.values

        class Listener(base):  # type: ignore[misc]
            def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
                values.append(float(trainer.callback_metrics["total_loss_step"].detach()))

        return Listener()


def _as_theirs(batch: GptBatch) -> dict[str, torch.Tensor]:
    return {
        "phoneme_ids": batch.phones,
        "phoneme_ids_len": batch.phone_lengths,
        "semantic_ids": batch.tokens,
        "semantic_ids_len": batch.token_lengths,
        "bert_feature": batch.bert,
    }


def _file_config() -> dict[str, Any]:
    config = TINY.to_export()
    config["model"].pop("layer_dropout")
    config["train"] = {"if_dpo": False}
    config["optimizer"] = {
        "lr": 0.01,
        "lr_init": 1e-5,
        "lr_end": 1e-4,
        "warmup_steps": 2000,
        "decay_steps": 40000,
    }
    return config


def without_dropout(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
        if isinstance(getattr(part, "dropout", None), float):
            part.dropout = 0.0
