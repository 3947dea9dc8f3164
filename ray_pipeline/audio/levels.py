"""How loud a signal is. Levels are in dB relative to full scale (dBFS)."""

from __future__ import annotations

import math

import numpy as np

from ray_pipeline.core.audio_format import Waveform

FLOOR_DB = -120.0  # what silence is given instead of minus infinity


def to_db(amplitude: float) -> float:
    """20·log10 of an amplitude, not below -120."""
    return max(FLOOR_DB, 20 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DB


def from_db(level_db: float) -> float:
    return float(10 ** (level_db / 20))


def peak(waveform: Waveform) -> float:
    """The largest absolute value; 0 for an empty signal."""
    return float(np.abs(waveform).max(initial=0.0))


def rms(waveform: Waveform) -> float:
    """Root of the mean square; 0 for an empty signal."""
    if not waveform.size:
        return 0.0
    return math.sqrt(float(np.mean(np.square(waveform, dtype=np.float64))))


def si_sdr(estimate: Waveform, reference: Waveform) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019), [N] each.

    The estimate is compared with the multiple of the reference that fits it best, so a change
    of level costs nothing and a delay costs much.
    """
    target = np.asarray(reference, np.float64)
    heard = np.asarray(estimate, np.float64)
    target = target * (float(heard @ target) / float(target @ target))
    error = float(np.sum((heard - target) ** 2))
    return 10 * math.log10(float(np.sum(target**2)) / max(error, 1e-20))
