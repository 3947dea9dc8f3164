"""Numbers about one clip: loudness, clipping, noise, bandwidth, share of speech.

Waveforms are [N] float32 at 32 kHz, full scale at ±1. What each number means, where its limits
lie and how they were found: docs/design/data_quality.md.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray

from ray_pipeline.audio.levels import peak, to_db
from ray_pipeline.audio.voice_activity import speech_share
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.quality.report import Measures

_LOUDNESS_BLOCK_SECONDS = 0.4
_LEVEL_STEPS = 60
_FRAME = SAMPLE_RATE // 50
_NOISE_PERCENTILE, _SPEECH_PERCENTILE = 5, 60
_MAX_SNR_DB = 60.0
_WINDOW = 1024
_BANDS = 64
_BAND_FLOOR_DB = -60.0
_FAINT = 1e-12


def measure(waveform: Waveform) -> Measures:
    share = speech_share(waveform, SAMPLE_RATE)
    return Measures(
        lufs=_rounded(loudness_lufs(waveform), 1),
        peak_db=round(to_db(peak(waveform)), 1),
        clipped_share=round(clipped_share(waveform), 5),
        snr_db=_rounded(snr_db(waveform), 1),
        bandwidth_hz=bandwidth_hz(waveform),
        speech_share=_rounded(share, 3),
    )


def loudness_lufs(waveform: Waveform) -> float | None:
    """Integrated loudness by ITU-R BS.1770-4 (gated)."""
    import pyloudnorm

    if len(waveform) <= _LOUDNESS_BLOCK_SECONDS * SAMPLE_RATE:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loudness = float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(waveform))
    return loudness if math.isfinite(loudness) else None


def clipped_share(waveform: Waveform) -> float:
    """The share of samples that pile up at one level, as clipping leaves them.

    Fewer samples of speech lie at a level the higher it is. Clipping makes a hump where it cut,
    and the hump stays when the clip is made louder, quieter, or resampled (which rounds the
    flat tops beyond it). Measured: the largest excess of three neighbouring steps of level over
    the six below them.
    """
    loudest = peak(waveform)
    if loudest == 0:
        return 0.0
    counts, _ = np.histogram(np.abs(waveform), _LEVEL_STEPS, (0, loudest * 1.0001))
    shares = counts / len(waveform)
    sums = np.concatenate([[0.0], np.cumsum(shares)])
    middle = np.arange(_LEVEL_STEPS // 3, _LEVEL_STEPS - 1)
    here = sums[middle + 2] - sums[middle - 1]
    below = (sums[middle - 1] - sums[middle - 7]) / 2
    return max(0.0, float((here - below).max()))


def snr_db(waveform: Waveform) -> float | None:
    """Level of the louder frames over the level of the quietest ones, at most 60 dB.

    An estimate: it takes the pauses inside the clip for noise.
    """
    count = len(waveform) // _FRAME
    if count < 2 or peak(waveform) == 0:
        return None
    frames = waveform[: count * _FRAME].reshape(count, _FRAME).astype(np.float64)
    power = np.square(frames).mean(axis=1)
    noise = float(np.percentile(power, _NOISE_PERCENTILE))
    loud = float(power[power >= np.percentile(power, _SPEECH_PERCENTILE)].mean())
    ratio = max(loud - noise, _FAINT) / max(noise, _FAINT)
    return min(_MAX_SNR_DB, 10 * math.log10(ratio))


def bandwidth_hz(waveform: Waveform) -> int | None:
    """Where the sound ends: the top of the highest of 64 bands that is at most 60 dB weaker
    than the strongest one. Half the true sampling rate, for a recording that was upsampled."""
    spectrum = _mean_spectrum(waveform)
    if spectrum is None:
        return None
    bands = spectrum[1:].reshape(_BANDS, -1).mean(axis=1)
    audible = 10 * np.log10(np.maximum(bands / bands.max(), _FAINT)) >= _BAND_FLOOR_DB
    return int((np.flatnonzero(audible)[-1] + 1) * SAMPLE_RATE // 2 // _BANDS)


def _mean_spectrum(waveform: Waveform) -> NDArray[np.float64] | None:
    """[513] power over the frames with sound in them, None when there are none."""
    if len(waveform) < _WINDOW or peak(waveform) == 0:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(waveform, _WINDOW)[:: _WINDOW // 2]
    power = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), axis=1)) ** 2
    energy = power.sum(axis=1)
    return np.asarray(power[energy >= energy.max() * 1e-4].mean(axis=0))


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
