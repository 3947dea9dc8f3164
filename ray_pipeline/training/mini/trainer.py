"""mini's two trainings as `TrainingRun` runs them: parts one after the other, each a `Tuning`
that draws its own clips and may end before its last step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ray_pipeline.models.mini.config import LANGUAGES
from ray_pipeline.models.mini.files import (
    Base,
    load_base,
    save_durations,
    save_synthesizer,
    shipped_base,
)
from ray_pipeline.models.mini.voice import LANGUAGES_FACT
from ray_pipeline.training.batch import Batch
from ray_pipeline.training.checkpoints import Position, foreign_checkpoint
from ray_pipeline.training.healing import Care
from ray_pipeline.training.held_out import SEVERAL
from ray_pipeline.training.metrics import MetricsRecorder
from ray_pipeline.training.mini.checkpoint import load_mini_checkpoint, mini_checkpoint
from ray_pipeline.training.mini.fine_tune import (
    Tuning,
    TuningData,
    tune_acoustic,
    tune_durations,
    tune_vocoder,
)
from ray_pipeline.training.mini.items import load_clips, speaker_of
from ray_pipeline.training.mini.settings import (
    DurationSettings,
    MiniSettings,
    SynthesizerSettings,
    mini_file_config,
)
from ray_pipeline.training.mini.teachers import for_language, load_teachers, shipped_teachers
from ray_pipeline.training.recipe import TrainingLength
from ray_pipeline.training.trainer import Iteration, Trainer
from ray_pipeline.training.training_run import TrainingRun
from ray_pipeline.training.worker import TrainWorker


def train_durations(settings: DurationSettings, worker: TrainWorker) -> None:
    """The whole of stage 1 on one worker."""
    TrainingRun(settings, worker, partial(DurationTrainer, settings, worker)).run()


def train_synthesizer(settings: SynthesizerSettings, worker: TrainWorker) -> None:
    """The whole of stage 2 on one worker."""
    TrainingRun(settings, worker, partial(SynthesizerTrainer, settings, worker)).run()


class MiniTrainer(Trainer[Batch]):
    """Each worker keeps its own share of the clips; all know those that are held out."""

    metric_prefix = "mini"
    watched = ("durations", "mel", "spectrum")
    knows_its_clips = False
    needs_waves: bool
    part_names: tuple[str, ...]

    def __init__(
        self, settings: MiniSettings, worker: TrainWorker, care: Care, folder: Path | None
    ) -> None:
        self._settings = settings
        self._worker = worker
        steps, total = settings.epoch_steps, settings.total_steps
        self.length = TrainingLength(-(-total // steps), steps, total)
        self.base = _base(settings)
        self.base.durations.to(worker.device)
        self.base.synthesizer.to(worker.device)
        speaker = speaker_of(settings.experiment, (*settings.items, *settings.held_out))
        self.base.synthesizer.speaker.copy_(torch.from_numpy(speaker))

        by_length = sorted(settings.items, key=lambda item: (len(item.tokens), item.name))
        own = by_length[worker.rank :: worker.num_workers] or by_length[:1]
        self._names = [item.name for item in own]
        clips, held_out = (
            load_clips(settings.experiment, items, speaker, with_waves=self.needs_waves)
            for items in (own, settings.held_out)
        )
        self.clips = TuningData(
            clips=clips,
            held_out=held_out,
            teachers=_teachers(settings),
            seed=settings.seed,
            worker=worker.rank,
            # One odd clip shall not end a training.
            ends_early=len(held_out) >= SEVERAL,
            rate_factor=care.rate_factor,
        )
        self._parts: list[Tuning] = []
        self.resumed = self._resume(folder)

    @abstractmethod
    def begin(self, number: int) -> Tuning:
        """Part `number` of the training, at its first step. Those before it are finished."""

    def _resume(self, folder: Path | None) -> Position:
        if folder is None:
            self._begin_next()
            return Position()
        position, states = load_mini_checkpoint(folder)
        for state in states:
            self._begin_next()
            try:
                self._parts[-1].load_state_dict(state)
            except (RuntimeError, ValueError, KeyError) as error:
                raise foreign_checkpoint(folder) from error
        return position

    def _begin_next(self) -> None:
        if self._parts:
            self._parts[-1].finish()
        self._parts.append(self.begin(len(self._parts)))

    @property
    def finished(self) -> bool:
        is_last = len(self._parts) == len(self._settings.recipes)
        return is_last and self._parts[-1].finished

    def batches(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """What a step learns from follows from its number, so there is nothing to load."""
        for _ in range(self._settings.epoch_steps - skip):
            if self.finished:
                return
            yield Batch(self._names)

    def learn(self, batch: Batch, iteration: Iteration) -> Mapping[str, Tensor]:
        if self._parts[-1].finished:
            self._begin_next()
        losses = self._parts[-1].step()
        return {name: torch.tensor(value) for name, value in losses.items()}

    @property
    def networks(self) -> Sequence[nn.Module]:
        return (self._parts[-1].network,)

    @property
    def learning_rate(self) -> float:
        part = len(self._parts) - 1
        done = max(self._parts[part].steps_done - 1, 0)
        return self._settings.recipes[part].schedule.rate_at(done)

    def file_config(self) -> dict[str, Any]:
        return mini_file_config(self._settings, self.base.config)

    def validate(self) -> dict[str, float]:
        """The loss of the part that is being trained."""
        if not self._settings.held_out:
            return {}
        if self.finished:
            self._parts[-1].finish()
        return {f"held_out_{self.part_names[len(self._parts) - 1]}": self._parts[-1].judge()}

    def evaluate(self, metrics: MetricsRecorder) -> dict[str, float]:
        """The least loss of each part on the held-out clips, where there are any."""
        if not self._settings.held_out:
            return {}
        least = {
            f"held_out_{name}": part.judge() if part.least is None else part.least
            for name, part in zip(self.part_names, self._parts, strict=False)
        }
        return least | {"held_out_clips": len(self._settings.held_out)}

    def export(self, path: Path, position: Position) -> None:
        if self.finished:
            self._parts[-1].finish()
        facts = {"voice": self._settings.voice, "seed": str(self._settings.seed)}
        facts |= {"epoch": str(position.epoch), "step": str(position.step)}
        facts |= {LANGUAGES_FACT: " ".join(LANGUAGES)}
        path.parent.mkdir(parents=True, exist_ok=True)
        self.write(path, facts)

    @abstractmethod
    def write(self, path: Path, facts: dict[str, str]) -> None:
        """The file of this stage, with the speaker's vector."""

    def may_be_chosen(self, position: Position) -> bool:
        """In the last part only: until then a part of it has not begun."""
        return len(self._parts) == len(self._settings.recipes)

    def checkpoint(self, position: Position) -> dict[str, Any]:
        return mini_checkpoint([part.state_dict() for part in self._parts], position)


class DurationTrainer(MiniTrainer):
    needs_waves = False
    part_names = ("durations",)

    def begin(self, number: int) -> Tuning:
        [recipe] = self._settings.recipes
        return tune_durations(self.base.durations, self.clips, recipe, self._worker.share_gradients)

    def write(self, path: Path, facts: dict[str, str]) -> None:
        base = self.base
        save_durations(path, base.durations, base.synthesizer.speaker, base.config, facts)


class SynthesizerTrainer(MiniTrainer):
    needs_waves = True
    part_names = ("acoustic", "vocoder")

    def begin(self, number: int) -> Tuning:
        recipe, synthesizer = self._settings.recipes[number], self.base.synthesizer
        share = self._worker.share_gradients
        if number == 0:
            return tune_acoustic(synthesizer.acoustic, self.clips, recipe, share)
        return tune_vocoder(synthesizer, self.clips, recipe, share)

    def write(self, path: Path, facts: dict[str, str]) -> None:
        save_synthesizer(path, self.base.synthesizer, self.base.config, facts)


def _base(settings: MiniSettings) -> Base:
    return shipped_base() if settings.base is None else load_base(settings.base)


def _teachers(settings: MiniSettings) -> Any:
    path = settings.teachers
    teachers = shipped_teachers() if path is None else load_teachers(path)
    return for_language(teachers, settings.language)
