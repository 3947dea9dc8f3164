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
        path, cost = warp(_distances(_normal(read), _normal(sound.mel)))
        phone_of_reading = np.repeat(np.arange(len(ids)), frames)
        phone = np.zeros(sound.num_tokens, dtype=np.int64)
        phone[path[:, 1]] = phone_of_reading[path[:, 0]]
        phone = np.maximum.accumulate(phone)  # steps of two leave frames out
        aligned = np.bincount(phone, minlength=len(ids)).astype(np.float64)
        found = settle_pauses(ids, whole_frames(aligned, sound.num_tokens), sound.mel)
        return Alignment(tokens_of(ids, found), cost)


def _distances(reading: NDArray[np.floating], recording: NDArray[np.floating]) -> Costs:
    """Euclidean, [R, T]."""
    from scipy.spatial.distance import cdist

    distances: Costs = cdist(reading, recording)
    return distances


def settle_pauses(ids: Ids, frames: Ids, mel: NDArray[np.floating]) -> Ids:
    """The frames [L] of phones [L], with the silence on either side of marks and edges given to
    them. Neither warping nor the teachers know well where a sound ends and a pause begins.

    `mel` is [2 T, 80]. A phone keeps a frame at least.
    """
    loudness = mel[: 2 * int(frames.sum())].reshape(-1, MELS_PER_TOKEN * mel.shape[1]).mean(axis=1)
    silent = loudness < loudness.max() - _SILENCE_BELOW_LOUDEST
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


def _normal(mel: NDArray[np.floating]) -> NDArray[np.floating]:
    """[2 T, 80] to [T, 80]."""
    whole = mel[: len(mel) // MELS_PER_TOKEN * MELS_PER_TOKEN]
    tokens = whole.reshape(-1, MELS_PER_TOKEN, mel.shape[1]).mean(axis=1)
    normal: NDArray[np.floating] = (tokens - tokens.mean(axis=0)) / (
        tokens.std(axis=0) + _LEAST_DEVIATION
    )
    return normal
