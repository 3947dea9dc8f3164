"""Cutting a recording into clips at its pauses: GPT-SoVITS's slicer, sample for sample.

The rule (audio-slicer by openvpi, as GPT-SoVITS uses it) walks over a curve of RMS values, a
frame every `hop` samples. A pause is a run of frames below a threshold; a clip ends at the
quietest frame of a pause that is long enough, once the clip is long enough. What is longer
than `max_silence_kept` inside a pause belongs to no clip.

Frames are counted in hops throughout; ranges of frames include both ends. Only the RMS curve
and one clip at a time are held in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ray_pipeline.audio.levels import FLOOR_DB, from_db
from ray_pipeline.audio.wav import Samples
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.hand_cuts import clip_name

_FRAMES_A_BLOCK = 4096
_THRESHOLD_SHARE = 0.35


class ReadRange(Protocol):
    """Gives the samples start…stop of a recording."""

    def __call__(self, start: int, stop: int, /) -> Waveform: ...


@dataclass(frozen=True, kw_only=True)
class SlicerSettings:
    """Times in milliseconds, `threshold_db` relative to full scale, for audio at `rate` Hz.

    A `threshold_db` of None finds one for each recording: see `auto_threshold_db`.
    `max_level` and `alpha` set the level of a clip: see `level_clip`.
    """

    threshold_db: float | None = -34
    min_length: int = 4000
    min_interval: int = 300
    hop_size: int = 10
    max_silence_kept: int = 500
    max_level: float = 0.9
    alpha: float = 0.25
    rate: int = SAMPLE_RATE

    @property
    def hop_samples(self) -> int:
        return round(self.rate * self.hop_size / 1000)

    @property
    def window_samples(self) -> int:
        return min(round(self.rate * self.min_interval / 1000), 4 * self.hop_samples)

    def level_db(self, curve: NDArray[np.float32]) -> float:
        """The threshold that was asked for, or the one found for `curve`."""
        return auto_threshold_db(curve) if self.threshold_db is None else self.threshold_db

    def threshold(self, curve: NDArray[np.float32]) -> float:
        """The amplitude below which a frame of `curve` is silent."""
        return from_db(self.level_db(curve))

    def frames(self, milliseconds: float) -> int:
        return round(self.rate * milliseconds / 1000 / self.hop_samples)


@dataclass(frozen=True)
class Slice:
    """`start` and `end` in samples of the source, as in the clip's file name.

    `end` is a whole number of hops, so the last clip's can lie up to one hop behind the end.
    `threshold_db` is the one by which its recording was cut, None where it was not.
    """

    start: int
    end: int
    samples: Samples
    threshold_db: float | None = None

    def file_name(self, source_name: str) -> str:
        return clip_name(source_name, self.start, self.end)


def slice_recording(
    read: ReadRange, num_samples: int, settings: SlicerSettings, *, max_seconds: float | None = None
) -> Iterator[Slice]:
    """The clips of a recording, in order; none when all of it is below the threshold.

    `max_seconds` splits a clip that is longer at its quietest frames; None leaves it, as the
    original does. Raises StepFailed for a file too short to have frames to look at.
    """
    if num_samples <= settings.frames(settings.min_length):
        raise StepFailed(
            f"The recording is too short to slice ({num_samples} samples).",
            hint="Upload a longer recording, or give it a transcript of its own.",
            reason="too_short_to_slice",
        )
    curve = rms_curve(read, num_samples, settings.hop_samples, settings.window_samples)
    level_db = settings.level_db(curve)
    ranges = find_ranges(curve, settings)
    if max_seconds is not None:
        most = settings.frames(max_seconds * 1000)
        ranges = [part for whole in ranges for part in split_range(curve, whole, most)]
    for first, last in ranges:
        start, end = first * settings.hop_samples, last * settings.hop_samples
        if start < min(end, num_samples):
            clip = cut_clip(read, num_samples, start, end, settings)
            yield replace(clip, threshold_db=level_db)


def trimmed_bounds(
    read: ReadRange, num_samples: int, settings: SlicerSettings, *, edge_db: float = -30
) -> tuple[int, int]:
    """The samples start…end of a recording without the silence at its two edges.

    Silence is what lies below the threshold and `edge_db` below the loudest frame, so quiet
    speech is not mistaken for it; `max_silence_kept` of it stays on either side.
    """
    hop = settings.hop_samples
    curve = rms_curve(read, num_samples, hop, settings.window_samples)
    threshold = min(settings.threshold(curve), float(curve.max()) * from_db(edge_db))
    loud = np.flatnonzero(curve >= threshold)
    kept = settings.frames(settings.max_silence_kept)
    first = max(0, int(loud[0]) - kept)
    last = min(-(-num_samples // hop), int(loud[-1]) + 1 + kept)
    return first * hop, last * hop


def cut_clip(
    read: ReadRange, num_samples: int, start: int, end: int, settings: SlicerSettings
) -> Slice:
    piece = read(start, min(end, num_samples))
    return Slice(start, end, level_clip(piece, settings.max_level, settings.alpha))


def rms_curve(
    read: ReadRange, num_samples: int, hop_samples: int, window_samples: int
) -> NDArray[np.float32]:
    """Root mean square of windows around every hop, with zeros before the start and after the
    end: `1 + (n + 2·(window // 2) - window) // hop` values."""
    half = window_samples // 2
    num_frames = 1 + max(0, num_samples + 2 * half - window_samples) // hop_samples
    curve = np.empty(num_frames, np.float32)
    for first in range(0, num_frames, _FRAMES_A_BLOCK):
        last = min(first + _FRAMES_A_BLOCK, num_frames)
        start = first * hop_samples - half
        stop = (last - 1) * hop_samples - half + window_samples
        power = np.square(_padded(read, num_samples, start, stop))
        windows = np.lib.stride_tricks.sliding_window_view(power, window_samples)[::hop_samples]
        curve[first:last] = np.sqrt(windows.mean(axis=1, dtype=np.float32))
    return curve


def _padded(read: ReadRange, num_samples: int, start: int, stop: int) -> Waveform:
    inside = read(max(start, 0), min(stop, num_samples))
    return np.pad(inside, (max(-start, 0), max(stop - num_samples, 0)))


def auto_threshold_db(curve: NDArray[np.float32]) -> float:
    """A threshold between a recording's noise and its speech, in dB of full scale.

    Taken at 35 % of the way from the 10th percentile of the levels to the 95th, in dB. On
    speech at a usual level it lies near the default of -34.
    """
    levels = 20 * np.log10(np.maximum(curve, from_db(FLOOR_DB)))
    noise, speech = np.percentile(levels, (10, 95))
    return float(noise + _THRESHOLD_SHARE * (speech - noise))


def find_ranges(curve: NDArray[np.float32], settings: SlicerSettings) -> list[tuple[int, int]]:
    """The clips as (first frame, frame after the last)."""
    removed = _removed_ranges(curve, settings)
    if not removed:
        return [(0, len(curve))]
    ranges = [] if removed[0][0] == 0 else [(0, removed[0][0])]
    ranges += [(left[1], right[0]) for left, right in pairwise(removed)]
    if removed[-1][1] < len(curve):
        ranges.append((removed[-1][1], len(curve)))
    return ranges


def _removed_ranges(curve: NDArray[np.float32], settings: SlicerSettings) -> list[tuple[int, int]]:
    """Where the recording is cut: each range of frames belongs to no clip."""
    kept = settings.frames(settings.max_silence_kept)
    shortest_pause = settings.frames(settings.min_interval)
    shortest_clip = settings.frames(settings.min_length)
    removed: list[tuple[int, int]] = []
    clip_start = 0
    for pause_start, pause_end, is_last in _pauses(curve < settings.threshold(curve)):
        length = pause_end - pause_start
        if is_last:
            if length >= shortest_pause:
                until = min(len(curve), pause_start + kept)
                removed.append((_quietest(curve, pause_start, until), len(curve) + 1))
            break
        leads = pause_start == 0 and pause_end > kept
        ends_clip = length >= shortest_pause and pause_end - clip_start >= shortest_clip
        if leads or ends_clip:
            removed.append(_cut(curve, pause_start, pause_end, kept))
            clip_start = removed[-1][1]
    return removed


def _pauses(silent: NDArray[np.bool_]) -> Iterator[tuple[int, int, bool]]:
    """Runs of silent frames as (first, the loud frame after it, whether the curve ends in it)."""
    edges = np.flatnonzero(np.diff(silent.astype(np.int8), prepend=0, append=0))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield start, end, end == len(silent)


def _quietest(curve: NDArray[np.float32], first: int, last: int) -> int:
    """The frame with the least RMS in first…last, the earliest of equals."""
    return first + int(curve[first : last + 1].argmin())


def _cut(curve: NDArray[np.float32], start: int, end: int, kept: int) -> tuple[int, int]:
    """The frames that go between two clips, for a pause start…end.

    A short pause is cut at one point. A long one keeps at most `kept` frames on each side, up
    to the quietest frame there; one of middle length minds its quietest middle as well.
    """
    if end - start <= kept:
        point = _quietest(curve, start, end)
        return (0, point) if start == 0 else (point, point)
    left = _quietest(curve, start, start + kept)
    right = _quietest(curve, end - kept, end)
    if end - start <= 2 * kept:
        middle = _quietest(curve, end - kept, start + kept)
        left, right = min(left, middle), max(right, middle)
        right = _quietest(curve, end - kept, end) if start == 0 else right
    return (0, right) if start == 0 else (left, right)


def split_range(
    curve: NDArray[np.float32], whole: tuple[int, int], max_frames: int
) -> list[tuple[int, int]]:
    """`whole` in parts of at most `max_frames`, each cut at the quietest frame of the second
    half of what a part may be."""
    first, last = whole
    parts = []
    while last - first > max_frames:
        point = _quietest(curve, first + max_frames // 2, first + max_frames)
        parts.append((first, point))
        first = point
    return [*parts, (first, last)]


def level_clip(piece: Waveform, max_level: float, alpha: float) -> Samples:
    """The clip as int16, a share `alpha` of it scaled to a peak of `max_level`.

    With a peak p of at most 1 the new peak is `max_level`·alpha + (1 - alpha)·p. A peak above 1
    is divided out twice in the first term, as in the original.
    """
    loudest = np.abs(piece).max(initial=0)
    if loudest == 0:
        return np.zeros(len(piece), np.int16)
    if loudest > 1:
        piece = piece / loudest
    levelled = piece / loudest * (max_level * alpha) + (1 - alpha) * piece
    return (levelled * 32767).astype(np.int16)
