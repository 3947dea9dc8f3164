"""What runs in an actor of a feature step, and what goes in and out of it.

A clip that fails never takes its neighbours along: the failure is its result.
"""

from __future__ import annotations

import logging
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ray_pipeline.core.errors import PipelineError, StepFailed

_log = logging.getLogger(__name__)

Batch = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Clip:
    """`path` is the file to read, absolute; `text` and `language` its transcript, if needed."""

    name: str
    path: str = ""
    text: str = ""
    language: str = ""


@dataclass(frozen=True)
class ClipResult:
    """What became of one clip: facts for the manifest, or the error that it failed with.

    `is_final` says that trying again gives the same; false for what the program did not expect.
    """

    name: str
    details: dict[str, Any] = field(default_factory=dict)
    error: PipelineError | None = None
    is_final: bool = True


# Takes a clip, writes its files atomically, gives facts back as plain JSON. Raises PipelineError
# for a clip that cannot be used.
Extractor = Callable[[Clip], dict[str, Any]]


class ClipWorker:
    """Lives in a Ray Data actor: one extractor, loaded once, and a batch of clips at a time.

    `build(device)` loads the extractor; `num_threads` is what it may use of the CPUs.
    """

    def __init__(self, build: Callable[[str], Extractor], device: str, num_threads: int) -> None:
        self._extractor: Extractor | PipelineError
        try:
            self._extractor = build(device)
        except PipelineError as error:
            # Raised here, it would reach the step as a dead actor without a reason.
            self._extractor = error
        # Reading text takes no torch, and importing it costs a second or two.
        if "torch" in sys.modules:
            import torch

            torch.set_num_threads(num_threads)

    def __call__(self, batch: Mapping[str, NDArray[Any]]) -> Batch:
        results = [self._attempt(clip) for clip in clips_of(batch)]
        packed = np.empty(len(results), dtype=object)
        packed[:] = [pickle.dumps(result) for result in results]
        return {"result": packed}

    def _attempt(self, clip: Clip) -> ClipResult:
        try:
            if isinstance(self._extractor, PipelineError):
                raise self._extractor
            return ClipResult(clip.name, self._extractor(clip))
        except PipelineError as error:
            error.clip = error.clip or clip.name
            return ClipResult(clip.name, error=error)
        except Exception as error:
            _log.exception("unexpected failure on %s", clip.name)
            failure = StepFailed(
                f"{clip.name} failed unexpectedly: {type(error).__name__}: {error}",
                hint="Run the step again; the traceback is in the Ray logs of the worker.",
                clip=clip.name,
            )
            return ClipResult(clip.name, error=failure, is_final=False)


def clips_of(batch: Mapping[str, NDArray[Any]]) -> list[Clip]:
    """The rows of a Ray Data batch, a column a field."""
    rows = zip(*(values.tolist() for values in batch.values()), strict=True)
    return [Clip(**dict(zip(batch, row, strict=True))) for row in rows]


def results_of(batch: Mapping[str, NDArray[Any]]) -> list[ClipResult]:
    return [pickle.loads(packed) for packed in batch["result"].tolist()]
