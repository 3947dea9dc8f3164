"""Work clip by clip: what there is to do, what does it, and what comes of it.

A function takes a clip, writes its files and says what it made. A clip that fails never takes its
neighbours along: the failure is its result. How the work is spread over a cluster is the business
of an executor (`ray_tasks`, `ray_data`); what is done again and what is kept, of the `engine`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ray_pipeline.core.errors import (
    BackendMissing,
    BadModelFile,
    PipelineError,
    StepFailed,
    StorageFull,
)
from ray_pipeline.core.resources import WorkerPlan

_log = logging.getLogger(__name__)

# What ends the step, since the next clip would meet it as well.
NO_CLIPS_FAULT = (BackendMissing, BadModelFile, StorageFull)


@dataclass(frozen=True)
class Clip:
    """A clip (or a whole recording) as a worker is given it.

    `path` is the file to read, absolute; `text` and `language` are its transcript, if that is
    needed, and `origin` names the file that the transcript came from.
    """

    name: str
    path: str = ""
    text: str = ""
    language: str = ""
    origin: str = ""


@dataclass(frozen=True)
class WorkItem:
    """A clip to do. `key` is the fingerprint of all that the result depends on; `sha256` is that
    of the file at the clip's path, empty where none is read."""

    clip: Clip
    key: str
    sha256: str = ""


@dataclass(frozen=True)
class Made:
    """One thing that came of a clip: its name in the manifest, its files (absolute) and facts as
    plain JSON. A recording that gives several clips names itself in `details["source"]`."""

    name: str
    details: dict[str, Any] = field(default_factory=dict)
    files: Sequence[Path] = ()


@dataclass(frozen=True)
class ClipResult:
    """What became of one clip: what was made of it, or the error that it failed with.

    `is_final` says that trying again gives the same; false for what the program did not expect.
    """

    name: str
    made: list[Made] = field(default_factory=list)
    error: PipelineError | None = None
    is_final: bool = True


# Writes a clip's files atomically. Raises PipelineError for a clip that cannot be used.
ClipFunction = Callable[[Clip], list[Made]]
# The same for several clips at once; answers for each, in order.
BatchFunction = Callable[[Sequence[Clip]], list[ClipResult]]
# Loads a function with its model, on a device, once a worker.
Build = Callable[[str], ClipFunction]


@dataclass(frozen=True)
class TokenWork:
    """How the clips of a base become semantic tokens: `build` makes `details["codes"]`, numbers
    with spaces between. `facts` go into the manifest, `summary` to the user; `doubtful` says why
    a clip's tokens are to be distrusted, or nothing."""

    items: Sequence[WorkItem]
    build: Build
    facts: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    doubtful: Callable[[dict[str, Any]], str] = lambda details: ""


class Executor(Protocol):
    """A way of spreading clips over the workers of a plan."""

    @property
    def plan(self) -> WorkerPlan: ...

    def results(self, clips: Sequence[Clip], name: str) -> Generator[ClipResult]:
        """One result a clip, in the order in which they are finished; closing it ends the work.
        `name` stands in the dashboard. May be called in any process connected to Ray, also in one
        without a CPU."""
        ...


def attempt(function: ClipFunction, clip: Clip) -> ClipResult:
    """The clip's result, whatever the function raises."""
    try:
        return ClipResult(clip.name, function(clip))
    except Exception as error:
        return failed(clip, error)


def attempt_each(function: ClipFunction, clips: Iterable[Clip]) -> list[ClipResult]:
    return [attempt(function, clip) for clip in clips]


def failed(clip: Clip, error: Exception) -> ClipResult:
    """The result of a clip whose work raised `error`."""
    known = error if isinstance(error, PipelineError) else StorageFull.of(error)
    if known is not None:
        # A back-end may be missing for the language of this clip only.
        if isinstance(known, BackendMissing) or not isinstance(known, NO_CLIPS_FAULT):
            known.clip = known.clip or clip.name
        return ClipResult(clip.name, error=known)
    _log.error("unexpected failure on %s", clip.name, exc_info=error)
    failure = StepFailed(
        f"{clip.name} failed unexpectedly: {type(error).__name__}: {error}",
        hint="Run the step again; the traceback is in the Ray logs of the worker.",
        clip=clip.name,
    )
    return ClipResult(clip.name, error=failure, is_final=False)
