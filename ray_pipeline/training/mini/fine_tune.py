"""From the base to a user's voice: three trainings of some hundred steps, one after the other.

    durations   phones to durations       stage 1
    acoustic    tokens to mel and pitch   stage 2, first
    vocoder     mel to the waveform       stage 2, then: it also learns from what acoustic makes

Each is a `Tuning`: whoever runs it calls `step` until `finished`, saves `state_dict` when it
likes, and ends with `finish`. What is drawn at random in a step follows from seed, step and
worker, so that a training that goes on from a saved state ends with the same weights.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ray_pipeline.models.mini.acoustic import AcousticModel
from ray_pipeline.models.mini.durations import DurationModel
from ray_pipeline.models.mini.synthesizer import MiniSynthesizer
from ray_pipeline.models.mini.tokens import tokens_of
from ray_pipeline.training.mini.data import (
    MiniClip,
    acoustic_batch,
    duration_batch,
    vocoder_batch,
)
from ray_pipeline.training.mini.recipe import StageRecipe
from ray_pipeline.training.mini.step import (
    Stepper,
    acoustic_losses,
    duration_losses,
    optimizer_of,
    vocoder_losses,
)

Losses = Callable[[nn.Module, list[MiniClip], np.random.Generator], dict[str, Tensor]]
Share = Callable[[nn.Module], nn.Module]


@dataclass(frozen=True, kw_only=True)
class TuningData:
    """`clips` are the user's, `held_out` only judged by, `teachers` the base's own, which keep
    sounds alive that the user's clips lack. With `ends_early`, and where clips are held out, a
    training ends when they become no better. `rate_factor` lowers all rates."""

    clips: Sequence[MiniClip]
    held_out: Sequence[MiniClip]
    teachers: Sequence[MiniClip]
    seed: int
    worker: int = 0
    ends_early: bool = True
    rate_factor: float = 1.0


def one_alone(network: nn.Module) -> nn.Module:
    """What shares gradients where there is one worker."""
    return network


def tune_durations(
    model: DurationModel, data: TuningData, recipe: StageRecipe, share: Share = one_alone
) -> Tuning:
    padding = model.phones.padding

    def losses(network: nn.Module, clips: list[MiniClip], _: np.random.Generator) -> Any:
        return duration_losses(network, duration_batch(clips, padding).to(_device(model)))

    return Tuning(model, losses, data, recipe, share)


def tune_acoustic(
    model: AcousticModel, data: TuningData, recipe: StageRecipe, share: Share = one_alone
) -> Tuning:
    padding = model.phones.padding

    def losses(network: nn.Module, clips: list[MiniClip], _: np.random.Generator) -> Any:
        return acoustic_losses(network, acoustic_batch(clips, padding).to(_device(model)))

    return Tuning(model, losses, data, recipe, share)


def tune_vocoder(
    synthesizer: MiniSynthesizer,
    data: TuningData,
    recipe: StageRecipe,
    share: Share = one_alone,
) -> Tuning:
    """To be begun when the acoustic model is finished; it is not changed. `predicted_share` of
    the slices have its mel instead of the recording's."""
    device = _device(synthesizer)
    predicted = {clip.name: as_predicted(synthesizer, clip) for clip in data.clips}
    held_out = [as_predicted(synthesizer, clip) for clip in data.held_out]

    def losses(network: nn.Module, clips: list[MiniClip], rng: np.random.Generator) -> Any:
        chosen = [
            predicted.get(clip.name, clip) if rng.random() < recipe.predicted_share else clip
            for clip in clips
        ]
        noise = torch.Generator(device).manual_seed(int(rng.integers(2**31)))
        batch = vocoder_batch(chosen, recipe.slice_frames, rng).to(device)
        return vocoder_losses(network, batch, noise)

    data = replace(data, held_out=held_out, teachers=())
    return Tuning(synthesizer.vocoder, losses, data, recipe, share)


def as_predicted(synthesizer: MiniSynthesizer, clip: MiniClip) -> MiniClip:
    """The clip with the mel that the acoustic model makes of its tokens. The pitch stays that of
    the recording, whose periods the waveform has."""
    speaker = torch.from_numpy(clip.speaker).to(_device(synthesizer))
    made = synthesizer.frames(tokens_of(clip.ids, clip.frames), speaker)
    return replace(clip, mel=made.mel[0].float().cpu().numpy())


class Tuning:
    """One network on its way to a voice. `network` is trained in place."""

    def __init__(
        self,
        network: nn.Module,
        losses: Losses,
        data: TuningData,
        recipe: StageRecipe,
        share: Share,
    ) -> None:
        self.network = network
        self.total_steps = recipe.schedule.steps
        self._losses = losses
        self._data = data
        self._recipe = recipe
        self._shared = share(network)
        self._stepper = Stepper(
            network, optimizer_of(network, recipe), recipe, rate_factor=data.rate_factor
        )
        self._best: dict[str, Tensor] | None = None
        self._least = float("inf")
        self._without_better = 0

    @property
    def steps_done(self) -> int:
        return self._stepper.steps_done

    @property
    def finished(self) -> bool:
        """All steps are done, or the held-out clips have long not become better."""
        is_stuck = self._without_better >= self._recipe.patience
        return is_stuck or self.steps_done >= self.total_steps

    def step(self) -> dict[str, float]:
        """The losses of one step. Whenever the recipe says so, `held_out` is among them."""
        self.network.train()
        rng = np.random.default_rng([self._data.seed, self.steps_done, self._data.worker])
        numbers = self._stepper.step(self._losses(self._shared, self._draw(rng), rng))
        if self._data.held_out and self._data.ends_early and self._is_time_to_judge():
            numbers["held_out"] = self._compare()
        return numbers

    @torch.no_grad()
    def judge(self) -> float:
        """The sum of the losses on the held-out clips, of which there are some. Equal weights
        have equal losses."""
        self.network.eval()
        held_out = list(self._data.held_out)
        losses = self._losses(self.network, held_out, np.random.default_rng(0))
        return float(sum(loss.item() for loss in losses.values()))

    @property
    def least(self) -> float | None:
        """The least loss on the held-out clips, if they were judged on the way."""
        return None if self._best is None else self._least

    def finish(self) -> None:
        """Take the weights that were best on the held-out clips, if there are any."""
        if self._best is not None:
            self.network.load_state_dict(self._best)
        self.network.eval()

    def state_dict(self) -> dict[str, Any]:
        """Tensors and numbers only: `torch.load(weights_only=True)` reads it."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self._stepper.optimizer.state_dict(),
            "step": self.steps_done,
            "best": self._best,
            "least": self._least,
            "without_better": self._without_better,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self._stepper.optimizer.load_state_dict(state["optimizer"])
        self._stepper.steps_done = state["step"]
        self._best = state["best"]
        self._least = state["least"]
        self._without_better = state["without_better"]

    def _is_time_to_judge(self) -> bool:
        recipe = self._recipe
        is_late = self.steps_done >= recipe.least_steps
        return is_late and self.steps_done % recipe.judge_every == 0

    def _compare(self) -> float:
        """Judge, and keep the weights if they are the best so far."""
        total = self.judge()
        if total < self._least:
            self._least, self._without_better = total, 0
            self._best = copy.deepcopy(self.network.state_dict())
        else:
            self._without_better += 1
        return total

    def _draw(self, rng: np.random.Generator) -> list[MiniClip]:
        """`teacher_share` of the batch from the base's own clips."""
        teachers = self._data.teachers
        count = round(self._recipe.batch_size * self._recipe.teacher_share) if teachers else 0
        drawn = [teachers[index] for index in rng.integers(len(teachers), size=count)]
        clips = self._data.clips
        own = rng.integers(len(clips), size=self._recipe.batch_size - count)
        return drawn + [clips[index] for index in own]


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device
