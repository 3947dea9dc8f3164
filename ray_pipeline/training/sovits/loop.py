"""The SoVITS training of one voice, from its settings to exported weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from ray_pipeline.training.checkpoints import (
    Resumed,
    folder_of_epoch,
    link_checkpoints,
    load_sovits_checkpoint,
    prune_exports,
    save_sovits_checkpoint,
)
from ray_pipeline.training.evaluation import judge_decoding
from ray_pipeline.training.metrics import Tally
from ray_pipeline.training.recipes import SovitsPhase
from ray_pipeline.training.sovits.data import (
    SovitsBatch,
    SovitsDataset,
    collate_sovits,
)
from ray_pipeline.training.sovits.setup import (
    SovitsSettings,
    build_networks,
    make_sampler,
    sovits_length,
)
from ray_pipeline.training.sovits.step import SovitsStepper, sovits_optimizers
from ray_pipeline.training.worker import EpochReport, TrainWorker, epoch_seed
from ray_pipeline.weights.files import save_sovits

CHECKPOINT_PATTERNS = ("G_*.pth", "D_*.pth")

_ENOUGH_TO_JUDGE = 50  # training clips that the mean frame is taken from


def train_sovits(settings: SovitsSettings, worker: TrainWorker) -> None:
    """The whole training on one worker; the others run the same beside it."""
    run = SovitsRun(settings, worker)
    for epoch in run.epochs_left():
        for batch in run.batches(epoch):
            phase = run.set_rate(epoch)
            result = run.stepper.step(batch, phase)
            run.tally.add(batch.names, {f"loss_{k}": v for k, v in result.losses.items()})
        run.report(epoch)
    run.tally.close()


class SovitsRun:
    """The state of a training on one worker: networks, optimisers, data, notes."""

    def __init__(self, settings: SovitsSettings, worker: TrainWorker) -> None:
        self.settings = settings
        self.worker = worker
        self.generator, self.discriminator = build_networks(settings)
        networks = (self.generator.to(worker.device), self.discriminator.to(worker.device))
        optimizers = sovits_optimizers(*networks, settings.recipe)
        resumed = self._resume(optimizers)
        self._dataset = SovitsDataset(
            settings.experiment, settings.items, with_speaker=self._with_speaker
        )
        self._sampler = make_sampler(settings, worker)
        self.length = sovits_length(settings, len(self._sampler))
        self._last_epoch_done = resumed.epoch
        self.stepper = SovitsStepper(
            worker.share_gradients(self.generator),
            worker.share_gradients(self.discriminator),
            optimizers,
            settings.recipe,
            text_rate=settings.text_rate if settings.recipe.slow_text else 1.0,
            half_precision=settings.recipe.half_precision and worker.device.type == "cuda",
        )
        self.tally = Tally(
            worker,
            settings.progress,
            self.length,
            curves_folder=settings.checkpoint_links,
            prefix="sovits",
            first_step=resumed.step,
        )

    def epochs_left(self) -> range:
        return range(self._last_epoch_done + 1, self.length.epochs + 1)

    def batches(self, epoch: int) -> Iterator[SovitsBatch]:
        """The epoch's batches on this worker's device. All that is drawn at random until the
        next epoch follows from seed, epoch and rank."""
        torch.manual_seed(epoch_seed(self.settings.seed, epoch, self.worker.rank))
        self._sampler.set_epoch(epoch)
        self.tally.start_epoch(epoch)
        loader = DataLoader(
            self._dataset,
            batch_sampler=self._sampler,
            collate_fn=collate_sovits,
            num_workers=4 if self.worker.device.type == "cuda" else 0,
        )
        for batch in islice(loader, self.length.total_steps - self.tally.step):
            yield batch.to(self.worker.device)

    def set_rate(self, epoch: int) -> SovitsPhase:
        """Sets the learning rates of the coming step; returns the phase it belongs to."""
        recipe = self.settings.recipe
        step, total_steps = self.tally.step, self.length.total_steps
        self.stepper.set_rate(recipe.rate_at(step, total_steps, epoch))
        return recipe.phase_at(step, total_steps)

    def report(self, epoch: int) -> None:
        """Ends the epoch: export, checkpoint, numbers. Every worker meets the others here."""
        is_first, is_last = self.worker.rank == 0, epoch == self.length.epochs
        evaluation = self._evaluate() if is_first and is_last else {}
        rate = self.stepper.generator_optimizer.param_groups[0]["lr"]
        report = self.tally.finish_epoch({"learning_rate": rate}, evaluation)
        if not is_first:
            self.worker.report(report, None)
            return
        if is_last or epoch % self.settings.save_every_epochs == 0:
            self._export(report)
        self.worker.report(report, self._save(report))
        link_checkpoints(
            self.worker.run_folder, self.settings.checkpoint_links, CHECKPOINT_PATTERNS
        )

    @property
    def _with_speaker(self) -> bool:
        return self.settings.model.speaker_dim is not None

    def _resume(self, optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer]) -> Resumed:
        folder = self.worker.latest_checkpoint()
        if folder is None:
            return Resumed(epoch=0, step=0)
        return load_sovits_checkpoint(folder, (self.generator, self.discriminator), optimizers)

    def _save(self, report: EpochReport) -> Path:
        folder = folder_of_epoch(self.worker.run_folder, report.epoch)
        save_sovits_checkpoint(
            folder,
            (self.generator, self.discriminator),
            (self.stepper.generator_optimizer, self.stepper.discriminator_optimizer),
            epoch=report.epoch,
            step=report.step,
            learning_rate=self.settings.recipe.base_learning_rate,
        )
        return folder

    def _export(self, report: EpochReport) -> None:
        settings = self.settings
        name = f"{settings.voice}_e{report.epoch}_s{report.step}.pth"
        save_sovits(
            settings.weights_folder / name,
            self.generator.state_dict(),
            settings.file_config,
            f"{report.epoch}epoch_{report.step}iteration",
        )
        pattern = f"{settings.voice}_e*_s*.pth"
        prune_exports(settings.weights_folder, pattern, settings.keep_exports)

    def _evaluate(self) -> dict[str, float]:
        """The mel error of the last steps and, where clips were held out, that on them."""
        settings = self.settings
        numbers = {"training_mel": self.tally.recent_mean("loss_mel")}
        if not settings.held_out:
            return numbers
        held_out = SovitsDataset(
            settings.experiment, settings.held_out, with_speaker=self._with_speaker
        )
        untrained, _ = build_networks(settings)
        errors = judge_decoding(
            copy.deepcopy(self.generator).cpu(),
            untrained,
            [held_out[index] for index in range(len(held_out))],
            [self._dataset[index] for index in range(min(len(self._dataset), _ENOUGH_TO_JUDGE))],
        )
        return numbers | {
            "held_out_mel": errors.trained,
            "held_out_mel_untrained": errors.untrained,
            "held_out_mel_constant_frame": errors.constant_frame,
            "held_out_clips": errors.num_clips,
        }
