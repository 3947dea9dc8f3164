"""How far the voice of each clip lies from the voice of the set, without any model.

A clip's timbre is the mean of its cepstra (MFCC without the level, up to 4 kHz, so that neither
loudness nor a lost upper band counts). Distances are Mahalanobis distances by the variation
inside clips, which is what different sounds of one voice do. It hears another speaker, and also
another room or microphone if they differ as much; it does not tell near voices apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import librosa
import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.fft import dct

from ray_pipeline.core.audio_format import Waveform

_RATE = 16_000
_MELS, _CEPSTRA, _TOP_HZ = 26, 20, 4000.0
_SOUND_SHARE = 1e-3  # of the loudest frame's energy
_MIN_FRAMES = 30
_FULL_TRUST_FRAMES = 150  # a mean over few frames strays; its distance is discounted
_SMOOTHING = 0.1
_CORE_SHARE = 0.6


@dataclass(frozen=True)
class Timbre:
    """`mean` [19], `covariance` [19, 19] of `num_frames` frames of 10 ms with sound."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    num_frames: int


def timbre_of(waveform: Waveform, rate: int) -> Timbre | None:
    """None for a clip with less than 0.3 s of sound."""
    samples = soxr.resample(waveform, rate, _RATE)
    if len(samples) < 512:
        return None
    power = np.abs(librosa.stft(samples, n_fft=512, hop_length=160, win_length=400)) ** 2
    energy = power.sum(axis=0)
    power = power[:, (energy > energy.max() * _SOUND_SHARE) & (energy > 0)]
    if power.shape[1] < _MIN_FRAMES:
        return None
    filters = librosa.filters.mel(sr=_RATE, n_fft=512, n_mels=_MELS, fmin=80, fmax=_TOP_HZ)
    mels = filters @ power
    cepstra = dct(np.log(mels + 1e-10 * mels.max()), axis=0, norm="ortho")[1:_CEPSTRA]
    return Timbre(cepstra.mean(axis=1), np.cov(cepstra), cepstra.shape[1])


def distances(timbres: Sequence[Timbre]) -> list[float]:
    """How far each clip is from the largest group of clips that are alike.

    The group is the 60 % nearest to the clip in the middle of all, so that a second speaker with
    up to 40 % of the clips does not move it. Under three clips nobody is the odd one: zeros.
    """
    if len(timbres) < 3:
        return [0.0] * len(timbres)
    means = np.stack([timbre.mean for timbre in timbres])
    precision = _precision(timbres)
    pairwise = np.stack([_mahalanobis(means, mean, precision) for mean in means])
    middle = int(np.median(pairwise, axis=1).argmin())
    core = np.argsort(pairwise[middle])[: max(2, int(_CORE_SHARE * len(means)))]
    frames = np.array([timbre.num_frames for timbre in timbres])
    trust = np.sqrt(frames / (frames + _FULL_TRUST_FRAMES))
    apart = _mahalanobis(means, means[core].mean(axis=0), precision) * trust
    return [float(value) for value in apart]


@dataclass(frozen=True)
class Middle:
    """The mean of the timbres of one speaker [19], and what their frames vary by [19, 19]."""

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]

    def distance(self, timbre: Timbre) -> float:
        return float(_mahalanobis(timbre.mean[None], self.mean, self.precision)[0])


def middle_of(timbres: Sequence[Timbre]) -> Middle:
    """Of at least one clip."""
    return Middle(np.mean([timbre.mean for timbre in timbres], axis=0), _precision(timbres))


def _precision(timbres: Sequence[Timbre]) -> NDArray[np.float64]:
    within = np.mean([timbre.covariance for timbre in timbres], axis=0)
    return np.asarray(np.linalg.inv(within + _SMOOTHING * np.eye(len(within))))


def _mahalanobis(
    points: NDArray[np.float64], centre: NDArray[np.float64], precision: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[N] distances of `points` [N, D]."""
    away = points - centre
    return np.asarray(np.sqrt(np.einsum("nd,de,ne->n", away, precision, away)))
