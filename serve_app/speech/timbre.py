"""How far a speech is, in timbre, from the recording that it imitates."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform

if TYPE_CHECKING:
    from ray_pipeline.quality.timbre import Middle

_log = logging.getLogger(__name__)

# More of a speech tells no more of its timbre.
TIMBRE_SECONDS = 10.0
# Of 10 ms with sound in them; the mean over fewer strays.
_FEWEST_FRAMES = 150


def timbre_distance(waves: Sequence[Waveform], recording: Path) -> float | None:
    """Of sound at 32 kHz; see `quality/timbre.py`. None where there is less than 1.5 s of speech,
    or the recording is not to be had."""
    from ray_pipeline.quality.timbre import timbre_of

    try:
        middle = _timbre_of_recording(recording)
    except Exception:  # of a file that somebody took away, say: a measure less, and no more
        _log.exception("the timbre of %s", recording)
        return None
    timbre = timbre_of(np.concatenate(waves), SAMPLE_RATE) if waves and middle else None
    if middle is None or timbre is None or timbre.num_frames < _FEWEST_FRAMES:
        return None
    return middle.distance(timbre)


@lru_cache(maxsize=256)
def _timbre_of_recording(path: Path) -> Middle | None:
    """Files of the library never change."""
    from ray_pipeline.audio.wav import read_mono
    from ray_pipeline.quality.timbre import middle_of, timbre_of

    timbre = timbre_of(*read_mono(path))
    return None if timbre is None else middle_of([timbre])
