"""Noise to hide speech in: [N] float32 at a rate, of any level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import soxr

from benchmarks.speech.corpus import Utterance
from ray_pipeline.audio.levels import rms
from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import Waveform

Noise = Callable[[int, int, np.random.Generator], Waveform]

MAINS_HZ = 50
_LOWEST_HZ = 20
_OVERTONES = 20
_VOICES = 6


def white(num_samples: int, rate: int, rng: np.random.Generator) -> Waveform:
    return rng.standard_normal(num_samples).astype(np.float32)


def pink(num_samples: int, rate: int, rng: np.random.Generator) -> Waveform:
    """Power falls with 1/f, from 20 Hz on."""
    spectrum = np.fft.rfft(rng.standard_normal(num_samples))
    hertz = np.fft.rfftfreq(num_samples, 1 / rate)
    shaped = np.where(hertz < _LOWEST_HZ, 0, spectrum / np.sqrt(np.maximum(hertz, _LOWEST_HZ)))
    return np.fft.irfft(shaped, num_samples).astype(np.float32)


def hum(num_samples: int, rate: int, rng: np.random.Generator) -> Waveform:
    """The mains with its overtones, each at half the power of the one below it."""
    time = np.arange(num_samples) / rate
    tones = [
        2 ** (-k / 2) * np.sin(2 * np.pi * (MAINS_HZ * (k + 1) * time + rng.random()))
        for k in range(_OVERTONES)
    ]
    return np.sum(tones, axis=0).astype(np.float32)


def babble(
    others: Sequence[Utterance], num_samples: int, rate: int, rng: np.random.Generator
) -> Waveform:
    """Six utterances at once, equally loud."""
    mixed = np.zeros(num_samples, np.float32)
    for index in rng.choice(len(others), _VOICES, replace=len(others) < _VOICES):
        waveform, own_rate = read_mono(others[index].path)
        voice = np.resize(soxr.resample(waveform, own_rate, rate), num_samples)
        mixed += np.roll(voice, rng.integers(num_samples)).astype(np.float32) / rms(voice)
    return mixed


def noises(others: Sequence[Utterance]) -> dict[str, Noise]:
    """All kinds; babble is made of `others`."""
    return {"white": white, "pink": pink, "hum": hum, "babble": partial(babble, others)}


def add(clean: Waveform, noise: Waveform, snr_db: float) -> Waveform:
    """[N] + [N], the noise `snr_db` below the speech."""
    return clean + noise * np.float32(rms(clean) / rms(noise) * 10 ** (-snr_db / 20))
