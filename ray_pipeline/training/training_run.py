"""One training on one worker, whatever the network: epochs of batches, and at the end of each
its numbers, an export and a checkpoint.

    Trainer (of a family)                   TrainingRun
      networks, optimisers, data              epochs, seeds, metrics, report
      learn a batch                     <──   each batch
      evaluate, export, save            <──   the end of an epoch, on the first worker

The other workers run the same beside it. What is drawn at random in an epoch follows from seed,
epoch and rank alone, so an epoch that is done again after an interruption repeats itself.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Generic

import torch

from ray_pipeline.core.workspace import remove_partials
from ray_pipeline.training.batch import AnyBatch
from ray_pipeline.training.checkpoints import Position
from ray_pipeline.training.config_files import write_config_file
from ray_pipeline.training.exports import Exports
from ray_pipeline.training.faults import spoil
from ray_pipeline.training.healing import (
    Care,
    Incident,
    Kind,
    ShortOfMemory,
    Trouble,
    Watch,
)
from ray_pipeline.training.metrics import MetricsRecorder
from ray_pipeline.training.resuming import LoopState, checkpoint_to_go_on_from
from ray_pipeline.training.settings import TrainingSettings
from ray_pipeline.training.trainer import Iteration, Trainer
from ray_pipeline.training.worker import TrainWorker, epoch_seed
from ray_pipeline.training.writing import CheckpointWriter


class TrainingRun(Generic[AnyBatch]):
    """`run` does what is left of the training of `settings` with a trainer that is ready."""

    def __init__(
        self,
        settings: TrainingSettings,
        worker: TrainWorker,
        make_trainer: Callable[[Care, Path | None], Trainer[AnyBatch]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._worker = worker
        self._make_trainer = make_trainer
        self._clock = clock
        self._writer = CheckpointWriter(settings, worker.run_folder, worker.num_workers)
        self._begin()

    def _begin(self) -> None:
        """From the latest checkpoint, or from the start."""
        self._care = Care.load(self._worker.run_folder).at_most(self._settings.micro_batch_size)
        folder = checkpoint_to_go_on_from(self._worker)
        self._trainer = self._make_trainer(self._care, folder)
        self._loop = None if folder is None else LoopState.load(folder)
        if self._loop is not None:
            self._trainer.load_loop_state(self._loop.trainer)
        self._saved = self._clock()
        self._watch = Watch(self._trainer.watched)
        run = self._worker.run_folder.name
        self._exports = Exports(self._settings, run, self._trainer.resumed)
        self._metrics = MetricsRecorder(
            self._worker,
            self._settings.progress,
            self._trainer.length,
            curves_folder=self._settings.curves_folder,
            prefix=self._trainer.metric_prefix,
            first_step=self._trainer.resumed.step,
            seconds=self._seconds_of_clips(),
        )

    def _seconds_of_clips(self) -> dict[str, float]:
        if not self._trainer.knows_its_clips:
            return {}
        return {item.name: item.seconds for item in self._settings.items}

    def run(self) -> None:
        """Raises StepFailed when a training cannot be healed."""
        try:
            self._run()
        finally:
            self._writer.close()

    def _run(self) -> None:
        if self._worker.rank == 0:
            remove_partials(self._settings.weights_folder)
            write_config_file(self._settings.config_path, self._trainer.file_config())
        while (incident := self._go_on()) is not None:
            self._go_back(incident)
        self._writer.wait()
        if self._worker.rank == 0:
            self._writer.link()  # also if an attempt was stopped at the last epoch's links
            self._exports.finish()
        self._metrics.close()

    def _go_on(self) -> Incident | None:
        """Until the end, or until something goes wrong."""
        try:
            for epoch in range(self._trainer.resumed.epoch + 1, self._trainer.length.epochs + 1):
                if self._trainer.finished:
                    break
                last: Sequence[str] = ()
                for index, batch in self._batches(epoch):
                    total = self._trainer.length.total_steps
                    self._learn(batch, Iteration(epoch, index, self._metrics.step, total))
                    last = batch.names
                    self._save_inside(epoch, index + 1, last)
                self._look_at_weights(epoch, last)
                self._finish_epoch(epoch)
        except Trouble as trouble:
            # Its traceback keeps the tensors of the step alive, so it has to go.
            return trouble.incident
        return None

    def _learn(self, batch: AnyBatch, iteration: Iteration) -> None:
        batch = spoil(batch)
        try:
            losses = self._trainer.learn(batch, iteration)
            kind = self._watch.look(losses)
        except ShortOfMemory as short:
            raise Trouble(_incident("memory", iteration, short.clips)) from None
        if kind is not None:
            to_blame = batch.names if self._trainer.knows_its_clips else ()
            raise Trouble(_incident(kind, iteration, batch.not_finite() or to_blame))
        self._metrics.add_batch(batch.names, {**losses, **self._trainer.gradient_norms})

    def _look_at_weights(self, epoch: int, clips: Sequence[str]) -> None:
        """A last step that spoilt them shows in no loss, and must not reach a checkpoint."""
        parameters = (p for network in self._trainer.networks for p in network.parameters())
        if not all(bool(parameter.isfinite().all()) for parameter in parameters):
            to_blame = clips if self._trainer.knows_its_clips else ()
            incident = Iteration(epoch, 0, self._metrics.step - 1, self._trainer.length.total_steps)
            raise Trouble(_incident("not_a_number", incident, to_blame))

    def _go_back(self, incident: Incident) -> None:
        """To the latest checkpoint. Several workers have to do so together, so they are started
        again."""
        self._care, sentence = self._care.after(incident)
        self._care.save(self._worker.run_folder)
        self._settings.progress.warn(sentence)
        if self._worker.num_workers > 1:
            raise RuntimeError(sentence)
        self._writer.wait()  # for the latest
        self._metrics.close()
        del self._trainer  # its networks, before others are made
        gc.collect()
        if self._worker.device.type == "cuda":
            torch.cuda.empty_cache()
        self._begin()

    def _batches(self, epoch: int) -> Iterator[tuple[int, AnyBatch]]:
        """Those that are left of an epoch, with their numbers in it, from 0."""
        loop = self._loop
        if loop is not None and (loop.epoch != epoch or loop.batches == 0):
            loop = None
        done = 0 if loop is None else loop.batches
        torch.manual_seed(epoch_seed(self._settings.seed, epoch, self._worker.rank) + done)
        self._metrics.start_epoch(epoch)
        if loop is not None:
            self._metrics.load_state_dict(loop.metrics)
        left = self._trainer.length.total_steps - self._metrics.step
        batches = islice(self._trainer.batches(epoch, done), left)
        for index, batch in enumerate(self._metrics.pace.timed(batches), done):
            # Not before the first was loaded: a loader draws a number when it starts. The other
            # workers' states are nowhere; theirs follow from the seed and the batch.
            if loop is not None and index == done and self._worker.rank == 0:
                loop.put_back_random(self._worker)
            yield index, batch

    def _save_inside(self, epoch: int, batches: int, clips: Sequence[str]) -> None:
        """A checkpoint in the middle of an epoch, when it is time for one."""
        self._writer.check()
        minutes = (self._clock() - self._saved) / 60
        if self._worker.rank != 0 or minutes < self._settings.checkpoint_minutes:
            return
        step, length = self._metrics.step, self._trainer.length
        if batches >= length.epoch_steps or step >= length.total_steps or self._trainer.finished:
            return  # that of the epoch follows at once
        self._look_at_weights(epoch, clips)
        files = self._files(Position(epoch - 1, step), epoch, batches)
        self._writer.inside(files, epoch=epoch, step=step)
        self._saved = self._clock()

    def _files(self, position: Position, epoch: int, batches: int) -> dict[str, Any]:
        """Of a checkpoint after so many batches of an epoch."""
        loop = LoopState.now(
            self._worker,
            epoch=epoch,
            batches=batches,
            trainer=self._trainer.loop_state(),
            metrics=self._metrics.state_dict(),
        )
        return {**self._trainer.checkpoint(position), **loop.files()}

    def _finish_epoch(self, epoch: int) -> None:
        """Every worker meets the others in `report`."""
        is_first = self._worker.rank == 0
        is_last = self._trainer.finished or epoch == self._trainer.length.epochs
        self._writer.wait()  # what is exported now may delete what was exported before
        validation = self._trainer.validate() if is_first else {}
        evaluation = self._trainer.evaluate(self._metrics) if is_first and is_last else {}
        rates = {"learning_rate": self._trainer.learning_rate}
        report = self._metrics.finish_epoch(rates, evaluation, validation)
        if not is_first:
            self._worker.report(report, None)
            return
        position = Position(epoch, report.step)
        if is_last or epoch % self._settings.save_every_epochs == 0:
            self._export(position, report.validation)
        files = self._files(position, epoch + 1, 0)
        self._worker.report(report, self._writer.of_epoch(files, epoch))
        self._saved = self._clock()
        self._writer.tidy()

    def _export(self, position: Position, validation: Mapping[str, float]) -> None:
        name = self._settings.export_name(position.epoch, position.step)
        path = self._settings.weights_folder / name
        self._trainer.export(path, position)
        candidate = self._trainer.may_be_chosen(position)
        self._exports.add(path, position, validation, candidate=candidate)


def _incident(kind: Kind, iteration: Iteration, clips: Sequence[str]) -> Incident:
    distinct = tuple(dict.fromkeys(clips))
    return Incident(kind, iteration.epoch, iteration.number + 1, distinct, len(clips))
