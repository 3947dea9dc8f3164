"""Clips that hold the same recording, whatever was done to level, format or start.

Fingerprints after Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR
2002): 32 bits every 11.6 ms say in which of 33 bands the energy rises over its neighbour and
over time. Clips that share a few of them at one offset are laid over each other and compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import soxr
from numpy.typing import NDArray

from ray_pipeline.core.audio_format import Waveform

AudioFingerprint = NDArray[np.uint32]

_RATE, _WINDOW, _HOP = 5000, 2048, 58
_BANDS_HZ = np.geomspace(300, 2000, 34)
_MAX_ERRORS = 0.3  # share of different bits; unrelated sound has 0.5
_MIN_OVERLAP = 0.6  # of the shorter clip
_COMMON = 12  # a value that more frames than this share says nothing
_MIN_VOTES = 2


def audio_fingerprint(waveform: Waveform, rate: int) -> AudioFingerprint:
    """[frames] of 32 bits each; none for a clip under 0.42 s."""
    samples = soxr.resample(waveform, rate, _RATE)
    if len(samples) < _WINDOW + _HOP:
        return np.zeros(0, np.uint32)
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), axis=1)) ** 2
    edges = np.round(_BANDS_HZ * _WINDOW / _RATE).astype(int)
    bands = np.add.reduceat(power, edges, axis=1)[:, :33]
    slopes = np.diff(bands, axis=1)
    bits = np.diff(slopes, axis=0) > 0
    return np.packbits(bits, axis=1).view(">u4").astype(np.uint32).ravel()


def find_copies(fingerprints: Sequence[AudioFingerprint]) -> list[tuple[int, int]]:
    """Pairs (earlier, later) of indices whose clips are mostly the same recording."""
    votes: dict[tuple[int, int], Counter[int]] = {}
    for frames in _equal_frames(fingerprints):
        for (first, at), (second, then) in combinations(frames, 2):
            if first != second:
                votes.setdefault((first, second), Counter())[then - at] += 1
    pairs = []
    for (first, second), offsets in sorted(votes.items()):
        offset, count = offsets.most_common(1)[0]
        if count >= _MIN_VOTES and _is_copy(fingerprints[first], fingerprints[second], offset):
            pairs.append((first, second))
    return pairs


def _equal_frames(fingerprints: Sequence[AudioFingerprint]) -> list[list[tuple[int, int]]]:
    """Groups of (clip, frame) with the same 32 bits, in the order of the clips."""
    values = np.concatenate([*fingerprints, np.zeros(0, np.uint32)])
    clips = np.repeat(np.arange(len(fingerprints)), [len(item) for item in fingerprints])
    frames = np.concatenate([*(np.arange(len(item)) for item in fingerprints), np.zeros(0, int)])
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-1))
    groups = np.split(order, starts[1:])
    return [
        [(int(clips[at]), int(frames[at])) for at in group]
        for group in groups
        if 2 <= len(group) <= _COMMON and values[group[0]] not in (0, 0xFFFFFFFF)
    ]


def _is_copy(first: AudioFingerprint, second: AudioFingerprint, offset: int) -> bool:
    """Whether frame i of `first` is frame i + `offset` of `second`, for enough of them."""
    start, stop = max(0, -offset), min(len(first), len(second) - offset)
    if stop - start < _MIN_OVERLAP * min(len(first), len(second)):
        return False
    different = first[start:stop] ^ second[start + offset : stop + offset]
    errors = np.unpackbits(different.view(np.uint8)).mean()
    return bool(errors < _MAX_ERRORS)
