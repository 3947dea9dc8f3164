"""Giving back what a denoiser took of the speech.

Networks take the echo of a room, and speech that is faint or unlike what they learnt from, for
noise. What is noise is heard in the pauses too: where more was taken than they hold, the rest
was speech.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from ray_pipeline.core.audio_format import Waveform

_WINDOW_SECONDS = 0.032
_QUIET_SHARE = 0.1  # of the frames, in each bin: pauses, and where the speech has no energy
# Noise of a steady level is exponentially distributed in each bin. This is the mean over the
# level that `_QUIET_SHARE` of the frames stay under.
_MEAN_OVER_QUIET = -1 / np.log1p(-_QUIET_SHARE)
_ROOM = 2.0  # over the mean, because noise is not that steady
_TINY = 1e-20


def keep_speech(cleaned: Waveform, noisy: Waveform, rate: int) -> Waveform:
    """[N] and [N] at `rate` Hz -> [N]: `cleaned`, with what is more than noise put back.

    The noise of a bin is the level of its quietest frames; up to twice that may be missing from
    `noisy`. A clip without pauses has a high estimate and is changed little.
    """
    size = max(4, 4 * round(_WINDOW_SECONDS * rate / 4))
    transform = signal.ShortTimeFFT(signal.windows.hann(size, sym=False), size // 4, rate)
    padding = max(0, size - len(noisy))
    heard = transform.stft(np.pad(noisy, (0, padding)))
    taken = heard - transform.stft(np.pad(cleaned, (0, padding)))
    share = np.sqrt(np.minimum(1, _ROOM * _noise(heard) / _smooth(taken)))
    kept = transform.istft(heard - share * taken, k1=len(noisy) + padding)
    return np.asarray(kept[: len(noisy)], np.float32)


def _noise(heard: NDArray[np.complexfloating[Any]]) -> NDArray[np.floating[Any]]:
    """[F, T] -> [F, 1]: the mean power of the noise. Frames of digital silence tell nothing."""
    power = np.abs(heard) ** 2
    sounding = power[:, power.sum(axis=0) > _TINY]
    if not sounding.size:
        return np.zeros((len(power), 1))
    quiet = np.quantile(sounding, _QUIET_SHARE, axis=1, keepdims=True)
    return np.asarray(quiet * _MEAN_OVER_QUIET)


def _smooth(taken: NDArray[np.complexfloating[Any]]) -> NDArray[np.floating[Any]]:
    """[F, T] -> [F, T]: power over three bins and three frames, never zero."""
    return np.maximum(ndimage.uniform_filter(np.abs(taken) ** 2, 3), _TINY)
