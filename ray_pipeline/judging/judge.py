"""Listens to the checkpoints of a training that has just ended, the most promising first, for as
long as there is time, and writes what it heard into the training's table."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ray_pipeline.audio.levels import rms, to_db
from ray_pipeline.audio.wav import to_int16, write_int16
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import BackendMissing, BadModelFile, PipelineError
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.selection import CER, LIKENESS, Checkpoint, Sample
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.training_table import TrainingTable, with_changed
from ray_pipeline.judging.character_errors import error_rate
from ray_pipeline.judging.ear import Ear
from ray_pipeline.judging.likeness import Likeness, likeness_to
from ray_pipeline.judging.mel_picture import write_mel_picture
from ray_pipeline.judging.recipe import JUDGING
from ray_pipeline.judging.samples import Say, Spoken, what_to_say
from ray_pipeline.training.plan import TrainingPlan
from ray_pipeline.voice.recording import SILENT_DBFS

_log = logging.getLogger(__name__)

FOLDER = "samples"
_LEAST_SECONDS = 0.2


def judge_training(
    context: StepContext,
    plan: TrainingPlan,
    seconds_training: float,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """The table of the training in `plan.settings.weights_folder` has the numbers then. Says in
    the log where there is nothing to listen to or with. Raises BackendMissing or BadModelFile
    where the models folder lacks what the base speaks with, or the chosen sound is damaged."""
    started, progress = clock(), context.progress
    folder = plan.settings.weights_folder
    table = TrainingTable.load(folder)
    waiting = [] if table is None else in_order(table.checkpoints)
    if table is None or not waiting:
        return
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    say = what_to_say(context, plan, device)
    if isinstance(say, str):
        progress.log(f"Nobody listened to the checkpoints: {say}.")
        return
    listener = _listener(context, plan, device)
    last, judged = 0.0, 0
    for checkpoint in waiting:
        if judged and clock() - started + last > JUDGING.share * seconds_training:
            break
        begun = clock()
        heard = _judge(checkpoint, say, listener, folder)
        table = with_changed(table, heard)
        table.save(folder)
        numbers = {f"judged/{name}": value for name, value in heard.judged.items()}
        if numbers:
            progress.metric(numbers, epoch=heard.epoch, step=heard.step)
        if heard.problem:
            progress.log(f"Epoch {heard.epoch} cannot be the voice: {heard.problem}")
        last, judged = clock() - begun, judged + 1
    progress.log(
        f"Listened to {judged} of {len(waiting)} checkpoints in {clock() - started:.0f} s "
        f"({listener.describe()})."
    )


def in_order(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Those that may be chosen and that nobody listened to: the least loss first, of what has no
    number the last."""
    waiting = [
        checkpoint
        for checkpoint in checkpoints
        if checkpoint.kept
        and checkpoint.candidate
        and not (checkpoint.judged or checkpoint.problem)
    ]

    def promise(checkpoint: Checkpoint) -> tuple[bool, float, int]:
        loss = checkpoint.loss
        return (loss is None, loss or 0.0, -checkpoint.epoch)

    return sorted(waiting, key=promise)[: JUDGING.most]


@dataclass(frozen=True)
class Listener:
    """Either is None where it cannot be had."""

    ear: Ear | None
    likeness: Likeness | None

    def describe(self) -> str:
        ear = f"recogniser {self.ear.version}" if self.ear else "no recogniser is here"
        return f"{ear}, likeness by {self.likeness.measure}" if self.likeness else ear

    def numbers(
        self, said: Sequence[Spoken], paths: Sequence[Path]
    ) -> tuple[dict[str, float], list[str | None]]:
        """And what was heard in each file."""
        heard: list[str | None] = [None] * len(said)
        if self.ear is not None:
            heard = self.ear.hear(paths, [one.language for one in said])
        pairs = [
            (one.text, text, one.language)
            for one, text in zip(said, heard, strict=True)
            if one.text and text is not None
        ]
        like = [value for one in said if (value := self._like(one)) is not None]
        numbers = {
            CER: error_rate(pairs),
            LIKENESS: float(np.mean(like)) if like else None,
            **_of_pieces(said),
        }
        return {name: value for name, value in numbers.items() if value is not None}, heard

    def _like(self, one: Spoken) -> float | None:
        return None if self.likeness is None else self.likeness.of(one.wav)


def _listener(context: StepContext, plan: TrainingPlan, device: torch.device) -> Listener:
    settings = plan.settings
    clips = sorted(settings.clip_names)
    clips = clips[:: max(1, len(clips) // JUDGING.compared_clips)][: JUDGING.compared_clips]
    base = base_model(context.config.base_model)
    likeness = likeness_to(base, context.models_dir, device, settings.experiment, clips)
    try:
        ear = Ear(
            context.models_dir,
            use_gpu=device.type == "cuda",
            num_threads=torch.get_num_threads(),
        )
    except BackendMissing:
        return Listener(None, likeness)
    return Listener(ear, likeness)


def _judge(checkpoint: Checkpoint, say: Say, listener: Listener, folder: Path) -> Checkpoint:
    """With its numbers, or with what is wrong with it."""
    try:
        said = say(folder / checkpoint.file)
    except BadModelFile as error:
        return replace(checkpoint, problem=error.message)
    except (PipelineError, torch.OutOfMemoryError):  # not the fault of the weights
        raise
    except Exception as error:  # what a network of not-numbers leads to differs by library
        _log.exception("a checkpoint could not speak")
        return replace(checkpoint, problem=f"It could not speak: {error}")
    problem = next((words for one in said if (words := _inaudible(one))), "")
    if problem or not said:
        return replace(checkpoint, problem=problem)
    files = [
        folder / FOLDER / f"{Path(checkpoint.file).stem}-{number}.wav"
        for number in range(1, len(said) + 1)
    ]
    longest = int(JUDGING.longest_seconds * SAMPLE_RATE)
    for one, path in zip(said, files, strict=True):
        write_int16(path, to_int16(one.wav[:longest]))
        write_mel_picture(path.with_suffix(".png"), one.wav[:longest])
    numbers, heard = listener.numbers(said, files)
    samples = [
        Sample(
            file=path.relative_to(folder).as_posix(),
            picture=path.with_suffix(".png").relative_to(folder).as_posix(),
            text=one.text,
            language=one.language,
            heard=text,
        )
        for one, path, text in zip(said, files, heard, strict=True)
    ]
    return replace(checkpoint, judged=numbers, samples=tuple(samples))


def _inaudible(one: Spoken) -> str:
    if not np.isfinite(one.wav).all():
        return "What it says are values that are not numbers."
    if len(one.wav) < _LEAST_SECONDS * SAMPLE_RATE:
        return "It says nothing."
    level = to_db(rms(one.wav))
    return f"It is silent ({level:.0f} dBFS)." if level < SILENT_DBFS else ""


def _of_pieces(said: Sequence[Spoken]) -> dict[str, float | None]:
    """`failed_pieces`: the share that repeated itself, found no end, or was too fast or too slow
    for all of its phones (`voice.checking`) the first time; `phones_per_second`."""
    pieces = [piece for one in said for piece in one.pieces]
    seconds = sum(piece.seconds for piece in pieces)
    if not seconds:
        return {}
    failed = sum(piece.attempts > 1 or bool(piece.problem) for piece in pieces)
    phones = sum(len(piece.phones) for piece in pieces)
    return {"failed_pieces": failed / len(pieces), "phones_per_second": phones / seconds}
