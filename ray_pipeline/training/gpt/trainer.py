"""The GPT training of one voice: what `TrainingRun` calls at each batch and each epoch's end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ray_pipeline.training.arithmetic import arithmetic_of, load_scaler
from ray_pipeline.training.batch import EpochSampler, TrainingData, WithoutClips
from ray_pipeline.training.checkpoints import Position
from ray_pipeline.training.gpt.checkpoint import gpt_checkpoint, load_gpt_checkpoint
from ray_pipeline.training.gpt.data import GptBatch, GptDataset, GptItem, collate_gpt
from ray_pipeline.training.gpt.evaluation import (
    NextToken,
    judge_guesses,
    token_perplexity,
    unigram_top3,
)
from ray_pipeline.training.gpt.settings import GptSettings, gpt_file_config
from ray_pipeline.training.gpt.setup import build_gpt, gpt_length, make_sampler
from ray_pipeline.training.gpt.step import GptStepper, gpt_optimizer
from ray_pipeline.training.healing import Care
from ray_pipeline.training.metrics import MetricsRecorder
from ray_pipeline.training.resuming import counted_here
from ray_pipeline.training.trainer import Iteration, Trainer
from ray_pipeline.training.training_run import TrainingRun
from ray_pipeline.training.worker import TrainWorker
from ray_pipeline.weights.files import save_gpt


def train_gpt(settings: GptSettings, worker: TrainWorker) -> None:
    """The whole training on one worker."""
    TrainingRun(settings, worker, partial(GptTrainer, settings, worker)).run()


class GptTrainer(Trainer[GptBatch]):
    metric_prefix = "gpt"
    watched = ("loss",)

    def __init__(
        self, settings: GptSettings, worker: TrainWorker, care: Care, folder: Path | None
    ) -> None:
        self._settings = settings
        self._device = worker.device
        self._arithmetic = arithmetic_of(worker.device, settings.recipe)
        sampler: EpochSampler = make_sampler(settings, worker)
        self._collate = partial(collate_gpt, eos=settings.model.eos)
        dataset = GptDataset(settings.experiment, settings.items)
        names = [item.name for item in settings.items]
        sampler = WithoutClips(sampler, names, care.set_aside)
        self._data = TrainingData(dataset, sampler, self._collate)
        self.length = gpt_length(settings, len(sampler))

        self._model = build_gpt(settings).to(worker.device)
        optimizer = gpt_optimizer(self._model, settings.recipe)
        self.resumed, optimizer_steps = Position(), 0
        if folder is not None:
            position, optimizer_steps = load_gpt_checkpoint(
                folder, self._model, optimizer, epoch_batches=len(sampler)
            )
            self.resumed = counted_here(folder, position, len(sampler), worker)
        self._stepper = GptStepper(
            worker.share_gradients(self._model),
            optimizer,
            settings.recipe,
            arithmetic=self._arithmetic,
            steps_done=optimizer_steps,
            care=care,
        )
        self._rate_factor = care.rate_factor

    def batches(self, epoch: int, skip: int = 0) -> Iterator[GptBatch]:
        return self._data.batches(epoch, self._device, skip)

    def learn(self, batch: GptBatch, iteration: Iteration) -> Mapping[str, Tensor]:
        return self._stepper.step(batch, iteration.index)

    @property
    def gradient_norms(self) -> Mapping[str, Tensor]:
        return self._stepper.gradient_norms

    @property
    def networks(self) -> Sequence[nn.Module]:
        return (self._model,)

    @property
    def learning_rate(self) -> float:
        return float(self._stepper.optimizer.param_groups[0]["lr"])

    def file_config(self) -> dict[str, Any]:
        return gpt_file_config(self._settings, self._arithmetic.precision)

    def validate(self) -> dict[str, float]:
        if not self._settings.held_out:
            return {}
        judged = self._judge(self._settings.held_out)
        return {"held_out_loss": judged.loss, "held_out_top3": judged.top3}

    def evaluate(self, metrics: MetricsRecorder) -> dict[str, float]:
        """How well the training data was learned by heart, what chance would give, and, where
        clips were held out, how it does on them."""
        settings = self._settings
        tokens = {item.name: item.tokens for item in settings.items}
        numbers = {
            "top3_training": self._judge(settings.items).top3,
            "top3_unigram": unigram_top3(tokens.values()),
            "token_perplexity": token_perplexity(tokens.values()),
        }
        if settings.held_out:
            numbers["top3_held_out"] = self._judge(settings.held_out).top3
            numbers["held_out_clips"] = len(settings.held_out)
        return numbers

    def _judge(self, items: Sequence[GptItem]) -> NextToken:
        """Without padding: each clip is a batch of its own."""
        distinct = list({item.name: item for item in items}.values())
        dataset = GptDataset(self._settings.experiment, distinct)
        batches = (self._collate([dataset[index]]) for index in range(len(distinct)))
        return judge_guesses(self._model, (batch.to(self._device) for batch in batches))

    def export(self, path: Path, position: Position) -> None:
        save_gpt(
            path,
            self._model.state_dict(),
            self.file_config(),
            f"GPT-e{position.epoch}",
            version=self._settings.version,
        )

    def checkpoint(self, position: Position) -> dict[str, Any]:
        return gpt_checkpoint(
            self._model,
            self._stepper.optimizer,
            position,
            optimizer_steps=self._stepper.steps_done,
            next_rate=self._settings.recipe.rate_at(self._stepper.steps_done) * self._rate_factor,
        )

    def loop_state(self) -> dict[str, Any]:
        """Gradients too: a step sums up those of several batches. The rate is that of the last
        step; in the original's file stands that of the next."""
        gradients = {
            name: parameter.grad
            for name, parameter in self._model.named_parameters()
            if parameter.grad is not None
        }
        scaler = self._stepper.scaler.state_dict()
        return {"gradients": gradients, "scaler": scaler, "rate": self.learning_rate}

    def load_loop_state(self, state: Mapping[str, Any]) -> None:
        for name, parameter in self._model.named_parameters():
            gradient = state["gradients"].get(name)
            parameter.grad = None if gradient is None else gradient.to(parameter.device)
        load_scaler(self._stepper.scaler, state["scaler"])
        for group in self._stepper.optimizer.param_groups:
            group["lr"] = state["rate"]
