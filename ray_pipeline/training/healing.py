"""What a training does about a step that went wrong, and remembers of it.

    not_a_number, explosion    back to the last checkpoint, and on with a lower rate; a clip whose
                               batch did it twice is set aside instead
    memory                     back to the last checkpoint, and on with half as many clips at a
                               time: gradients are summed up, so a step learns from as many as
                               before; a clip that is too much alone, twice, is set aside

What was decided lies in `healing.json` in the run's folder, so later attempts and the other
workers go by it too. The decisions are plain data and draw nothing at random.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal, Self

import torch
from torch import Tensor

from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.workspace import atomic_write
from ray_pipeline.training.faults import take_memory

Kind = Literal["not_a_number", "explosion", "memory"]

_FILE = "healing.json"


@dataclass(frozen=True, kw_only=True)
class HealingRecipe:
    """The original has no such thing, so all numbers are ours, and judgements rather than results
    of measuring. `explosion` is how many times the median of the last `recent` losses is one too
    many: a loss also jumps where a phase of a recipe begins, by less. Nothing is said before
    `fewest` of them are known. Halving the rate is what people do by hand; six times is a
    sixty-fourth, with which nothing would be learned."""

    explosion: float = 10.0
    recent: int = 50
    fewest: int = 20
    lower: float = 0.5
    most_incidents: int = 6


HEALING = HealingRecipe()


@dataclass(frozen=True)
class Incident:
    """A step that went wrong. `clips` are those that may be to blame; `together` says how many
    were learned from at a time."""

    kind: Kind
    epoch: int
    step: int
    clips: tuple[str, ...]
    together: int


class Trouble(Exception):
    """Ends the attempt at an epoch."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(f"{incident.kind} in step {incident.step}")
        self.incident = incident


@dataclass(frozen=True, kw_only=True)
class Care:
    """How a training goes on after its incidents: its rates times `rate_factor`, at most
    `at_a_time` clips in memory, without the clips in `set_aside`."""

    rate_factor: float = 1.0
    at_a_time: int | None = None
    set_aside: tuple[str, ...] = ()
    incidents: tuple[Incident, ...] = ()

    @classmethod
    def load(cls, run_folder: Path) -> Self:
        try:
            known: dict[str, Any] = json.loads((run_folder / _FILE).read_text("utf-8"))
        except FileNotFoundError:
            return cls()
        incidents = [
            Incident(**{**row, "clips": tuple(row["clips"])}) for row in known.pop("incidents")
        ]
        return cls(**{**known, "set_aside": tuple(known["set_aside"])}, incidents=tuple(incidents))

    def save(self, run_folder: Path) -> None:
        atomic_write(run_folder / _FILE, json.dumps(asdict(self), ensure_ascii=False), durable=True)

    def at_most(self, clips: int | None) -> Self:
        """With no more than so many in memory at a time; None: as many as before."""
        asked = [number for number in (self.at_a_time, clips) if number is not None]
        return replace(self, at_a_time=min(asked, default=None))

    def after(self, incident: Incident) -> tuple[Care, str]:
        """What changes, and a sentence for the user. Raises StepFailed when nothing helps."""
        told = replace(self, incidents=(*self.incidents, incident))
        where = f"in step {incident.step} (epoch {incident.epoch})"
        if len(told.incidents) > HEALING.most_incidents:
            raise _hopeless(incident, where)
        if incident.kind == "memory" and incident.together > 1:
            half = incident.together // 2
            return replace(told, at_a_time=half), (
                f"Memory ran out {where} with {incident.together} clips at a time. The training "
                f"goes on from its last checkpoint with {half} at a time; a step still learns "
                "from as many clips as before."
            )
        guilty = self._did_it_before(incident)
        if guilty:
            names = ", ".join(guilty)
            what = "Memory ran out" if incident.kind == "memory" else "The training broke"
            return replace(told, set_aside=(*self.set_aside, *guilty)), (
                f"{what} twice with {names}, the second time {where}: set aside. The training "
                "goes on from its last checkpoint."
            )
        if incident.kind == "memory":
            return told, (
                f"Memory ran out {where} with one clip alone, {', '.join(incident.clips)}. The "
                "training tries once more from its last checkpoint."
            )
        factor = self.rate_factor * HEALING.lower
        what = "were no numbers" if incident.kind == "not_a_number" else "exploded"
        return replace(told, rate_factor=factor), (
            f"The losses {what} {where}. The training goes on from its last checkpoint with "
            f"{factor:g} of its learning rate."
        )

    def remark(self) -> str | None:
        """What a user should know after the training."""
        if not self.incidents:
            return None
        done = [f"{self.rate_factor:g} of the learning rate"] if self.rate_factor < 1 else []
        done += [f"at most {self.at_a_time} clips at a time in memory"] if self.at_a_time else []
        done += [f"without {', '.join(self.set_aside)}"] if self.set_aside else []
        count = len(self.incidents)
        steps = "1 step went" if count == 1 else f"{count} steps went"
        return f"{steps} wrong; the training went on with {', '.join(done) or 'the same settings'}."

    def _did_it_before(self, incident: Incident) -> tuple[str, ...]:
        """The clips that took part in another incident of such a kind."""
        is_memory = incident.kind == "memory"
        before = {
            name
            for other in self.incidents
            if (other.kind == "memory") is is_memory and (not is_memory or other.together == 1)
            for name in other.clips
        }
        return tuple(name for name in incident.clips if name in before)


def _hopeless(incident: Incident, where: str) -> StepFailed:
    if incident.kind == "memory":
        return StepFailed(
            "The training ran out of memory.",
            hint="Lower batch_size, or slice_audio.max_seconds, and run the steps again.",
        )
    return StepFailed(
        f"The losses were no usable numbers for the {HEALING.most_incidents + 1}th time, {where}, "
        "although the learning rate was lowered.",
        hint="Look at the report on the recordings for damaged clips, exclude them, and run the "
        "step again.",
    )


class Watch:
    """Looks at the losses of each step."""

    def __init__(self, watched: Sequence[str]) -> None:
        """`watched` are the losses that may explode; none of any may be no number."""
        self._recent: dict[str, deque[float]] = {
            name: deque(maxlen=HEALING.recent) for name in watched
        }

    def look(self, losses: Mapping[str, Tensor]) -> Kind | None:
        values = torch.stack([loss.detach().float() for loss in losses.values()])
        numbers = dict(zip(losses, values.tolist(), strict=True))
        if not bool(values.isfinite().all()):
            return "not_a_number"
        for name, recent in self._recent.items():
            if name not in numbers:
                continue
            if len(recent) >= HEALING.fewest and numbers[name] > HEALING.explosion * median(recent):
                return "explosion"
            recent.append(numbers[name])
        return None


class ShortOfMemory(Exception):
    """`clips` are more than the device has memory for."""

    def __init__(self, clips: Sequence[str]) -> None:
        super().__init__(f"out of memory with {len(clips)} clip(s)")
        self.clips = tuple(clips)


@contextmanager
def learning_from(clips: Sequence[str]) -> Iterator[None]:
    """Raises ShortOfMemory when what is done inside asks for more than there is."""
    try:
        take_memory(clips)
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise ShortOfMemory(clips) from None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the system for its CPU, had no more to give."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    said = str(error).lower()
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(each in said for each in words)
