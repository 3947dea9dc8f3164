"""Which recording a voice imitates when nobody chose one: the best clip of 3 to 10 s.

Where no clip has that length, short ones are joined (or one is repeated) and a long one is
shortened; that works less well, so it comes with a warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ray_pipeline.audio.wav import read_mono, to_int16, write_int16
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.speech import Reference
from ray_pipeline.models.encoders.content import to_rate
from ray_pipeline.voice.reference import MAX_SECONDS, MIN_SECONDS

_IDEAL_SECONDS = 6.0
_GAP_SECONDS = 0.2


@dataclass(frozen=True)
class Candidate:
    """A clip that may be the reference, with what is said in it. `trust` in the transcript runs
    from 0 to 1."""

    path: Path
    text: str
    language: str
    seconds: float
    trust: float = 0.5


@dataclass(frozen=True)
class Choice:
    """`clips` are what the reference was made of; `warning` is empty for a plain clip."""

    reference: Reference
    clips: list[Candidate]
    warning: str = ""


def choose(clips: Sequence[Candidate], made_path: Path) -> Choice:
    """The reference for a voice trained on `clips` (at least one). A recording that has to be
    made for it is written to `made_path`."""
    fitting = [clip for clip in clips if MIN_SECONDS <= clip.seconds <= MAX_SECONDS]
    if fitting:
        best = max(fitting, key=_merit)
        return Choice(Reference(best.path, best.text, best.language), [best])
    short = [clip for clip in clips if clip.seconds < MIN_SECONDS]
    if short:
        return _joined(short, made_path)
    return _shortened(max(clips, key=lambda clip: (-clip.seconds, clip.path.name)), made_path)


def _merit(clip: Candidate) -> tuple[float, float, str]:
    # The name decides between equals, so that the choice does not depend on the order.
    return round(clip.trust, 1), -abs(clip.seconds - _IDEAL_SECONDS), clip.path.name


def _joined(clips: Sequence[Candidate], made_path: Path) -> Choice:
    """As many of the best short clips of one language as make 3 s, going round if need be."""
    best = max(clips, key=lambda clip: (round(clip.trust, 1), clip.seconds, clip.path.name))
    same = [clip for clip in clips if clip.language == best.language]
    ordered = sorted(same, key=lambda clip: (-clip.seconds, clip.path.name))
    chosen: list[Candidate] = []
    seconds = 0.0
    while seconds < MIN_SECONDS:
        clip = ordered[len(chosen) % len(ordered)]
        chosen.append(clip)
        seconds += clip.seconds + _GAP_SECONDS
    gap = np.zeros(int(_GAP_SECONDS * SAMPLE_RATE), dtype=np.float32)
    parts = [part for clip in chosen for part in (_read(clip.path), gap)]
    write_int16(made_path, to_int16(np.concatenate(parts)))
    text = " ".join(clip.text for clip in chosen)
    names = ", ".join(dict.fromkeys(clip.path.name for clip in chosen))
    warning = (
        f"No clip is {MIN_SECONDS:.0f} to {MAX_SECONDS:.0f} s long, so the reference was joined "
        f"from {names}. A longer recording would serve better."
    )
    return Choice(Reference(made_path, text, best.language), chosen, warning)


def _shortened(clip: Candidate, made_path: Path) -> Choice:
    """The beginning of a long clip, without its text, which would no longer fit."""
    wav = _read(clip.path)[: int(MAX_SECONDS * SAMPLE_RATE)]
    write_int16(made_path, to_int16(wav))
    warning = (
        f"No clip is {MIN_SECONDS:.0f} to {MAX_SECONDS:.0f} s long, so the reference is the "
        f"beginning of {clip.path.name}, without its text. A shorter recording would serve better."
    )
    return Choice(Reference(made_path), [clip], warning)


def _read(path: Path) -> Waveform:
    return to_rate(*read_mono(path), SAMPLE_RATE)
