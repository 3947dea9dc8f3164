"""The SoVITS training of one voice: what `TrainingRun` calls at each batch and each epoch's end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ray_pipeline.training.arithmetic import arithmetic_of, load_scaler
from ray_pipeline.training.batch import TrainingData, WithoutClips
from ray_pipeline.training.checkpoints import Position
from ray_pipeline.training.healing import Care, learning_from
from ray_pipeline.training.metrics import MetricsRecorder
from ray_pipeline.training.resuming import counted_here
from ray_pipeline.training.sovits.checkpoint import (
    load_sovits_checkpoint,
    sovits_checkpoint,
)
from ray_pipeline.training.sovits.data import (
    SovitsBatch,
    SovitsDataset,
    SovitsExample,
    collate_sovits,
)
from ray_pipeline.training.sovits.evaluation import (
    ENOUGH_TO_JUDGE,
    choose_reference,
    decode_error,
    judge_decoding,
)
from ray_pipeline.training.sovits.parts import step_in_parts
from ray_pipeline.training.sovits.settings import SovitsSettings, sovits_file_config
from ray_pipeline.training.sovits.setup import build_networks, make_sampler, sovits_length
from ray_pipeline.training.sovits.step import SovitsStepper, sovits_optimizers
from ray_pipeline.training.trainer import Iteration, Trainer
from ray_pipeline.training.training_run import TrainingRun
from ray_pipeline.training.worker import TrainWorker
from ray_pipeline.weights.files import save_sovits


def train_sovits(settings: SovitsSettings, worker: TrainWorker) -> None:
    """The whole training on one worker."""
    TrainingRun(settings, worker, partial(SovitsTrainer, settings, worker)).run()


class SovitsTrainer(Trainer[SovitsBatch]):
    metric_prefix = "sovits"
    watched = ("loss_mel",)

    def __init__(
        self, settings: SovitsSettings, worker: TrainWorker, care: Care, folder: Path | None
    ) -> None:
        self._settings = settings
        self._device = worker.device
        self._arithmetic = arithmetic_of(worker.device, settings.recipe)
        self._with_speaker = settings.model.speaker_dim is not None
        names = [item.name for item in settings.items]
        sampler = WithoutClips(make_sampler(settings, worker), names, care.set_aside)
        self._care = care
        self._dataset = SovitsDataset(
            settings.experiment, settings.items, with_speaker=self._with_speaker
        )
        self._data = TrainingData(self._dataset, sampler, collate_sovits)
        self._held_out = SovitsDataset(
            settings.experiment, settings.held_out, with_speaker=self._with_speaker
        )
        self.length = sovits_length(settings, len(sampler))

        generator, discriminator = build_networks(settings)
        self._networks = (generator.to(worker.device), discriminator.to(worker.device))
        self._optimizers = sovits_optimizers(*self._networks, settings.recipe)
        self.resumed = Position()
        if folder is not None:
            position = load_sovits_checkpoint(folder, self._networks, self._optimizers)
            self.resumed = counted_here(folder, position, self.length.epoch_steps, worker)
        self._stepper = SovitsStepper(
            worker.share_gradients(generator),
            worker.share_gradients(discriminator),
            self._optimizers,
            settings.recipe,
            text_rate=settings.text_rate if settings.recipe.slow_text else 1.0,
            arithmetic=self._arithmetic,
        )

    def batches(self, epoch: int, skip: int = 0) -> Iterator[SovitsBatch]:
        return self._data.batches(epoch, self._device, skip)

    def learn(self, batch: SovitsBatch, iteration: Iteration) -> Mapping[str, Tensor]:
        recipe, step, total = self._settings.recipe, iteration.number, iteration.total
        rate = recipe.rate_at(step, total, iteration.epoch) * self._care.rate_factor
        self._stepper.set_rate(rate)
        phase = recipe.phase_at(step, total)
        parts = batch.parts(self._care.at_a_time)
        if len(parts) == 1:
            with learning_from(batch.names):
                losses = self._stepper.step(batch, phase).losses
        else:
            losses = step_in_parts(self._stepper, parts, phase)
        return {f"loss_{name}": loss for name, loss in losses.items()}

    @property
    def gradient_norms(self) -> Mapping[str, Tensor]:
        return self._stepper.gradient_norms

    @property
    def networks(self) -> Sequence[nn.Module]:
        return self._networks

    @property
    def learning_rate(self) -> float:
        return float(self._optimizers[0].param_groups[0]["lr"])

    def file_config(self) -> dict[str, Any]:
        return sovits_file_config(self._settings, self._arithmetic.precision)

    def validate(self) -> dict[str, float]:
        """The error of the mel when the held-out clips' own tokens are spoken in the voice of a
        training clip: what somebody who speaks with these weights would hear."""
        if not self._settings.held_out:
            return {}
        reference = choose_reference(self._some_of_training())
        error = decode_error(self._networks[0], _all_of(self._held_out), reference)
        return {"held_out_mel": error}

    def evaluate(self, metrics: MetricsRecorder) -> dict[str, float]:
        """The mel error of the last steps and, where clips were held out, that on them."""
        settings = self._settings
        numbers = {"training_mel": metrics.recent_mean("loss_mel")}
        if not settings.held_out:
            return numbers
        untrained, _ = build_networks(settings)
        errors = judge_decoding(
            self._networks[0], untrained, _all_of(self._held_out), self._some_of_training()
        )
        return numbers | {
            "held_out_mel": errors.trained,
            "held_out_mel_untrained": errors.untrained,
            "held_out_mel_constant_frame": errors.constant_frame,
            "held_out_clips": errors.num_clips,
        }

    def _some_of_training(self) -> list[SovitsExample]:
        return _all_of(self._dataset, most=ENOUGH_TO_JUDGE)

    def export(self, path: Path, position: Position) -> None:
        save_sovits(
            path,
            self._networks[0].state_dict(),
            self.file_config(),
            f"{position.epoch}epoch_{position.step}iteration",
        )

    def may_be_chosen(self, position: Position) -> bool:
        """In the last phase only: the numbers of those before it are of another kind."""
        recipe, done = self._settings.recipe, position.step - 1
        return recipe.phase_at(done, self.length.total_steps) is recipe.phases[-1]

    def checkpoint(self, position: Position) -> dict[str, Any]:
        return sovits_checkpoint(
            self._networks,
            self._optimizers,
            position,
            learning_rate=self._settings.recipe.base_learning_rate,
        )

    def loop_state(self) -> dict[str, Any]:
        return {"scaler": self._stepper.scaler.state_dict()}

    def load_loop_state(self, state: Mapping[str, Any]) -> None:
        load_scaler(self._stepper.scaler, state["scaler"])


def _all_of(dataset: SovitsDataset, *, most: int | None = None) -> list[SovitsExample]:
    return [dataset[index] for index in range(min(len(dataset), most or len(dataset)))]
