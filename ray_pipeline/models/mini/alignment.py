"""Which frame of a recording belongs to which phone: the base reads the text aloud, and its
reading is laid over the recording.

T tokens of the recording, R of the reading, L phones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ray_pipeline.models.mini.config import MELS_PER_TOKEN
from ray_pipeline.models.mini.durations import DurationModel
from ray_pipeline.models.mini.sound import Sound
from ray_pipeline.models.mini.synthesizer import MiniSynthesizer
from ray_pipeline.models.mini.tokens import EDGE, Ids, merged, tokens_of, whole_frames, with_edges
from ray_pipeline.models.mini.warping import Costs, warp
from ray_pipeline.text.symbols import MARKS, PAD, symbol_table

_LEAST_DEVIATION = 0.3
_SILENCE_BELOW_LOUDEST = 4.5  # nepers, 39 dB, of a frame's mean mel
# Of the way from the noise between the words to the loudest frame, where that lies higher.
_SILENCE_ABOVE_NOISE = 0.15
_NOISE_PERCENTILE = 5
_EDGE_FRAMES = 4  # of the silence at both ends, as the base's own clips have it
_PAUSES = np.array([symbol_table("v2")[name] for name in (*MARKS, PAD, EDGE)])


@dataclass(frozen=True)
class Alignment:
    """`tokens` [T] of the recording; `cost` is the mean distance of a frame from the reading: 3
    to 6 for clean speech, 7 and more where text and sound do not agree."""

    tokens: Ids
    cost: float


class Aligner:
    """Dynamic time warping (`warping.py`) of mel frames, each bin brought to
    mean 0 and deviation 1 over the clip, so that neither level nor microphone counts."""

    def __init__(self, durations: DurationModel, synthesizer: MiniSynthesizer) -> None:
        self._durations = durations
        self._synthesizer = synthesizer

    def __call__(self, phones: list[int], sound: Sound) -> Alignment:
        """`phones` as `phonemize` gives their ids. Raises ValueError where the recording has
        fewer frames than the text has phones."""
        ids, _ = merged(with_edges(phones), np.ones(len(phones) + 2))
        if sound.num_tokens < len(ids):
            raise ValueError(
                f"{len(ids)} phones cannot be said in {sound.num_tokens / 50:.1f} seconds"
            )
        speaker = torch.from_numpy(sound.speaker)
        frames = whole_frames(self._durations.frames(torch.from_numpy(ids), speaker).numpy())
        read = self._synthesizer.frames(tokens_of(ids, frames), speaker).mel[0].numpy()
        start, stop = _spoken(sound, least=len(ids))
        recorded = sound.mel[start * MELS_PER_TOKEN : stop * MELS_PER_TOKEN]
        path, cost = warp(_distances(_normal(read), _normal(recorded)))
        phone_of_reading = np.repeat(np.arange(len(ids)), frames)
        phone = np.zeros(sound.num_tokens, dtype=np.int64)
        phone[start + path[:, 1]] = phone_of_reading[path[:, 0]]
        phone = np.maximum.accumulate(phone)  # steps of two leave frames out
        phone[stop:] = len(ids) - 1
        aligned = np.bincount(phone, minlength=len(ids)).astype(np.float64)
        found = settle_pauses(ids, whole_frames(aligned, sound.num_tokens), sound)
        return Alignment(tokens_of(ids, found), cost)


def _distances(reading: NDArray[np.floating], recording: NDArray[np.floating]) -> Costs:
    """Euclidean, [R, T]."""
    from scipy.spatial.distance import cdist

    distances: Costs = cdist(reading, recording)
    return distances


def settle_pauses(ids: Ids, frames: Ids, sound: Sound) -> Ids:
    """The frames [L] of phones [L], with the silence on either side of marks and edges given to
    them. Neither warping nor the teachers know well where a sound ends and a pause begins.

    A phone keeps a frame at least.
    """
    silent = _silent(sound)
    ends = np.cumsum(frames)
    starts = ends - frames
    for index in np.flatnonzero(np.isin(ids, _PAUSES)):
        while index > 0 and starts[index] - 1 > starts[index - 1] and silent[starts[index] - 1]:
            starts[index] -= 1
            ends[index - 1] -= 1
        while index + 1 < len(ids) and ends[index] + 1 < ends[index + 1] and silent[ends[index]]:
            ends[index] += 1
            starts[index + 1] += 1
    return ends - starts


def _silent(sound: Sound) -> NDArray[np.bool_]:
    """[T]: which frames are no speech: they are quiet and without voice. A vowel such as u may
    be as quiet as the noise, for it fills few bins of the mel."""
    num_frames = sound.num_tokens * MELS_PER_TOKEN
    loudness = sound.mel[:num_frames].reshape(sound.num_tokens, -1).mean(axis=1)
    voiced = sound.pitch_hz[:num_frames].reshape(sound.num_tokens, -1).any(axis=1)
    loudest, noise = loudness.max(), np.percentile(loudness, _NOISE_PERCENTILE)
    threshold = noise + _SILENCE_ABOVE_NOISE * (loudest - noise)
    quiet = loudness < max(loudest - _SILENCE_BELOW_LOUDEST, threshold)
    silent: NDArray[np.bool_] = quiet & ~voiced
    return silent


def _spoken(sound: Sound, least: int) -> tuple[int, int]:
    """The first token of a recording that is to be laid out, and the one behind the last: what
    is spoken, with a little of the silence at its ends, `least` tokens in all. Long silence
    draws the phones beside it into it."""
    total = sound.num_tokens
    heard = np.flatnonzero(~_silent(sound))
    start, stop = max(0, heard[0] - _EDGE_FRAMES), min(total, heard[-1] + 1 + _EDGE_FRAMES)
    return (int(start), int(stop)) if stop - start >= least else (0, total)


def _normal(mel: NDArray[np.floating]) -> NDArray[np.floating]:
    """[2 T, 80] to [T, 80]."""
    whole = mel[: len(mel) // MELS_PER_TOKEN * MELS_PER_TOKEN]
    tokens = whole.reshape(-1, MELS_PER_TOKEN, mel.shape[1]).mean(axis=1)
    normal: NDArray[np.floating] = (tokens - tokens.mean(axis=0)) / (
        tokens.std(axis=0) + _LEAST_DEVIATION
    )
    return normal
