"""The GPT training of one voice, from its settings to exported weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader

from ray_pipeline.core.progress import Progress
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.models.gpt.config import GptConfig
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.training.checkpoints import (
    ResumedGpt,
    folder_of_epoch,
    link_checkpoints,
    load_gpt_checkpoint,
    prune_exports,
    save_gpt_checkpoint,
)
from ray_pipeline.training.evaluation import token_perplexity, top3_accuracy, unigram_top3
from ray_pipeline.training.gpt.data import GptBatch, GptDataset, GptItem, collate_gpt
from ray_pipeline.training.gpt.sampler import BucketOrderSampler
from ray_pipeline.training.gpt.step import GptStepper, gpt_optimizer
from ray_pipeline.training.metrics import Tally
from ray_pipeline.training.recipes import GptRecipe, TrainingLength, plan_length
from ray_pipeline.training.shared_sampler import ShareBatchSampler
from ray_pipeline.training.worker import EpochReport, TrainWorker, epoch_seed
from ray_pipeline.weights.files import load_gpt, load_matching, save_gpt

CHECKPOINT_PATTERNS = ("epoch=*.ckpt",)


@dataclass(frozen=True, kw_only=True)
class GptSettings:
    """All that a run depends on; paths are absolute.

    `items` are gone through as they stand; `held_out` are only judged by. `pretrained` is a
    stage-1 file. `file_config` goes into every export, named `<voice>-e<epoch>.ckpt`.
    """

    experiment: Experiment
    version: str
    model: GptConfig
    recipe: GptRecipe
    items: tuple[GptItem, ...]
    held_out: tuple[GptItem, ...] = ()
    batch_size: int
    epochs: int
    max_steps: int | None = None
    seed: int
    pretrained: Path | None = None
    voice: str
    weights_folder: Path
    checkpoint_links: Path
    curves_folder: Path
    save_every_epochs: int = 1
    keep_exports: int = 10
    file_config: dict[str, Any] = field(default_factory=dict)
    progress: Progress


def train_gpt(settings: GptSettings, worker: TrainWorker) -> None:
    """The whole training on one worker; the others run the same beside it."""
    run = GptRun(settings, worker)
    for epoch in run.epochs_left():
        for index, batch in enumerate(run.batches(epoch)):
            losses = run.stepper.step(batch, index)
            run.tally.add(batch.names, losses)
        run.report(epoch)
    run.tally.close()


class GptRun:
    """The state of a training on one worker: network, optimiser, data, notes."""

    def __init__(self, settings: GptSettings, worker: TrainWorker) -> None:
        self.settings = settings
        self.worker = worker
        self.model = build_gpt(settings).to(worker.device)
        optimizer = gpt_optimizer(self.model, settings.recipe)
        folder = worker.latest_checkpoint()
        resumed = ResumedGpt(0, 0, 0)
        if folder is not None:
            resumed = load_gpt_checkpoint(folder, self.model, optimizer)
        self._dataset = GptDataset(settings.experiment, settings.items)
        self._sampler = _Batches(settings, worker)
        self.length = gpt_length(settings, len(self._sampler.batches))
        self._last_epoch_done = resumed.epoch
        self.stepper = GptStepper(
            worker.share_gradients(self.model),
            optimizer,
            settings.recipe,
            half_precision=settings.recipe.half_precision and worker.device.type == "cuda",
            steps_done=resumed.optimizer_steps,
        )
        self.tally = Tally(
            worker,
            settings.progress,
            self.length,
            curves_folder=settings.curves_folder,
            prefix="gpt",
            first_step=resumed.step,
        )

    def epochs_left(self) -> range:
        return range(self._last_epoch_done + 1, self.length.epochs + 1)

    def batches(self, epoch: int) -> Iterator[GptBatch]:
        """The epoch's batches on this worker's device. All that is drawn at random until the
        next epoch follows from seed, epoch and rank."""
        torch.manual_seed(epoch_seed(self.settings.seed, epoch, self.worker.rank))
        self._sampler.set_epoch(epoch)
        self.tally.start_epoch(epoch)
        loader = self._loader(self._dataset, self._sampler.batches)
        for batch in islice(loader, self.length.total_steps - self.tally.step):
            yield batch.to(self.worker.device)

    def report(self, epoch: int) -> None:
        """Ends the epoch: export, checkpoint, numbers. Every worker meets the others here."""
        is_first, is_last = self.worker.rank == 0, epoch == self.length.epochs
        evaluation = self._evaluate() if is_first and is_last else {}
        rate = self.stepper.optimizer.param_groups[0]["lr"]
        report = self.tally.finish_epoch({"learning_rate": rate}, evaluation)
        if not is_first:
            self.worker.report(report, None)
            return
        if is_last or epoch % self.settings.save_every_epochs == 0:
            self._export(epoch)
        self.worker.report(report, self._save(report))
        link_checkpoints(
            self.worker.run_folder, self.settings.checkpoint_links, CHECKPOINT_PATTERNS
        )

    def _loader(self, dataset: GptDataset, batches: Any) -> DataLoader[Any]:
        return DataLoader(
            dataset,
            batch_sampler=batches,
            collate_fn=partial(collate_gpt, eos=self.settings.model.eos),
            num_workers=4 if self.worker.device.type == "cuda" else 0,
        )

    def _save(self, report: EpochReport) -> Path:
        folder = folder_of_epoch(self.worker.run_folder, report.epoch)
        save_gpt_checkpoint(
            folder,
            self.model,
            self.stepper.optimizer,
            epoch=report.epoch,
            step=report.step,
            optimizer_steps=self.stepper.steps_done,
        )
        return folder

    def _export(self, epoch: int) -> None:
        settings = self.settings
        save_gpt(
            settings.weights_folder / f"{settings.voice}-e{epoch}.ckpt",
            self.model.state_dict(),
            settings.file_config,
            f"GPT-e{epoch}",
            version=settings.version,
        )
        prune_exports(settings.weights_folder, f"{settings.voice}-e*.ckpt", settings.keep_exports)

    def _evaluate(self) -> dict[str, float]:
        """How well the training data was learned by heart, what chance would give, and, where
        clips were held out, how it does on them."""
        settings = self.settings
        tokens = {item.name: item.tokens for item in settings.items}
        numbers = {
            "top3_training": self._top3(settings.items),
            "top3_unigram": unigram_top3(tokens.values()),
            "token_perplexity": token_perplexity(tokens.values()),
        }
        if settings.held_out:
            numbers["top3_held_out"] = self._top3(settings.held_out)
            numbers["held_out_clips"] = len(settings.held_out)
        return numbers

    def _top3(self, items: tuple[GptItem, ...]) -> float:
        """Without padding: each clip is a batch of its own."""
        distinct = list({item.name: item for item in items}.values())
        dataset = GptDataset(self.settings.experiment, distinct)
        loader = self._loader(dataset, [[index] for index in range(len(distinct))])
        return top3_accuracy(self.model, (batch.to(self.worker.device) for batch in loader))


class _Batches:
    """The recipe's sampler as `batches` of indices; epochs count from 1."""

    def __init__(self, settings: GptSettings, worker: TrainWorker) -> None:
        recipe = settings.recipe
        seconds = [item.seconds for item in settings.items]
        place = {"num_replicas": worker.num_workers, "rank": worker.rank}
        self.batches: ShareBatchSampler | BatchSampler
        if recipe.own_shares:
            shares = ShareBatchSampler(
                seconds,
                settings.batch_size,
                seed=settings.seed,
                min_batches=recipe.min_epoch_steps,
                **place,
            )
            self.batches, self._set_epoch = shares, shares.set_epoch
        else:
            order = BucketOrderSampler(seconds, settings.batch_size, **place)
            self.batches = BatchSampler(order, settings.batch_size, drop_last=False)
            self._set_epoch = order.set_epoch

    def set_epoch(self, epoch: int) -> None:
        # The original counts this training's epochs from 0.
        self._set_epoch(epoch - 1)


def build_gpt(settings: GptSettings) -> Text2Semantic:
    """The network before the first step; the same on every worker and every attempt."""
    torch.manual_seed(settings.seed)
    model = Text2Semantic(settings.model)
    if settings.pretrained is not None:
        load_matching(model, load_gpt(settings.pretrained, settings.version).state_dict)
    return model


def gpt_length(settings: GptSettings, epoch_steps: int) -> TrainingLength:
    """In batches; `max_steps` counts steps of the optimiser."""
    every = settings.recipe.accumulate
    most = settings.max_steps
    return plan_length(
        settings.epochs,
        epoch_steps,
        min_steps=settings.recipe.min_steps,
        max_steps=None if most is None else most * every + (every > 1),
    )
