"""Steps 1 to 4 on a Ray cluster, and what they made of the recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any

from benchmarks.speech.corpus import Recording
from benchmarks.speech.errors import Errors, count, total
from benchmarks.speech.kept import (
    Marks,
    Span,
    by_faster_whisper,
    by_pysilero,
    inside,
    put_back,
    share,
)
from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.clip_audio import clip_audio
from ray_pipeline.core.options import TaskConfig, parse_options
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.pipeline import STEPS

FIRST_FOUR = (
    StepName.CONVERT_AUDIO,
    StepName.SLICE_AUDIO,
    StepName.DENOISE_AUDIO,
    StepName.ASR_TRANSCRIBE,
)


@dataclass(frozen=True)
class Clip:
    """One that step 4 gave a text; `path` is its sound as training gets it."""

    source: str
    span: Span
    path: Path
    text: str
    is_given: bool

    @property
    def seconds(self) -> float:
        return (self.span.end - self.span.start) / SAMPLE_RATE


@dataclass(frozen=True)
class Findings:
    """`kept` and `kept_by_other` are shares of the speech as two detectors mark it, `audible`
    the share that the other one still hears in the finished clips; `whole` counts recordings
    that are one clip. `errors` is None where every text was given."""

    speech_seconds: float
    kept: float
    kept_by_other: float
    audible: float
    clips: list[Clip]
    whole: int
    errors: Errors | None


def prepare(
    folder: Path,
    uploads: Sequence[Path],
    language: str,
    params: Mapping[str, Mapping[str, Any]],
    *,
    models_dir: Path,
) -> list[Clip]:
    """The clips of a new task in `folder`. Steps run on the cluster that is connected, with
    `params` by their names; one with `enabled: False` is left out."""
    workspace = Workspace(folder.resolve())
    workspace.create()
    for upload in uploads:
        copy(upload, workspace.input_audio)
    transcripts: list[Transcript] = []
    for step in FIRST_FOUR:
        options, _ = parse_options(step, dict(params.get(step.value, {})))
        if options.enabled:
            context = _context(workspace, step, language, models_dir)
            transcripts = STEPS[step].load()(context, options).transcripts or []
    texts = {row.clip: row for row in transcripts if row.include}
    return [
        Clip(
            clip.sliced.details["source"],
            Span(clip.sliced.details["start"], clip.sliced.details["end"]),
            workspace.root / clip.path,
            texts[clip.name].text,
            texts[clip.name].source == "user",
        )
        for clip in clip_audio(workspace)
        if clip.name in texts
    ]


def _context(workspace: Workspace, step: StepName, language: str, models_dir: Path) -> StepContext:
    import ray

    return StepContext(
        task_id="benchmark",
        run_id="benchmark",
        step=step,
        attempt=1,
        config=TaskConfig(language=language, exp_name="benchmark"),
        workspace=workspace,
        models_dir=models_dir,
        cluster=ClusterTotals(cpus=ray.cluster_resources()["CPU"]),
        progress=RecordingProgress(),
    )


def examine(recordings: Sequence[Recording], language: str, clips: list[Clip]) -> Findings:
    """Hold the clips of one task against what was uploaded."""
    by_source = {
        recording.path.name: sorted(
            (clip for clip in clips if clip.source == recording.path.name),
            key=lambda clip: clip.span.start,
        )
        for recording in recordings
    }
    first, second, audible = [], [], []
    for recording in recordings:
        own = by_source[recording.path.name]
        waveform, rate = read_mono(recording.path)
        marks = by_pysilero(waveform, rate)
        first.append((marks, _inside(own, marks)))
        marks = by_faster_whisper(waveform, rate)
        second.append((marks, _inside(own, marks)))
        rebuilt = _rebuilt(own, len(waveform) / rate)
        audible.append((marks, by_faster_whisper(rebuilt, SAMPLE_RATE)))
    return Findings(
        speech_seconds=sum(int(marks.sum()) for marks, _ in first) / 1000,
        kept=share(first),
        kept_by_other=share(second),
        audible=share(audible),
        clips=clips,
        whole=sum(len(own) == 1 for own in by_source.values()),
        errors=None
        if all(clip.is_given for clip in clips)
        else _errors(by_source, recordings, language),
    )


def _errors(
    by_source: Mapping[str, Sequence[Clip]], recordings: Sequence[Recording], language: str
) -> Errors:
    """Of the clips' texts in a row: where a sentence was cut does not count."""
    heard = {name: " ".join(clip.text for clip in own) for name, own in by_source.items()}
    return total(count(one.text, heard[one.path.name], language) for one in recordings)


def _inside(clips: Sequence[Clip], marks: Marks) -> Marks:
    return inside((clip.span for clip in clips), len(marks))


def _rebuilt(clips: Sequence[Clip], seconds: float) -> Waveform:
    return put_back(
        ((clip.span, read_mono(clip.path)[0]) for clip in clips), int(seconds * SAMPLE_RATE)
    )
