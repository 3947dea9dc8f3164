"""The eleven steps as one table, and what follows from it.

A row says what a step does, what it has to wait for, what one of its workers asks for, and
how large its share of the whole work is. Functions are named, not imported, so that reading
the table costs no torch and no Ray.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from ray_pipeline.core.errors import StepNotReady
from ray_pipeline.core.resources import ResourceRequest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import RunState, StepRun, TaskStatus
from ray_pipeline.core.upload_kinds import UploadKind, upload_kind


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One step.

    `needs` must be there before it starts; `uses` are taken along where they are there. Both
    make the step stale when they change. `uploads` are the kinds of uploaded files that it reads
    beside recordings. An `optional` step may be skipped without a trace.
    `weight` is its share of the task's progress. `spare_cpus` is what it needs beside its
    workers (readers, controllers), so that nothing starves while it runs. `trains` says that
    it uses Ray Train.
    """

    name: StepName
    function: str
    makes: tuple[str, ...]
    needs: tuple[StepName, ...] = ()
    uses: tuple[StepName, ...] = ()
    uploads: tuple[UploadKind, ...] = ()
    optional: bool = False
    resources: ResourceRequest
    spare_cpus: float = 0.0
    trains: bool = False
    weight: float = 1.0

    def load(self) -> Callable[..., Any]:
        """The step's `run(context, options)`; this import may be slow."""
        return load_name(self.function)


StepTable = Mapping[StepName, StepRow]

# What one worker asks for; half a CPU each keeps two tasks alive on two cores.
_HALF_A_CPU = ResourceRequest(cpus=0.5)
_GPU_SHARE = ResourceRequest(cpus=0.5, gpus=0.25)
_WHOLE_GPU = ResourceRequest(cpus=0.5, gpus=1.0)
_TRANSCRIPTS = (UploadKind.TRANSCRIPT, UploadKind.LIST)
_PRONUNCIATIONS = (UploadKind.PRONUNCIATIONS,)

# fmt: off
_ROWS = (
    StepRow(name=StepName.CONVERT_AUDIO,
            function="ray_pipeline.steps.convert_audio:run",
            makes=("converted_wav/",),
            resources=_HALF_A_CPU, weight=1),
    StepRow(name=StepName.SLICE_AUDIO,
            function="ray_pipeline.steps.slice_audio:run",
            needs=(StepName.CONVERT_AUDIO,), uploads=_TRANSCRIPTS, makes=("sliced/",),
            resources=_HALF_A_CPU, weight=1),
    StepRow(name=StepName.DENOISE_AUDIO,
            function="ray_pipeline.steps.denoise_audio:run",
            needs=(StepName.SLICE_AUDIO,), makes=("denoised/",), optional=True,
            resources=_GPU_SHARE, weight=4),
    StepRow(name=StepName.ASR_TRANSCRIBE,
            function="ray_pipeline.steps.asr_transcribe:run",
            needs=(StepName.SLICE_AUDIO,), uses=(StepName.DENOISE_AUDIO,),
            uploads=_TRANSCRIPTS, makes=("transcripts/",), resources=_GPU_SHARE, weight=6),
    StepRow(name=StepName.EXTRACT_TEXT_FEATURES,
            function="ray_pipeline.steps.extract_text_features:run",
            needs=(StepName.ASR_TRANSCRIBE,), uploads=_PRONUNCIATIONS,
            makes=("2-name2text.txt", "3-bert/"),
            resources=_GPU_SHARE, spare_cpus=1, weight=4),
    StepRow(name=StepName.EXTRACT_AUDIO_FEATURES,
            function="ray_pipeline.steps.extract_audio_features:run",
            needs=(StepName.ASR_TRANSCRIBE,), uses=(StepName.DENOISE_AUDIO,),
            makes=("4-cnhubert/", "5-wav32k/"),
            resources=_GPU_SHARE, spare_cpus=1, weight=4),
    StepRow(name=StepName.EXTRACT_SPEAKER_VECTORS,
            function="ray_pipeline.steps.extract_speaker_vectors:run",
            needs=(StepName.EXTRACT_AUDIO_FEATURES,), makes=("7-sv_cn/",),
            resources=_GPU_SHARE, spare_cpus=1, weight=3),
    StepRow(name=StepName.EXTRACT_SEMANTIC_FEATURES,
            function="ray_pipeline.steps.extract_semantic_features:run",
            needs=(StepName.EXTRACT_AUDIO_FEATURES,), makes=("6-name2semantic.tsv",),
            resources=_GPU_SHARE, spare_cpus=1, weight=4),
    StepRow(name=StepName.TRAIN_SOVITS,
            function="ray_pipeline.steps.train_sovits:run",
            needs=(StepName.EXTRACT_TEXT_FEATURES, StepName.EXTRACT_AUDIO_FEATURES,
                   StepName.EXTRACT_SPEAKER_VECTORS, StepName.EXTRACT_SEMANTIC_FEATURES),
            makes=("logs_s2_*/", "SoVITS_weights*/", "config_s2.json"),
            resources=_WHOLE_GPU, spare_cpus=0.5, trains=True, weight=45),
    StepRow(name=StepName.TRAIN_GPT,
            function="ray_pipeline.steps.train_gpt:run",
            needs=(StepName.EXTRACT_TEXT_FEATURES, StepName.EXTRACT_SEMANTIC_FEATURES),
            makes=("logs_s1_*/", "GPT_weights*/", "config_s1.yaml"),
            resources=_WHOLE_GPU, spare_cpus=0.5, trains=True, weight=25),
    StepRow(name=StepName.TEST_INFERENCE,
            function="ray_pipeline.steps.test_inference:run",
            needs=(StepName.TRAIN_SOVITS, StepName.TRAIN_GPT), uploads=_PRONUNCIATIONS,
            makes=("output/",), resources=_GPU_SHARE, weight=3),
)
# fmt: on

STEPS: StepTable = {row.name: row for row in _ROWS}


def load_name(name: str) -> Any:
    """The object behind `package.module:attribute`."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def applicable(
    steps: StepTable, *, speaker_vectors: bool, tokens_are_phones: bool = False
) -> StepTable:
    """The table for a base model: one without speaker vectors has no such step to wait for, and
    one whose semantic tokens are phones needs the text for them too."""
    table = dict(steps)
    if not speaker_vectors:
        table.pop(StepName.EXTRACT_SPEAKER_VECTORS, None)
    tokens = table.get(StepName.EXTRACT_SEMANTIC_FEATURES)
    if tokens_are_phones and tokens is not None:
        needs = (*tokens.needs, StepName.EXTRACT_TEXT_FEATURES)
        table[StepName.EXTRACT_SEMANTIC_FEATURES] = replace(tokens, needs=needs)
    return table


# -- what may run


def results(steps: StepTable, runs: Iterable[StepRun]) -> dict[StepName, StepRun]:
    """The run that each step's files come from; `runs` are in the order in which they began.

    That is its last completed run, also when a later one failed or was cancelled. Skipping
    an optional step counts as having dealt with it; skipping any other leaves nothing.
    """
    last: dict[StepName, StepRun] = {}
    for run in runs:
        skipped_well = run.state is RunState.SKIPPED and steps[run.step].optional
        if run.state is RunState.COMPLETED or skipped_well:
            last[run.step] = run
    return last


def is_done(result: StepRun | None) -> bool:
    """Whether a step's result is there and up to date."""
    return result is not None and not result.stale


def missing_needs(steps: StepTable, step: StepName, done: Collection[StepName]) -> list[StepName]:
    """The steps that have to run before `step`; `done` have a result or come earlier in its job.

    A result that is stale still counts: the files are there, and a user may well speak with
    a voice while newer recordings wait. `stale_needs` names them for a warning.
    """
    return [need for need in steps[step].needs if need in steps and need not in done]


def require_needs(steps: StepTable, step: StepName, done: Collection[StepName]) -> None:
    """Raises StepNotReady with `missing`."""
    missing = missing_needs(steps, step, done)
    if missing:
        names = ", ".join(missing)
        raise StepNotReady(
            f"{step} needs {names} first.",
            hint="Run what is missing, or POST …/run to run all that remains.",
            step=step.value,
            missing=[name.value for name in missing],
        )


def stale_needs(
    steps: StepTable, step: StepName, results: Mapping[StepName, StepRun]
) -> list[StepName]:
    row = steps[step]
    return [name for name in (*row.needs, *row.uses) if (run := results.get(name)) and run.stale]


def steps_between(
    steps: StepTable, first: StepName | None, last: StepName | None
) -> list[StepName]:
    """The rows from `first` to `last`, both included; None means the end of the table."""
    names = list(steps)
    start = names.index(first) if first else 0
    stop = names.index(last) if last else len(names) - 1
    return names[start : stop + 1]


def dependents(steps: StepTable, step: StepName) -> list[StepName]:
    """Every later step whose result rests on `step`, directly or not, in table order."""
    later: list[StepName] = []
    for name, row in steps.items():
        if any(need == step or need in later for need in (*row.needs, *row.uses)):
            later.append(name)
    return later


def readers_of(steps: StepTable, file_name: str) -> list[StepName]:
    """The steps that read an uploaded file: those that name its kind, else the first ones."""
    kind = upload_kind(PurePosixPath(file_name).name)
    by_kind = [name for name, row in steps.items() if kind in row.uploads]
    return by_kind or [name for name, row in steps.items() if not row.needs]


# -- what the task looks like from outside


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What a client sees of a task; derived from its runs, here and nowhere else."""

    status: TaskStatus
    current_step: StepName | None
    progress: float
    error_message: str | None


_STATUS_OF_RUN = {
    RunState.QUEUED: TaskStatus.QUEUED,
    RunState.RUNNING: TaskStatus.RUNNING,
    RunState.COMPLETED: TaskStatus.COMPLETED,
    RunState.SKIPPED: TaskStatus.COMPLETED,
    RunState.FAILED: TaskStatus.FAILED,
    RunState.CANCELLED: TaskStatus.CANCELLED,
    RunState.PAUSED: TaskStatus.PAUSED,
    # Only ever seen between a crash and the attempt that follows it.
    RunState.INTERRUPTED: TaskStatus.RUNNING,
}


# Whatever else of a job follows, the task is as its newest run is.
_SHOWN_AS_THEY_ARE = (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED)


def overview(
    steps: StepTable, latest: Iterable[StepRun], newest: StepRun | None, *, job_goes_on: bool
) -> Overview:
    """`newest` is the run that was touched last; `job_goes_on` says that more steps follow it."""
    if newest is None:
        return Overview(
            status=TaskStatus.CREATED, current_step=None, progress=0.0, error_message=None
        )
    status = _STATUS_OF_RUN[newest.state]
    if job_goes_on and newest.state not in _SHOWN_AS_THEY_ARE:
        status = TaskStatus.RUNNING
    message = (newest.error or {}).get("message") if status is TaskStatus.FAILED else None
    return Overview(
        status=status,
        current_step=newest.step,
        progress=percent_done(steps, latest),
        error_message=message,
    )


def percent_done(steps: StepTable, latest: Iterable[StepRun]) -> float:
    """0..100 over the table, by weight; a running step counts for the part it has done."""
    done = {run.step: _share(run) for run in latest}
    total = sum(row.weight for row in steps.values())
    part = sum(row.weight * done.get(name, 0.0) for name, row in steps.items())
    return round(100 * part / total, 2)


def _share(run: StepRun) -> float:
    return 1.0 if run.state.satisfies_needs else min(max(run.progress, 0.0), 1.0)
