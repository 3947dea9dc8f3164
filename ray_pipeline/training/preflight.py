"""Before a training begins: whether its batches fit into the memory there is, how many clips a
batch has where that was left to us (`batch_size: "auto"`), and which clips are too long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from ray_pipeline.core.workspace import atomic_write
from ray_pipeline.training.memory_model import Training
from ray_pipeline.training.settings import TrainingSettings

# Of what is free. The estimate is some tenths off, and other programs want some, too.
USABLE_SHARE = 0.8

_FILE = "preflight.json"
_MOST_NAMES = 5


@dataclass(frozen=True)
class Room:
    """What a worker has to itself. `half`: its GPU computes in 16 bits."""

    free_gb: float
    on_gpu: bool = False
    half: bool = False

    @property
    def usable_gb(self) -> float:
        return USABLE_SHARE * self.free_gb


@dataclass(frozen=True)
class LongClip:
    """One that is too long for the memory, alone."""

    clip: str
    seconds: float
    needed_gb: float


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """`batch_size` clips a step, of which at most `at_a_time` are in memory, are expected to take
    `peak_gb` when they are as long as the longest that fits; `usable_gb` is the share of the free
    memory that may be used, and `networks_gb` are taken without any clip. `fitting` is how many
    such clips fit at a time, `fitting_seconds` how long a clip may be that fits alone; 0: none
    does."""

    batch_size: int
    is_auto: bool
    at_a_time: int
    longest_seconds: float
    peak_gb: float
    networks_gb: float
    usable_gb: float
    fitting: int
    fitting_seconds: int
    too_long: tuple[LongClip, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """What an earlier attempt at the same training began with."""
        try:
            known: dict[str, Any] = json.loads((folder / _FILE).read_text("utf-8"))
        except FileNotFoundError:
            return None
        clips = tuple(LongClip(**row) for row in known.pop("too_long"))
        return cls(**known, too_long=clips)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / _FILE, json.dumps(self.as_dict(), ensure_ascii=False), durable=True)

    def describe(self) -> str:
        expected = (
            f"the longest clips ({self.longest_seconds:.0f} s) should take {self.peak_gb:.1f} GB "
            f"then, of {self.usable_gb:.1f} GB that may be used"
        )
        if self.is_auto:
            return f"batch_size auto: {self.batch_size} clips a batch; {expected}."
        return f"{self.batch_size} clips a batch: {expected}."

    def warnings(self) -> list[str]:
        warnings = []
        if self.fitting_seconds == 0:
            warnings.append(
                f"The networks alone should take {self.networks_gb:.1f} GB, of "
                f"{self.usable_gb:.1f} GB that may be used: the training may run out of memory."
            )
            return warnings
        if self.too_long:
            names = ", ".join(each.clip for each in self.too_long[:_MOST_NAMES])
            if (more := len(self.too_long) - _MOST_NAMES) > 0:
                names += f" and {more} more"
            worst = max(each.needed_gb for each in self.too_long)
            warnings.append(
                f"Too long for the memory here, as far as can be told before: {names}. Alone they "
                f"take up to {worst:.1f} GB, of {self.usable_gb:.1f} GB that may be used; clips of "
                f"{self.fitting_seconds} s fit. slice_audio.max_seconds makes shorter ones, "
                "if_grad_ckpt takes less memory."
            )
        if 0 < self.fitting < self.at_a_time:
            warnings.append(
                f"{self.at_a_time} clips at a time should take {self.peak_gb:.1f} GB, of "
                f"{self.usable_gb:.1f} GB that may be used: the training may run out of memory. "
                f"batch_size auto takes {self.fitting}."
            )
        return warnings


def look_ahead(
    training: Training,
    seconds: Mapping[str, float],
    room: Room,
    *,
    batch_size: int,
    is_auto: bool,
    micro_batch_size: int | None = None,
) -> Preflight:
    """`seconds` are the lengths of the clips by name. With `is_auto` at most `batch_size` clips,
    as many as fit; with `micro_batch_size` that many at a time are enough."""
    training = replace(
        training, on_gpu=room.on_gpu, half=room.half, data_seconds=sum(seconds.values())
    )
    usable = room.usable_gb
    too_long = tuple(
        LongClip(name, round(length, 1), round(needed, 2))
        for name, length in sorted(seconds.items(), key=lambda item: -item[1])
        if (needed := training.peak_gb(1, length)) > usable
    )
    left = set(seconds) - {each.clip for each in too_long}
    # Where none fits, as if those were the longest that could be hoped for.
    longest = max((seconds[name] for name in left), default=min(seconds.values(), default=0.0))
    fitting = training.most_clips(longest, usable)
    at_once = min(batch_size, micro_batch_size or batch_size)
    if is_auto and fitting < at_once:
        batch_size = at_once = max(1, fitting)
    return Preflight(
        batch_size=batch_size,
        is_auto=is_auto,
        at_a_time=at_once,
        longest_seconds=round(longest, 1),
        peak_gb=round(training.peak_gb(at_once, longest), 2),
        networks_gb=round(training.fixed_gb, 2),
        usable_gb=round(usable, 2),
        fitting=fitting,
        fitting_seconds=training.most_seconds(usable),
        too_long=too_long,
    )


def look_at_memory(settings: TrainingSettings, room: Room, run_folder: Path) -> Preflight:
    """Tells what is to be expected. A training that goes on keeps the batches it began with,
    however much is free now."""
    known = Preflight.load(run_folder)
    found = look_ahead(
        settings.memory,
        {item.name: item.seconds for item in settings.items},
        room,
        batch_size=settings.batch_size if known is None else known.batch_size,
        is_auto=settings.auto_batch and known is None,
        micro_batch_size=settings.micro_batch_size,
    )
    found = replace(found, is_auto=settings.auto_batch)
    if known is None:
        found.save(run_folder)
    settings.progress.log(found.describe())
    for warning in found.warnings():
        settings.progress.warn(warning)
    return found
