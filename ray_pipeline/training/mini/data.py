"""Clips and batches for mini's two trainings.

B batch, L phones, T tokens at 50 Hz, F = 2 T frames at 100 Hz, S frames of a slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ray_pipeline.models.mini.config import MEL_HOP, MELS_PER_TOKEN
from ray_pipeline.models.mini.sound import LOG_FLOOR, Sound
from ray_pipeline.models.mini.tokens import EDGE_ID, Ids, merged, places, runs

_LONGEST_EDGE = 8  # frames of 20 ms


@dataclass(frozen=True)
class MiniClip:
    """A clip as both trainings see it.

    `ids` [L] are its phones between two silences, no two neighbours equal, and `frames` [L]
    their tokens, which sum up to T; `mel` [F, 80] (half precision is enough), `pitch_hz` [F],
    `speaker` [162]. `wav` [320 F] at speech level is for the vocoder only; `top_hz` is where the
    recording ends, None where all that is heard, silence above included, shall be learned.
    `language` is known of the base's own clips only.
    """

    name: str
    ids: Ids
    frames: Ids
    mel: NDArray[np.floating]
    pitch_hz: NDArray[np.floating]
    speaker: NDArray[np.float32]
    wav: NDArray[np.float32] | NDArray[np.int16] | None = None
    top_hz: float | None = None
    language: str = ""

    @classmethod
    def of(cls, name: str, sound: Sound, tokens: Ids, speaker: NDArray[np.float32]) -> MiniClip:
        """A user's clip with its tokens [T] and the speaker vector of the voice. What the sound
        has more or less than the tokens, at most a few frames, is cut off; so is silence at both
        ends beyond that of the base's own clips, for a voice speaks between short ones."""
        num_tokens = min(len(tokens), sound.num_tokens)
        ids, frames = runs(tokens[:num_tokens])
        before, after = (
            max(0, int(frames[end]) - _LONGEST_EDGE) if ids[end] == EDGE_ID else 0
            for end in (0, -1)
        )
        frames[0] -= before
        frames[-1] -= after
        start, stop = before * MELS_PER_TOKEN, (num_tokens - after) * MELS_PER_TOKEN
        return cls(
            name,
            ids,
            frames,
            sound.mel[start:stop],
            sound.pitch_hz[start:stop],
            speaker,
            sound.wav[start * MEL_HOP : stop * MEL_HOP],
        )

    @property
    def seconds(self) -> float:
        return len(self.mel) / 100


@dataclass(frozen=True)
class DurationBatch:
    """phones [B, L], lengths [B], log_frames [B, L] (log(1 + frames), 0 behind the end), speaker
    [B, 162]."""

    names: list[str]
    phones: Tensor
    lengths: Tensor
    log_frames: Tensor
    speaker: Tensor

    def to(self, device: torch.device) -> DurationBatch:
        return _moved(self, device)


@dataclass(frozen=True)
class AcousticBatch:
    """phones [B, L], lengths [B], index [B, T], place [B, T, 3], speaker [B, 162]; mel
    [B, F, 80], pitch_hz [B, F], num_frames [B]."""

    names: list[str]
    phones: Tensor
    lengths: Tensor
    index: Tensor
    place: Tensor
    speaker: Tensor
    mel: Tensor
    pitch_hz: Tensor
    num_frames: Tensor

    def to(self, device: torch.device) -> AcousticBatch:
        return _moved(self, device)


@dataclass(frozen=True)
class VocoderBatch:
    """mel [B, S, 80], pitch_hz [B, S], wav [B, 320 S], top_hz [B]."""

    mel: Tensor
    pitch_hz: Tensor
    wav: Tensor
    top_hz: Tensor

    def to(self, device: torch.device) -> VocoderBatch:
        return _moved(self, device)


def _moved(batch: Any, device: torch.device) -> Any:
    tensors = {
        field.name: getattr(batch, field.name).to(device)
        for field in fields(batch)
        if isinstance(getattr(batch, field.name), Tensor)
    }
    return replace(batch, **tensors)


def duration_batch(clips: Sequence[MiniClip], padding: int) -> DurationBatch:
    """`padding` is the id behind the ends (`PhoneEncoder.padding`)."""
    logs = [torch.log1p(torch.from_numpy(clip.frames).float()) for clip in clips]
    return DurationBatch(
        [clip.name for clip in clips],
        *_phones(clips, padding),
        pad_sequence(logs, batch_first=True),
        _speakers(clips),
    )


def acoustic_batch(clips: Sequence[MiniClip], padding: int) -> AcousticBatch:
    """`padding` is the id behind the ends (`PhoneEncoder.padding`)."""
    placed = [places(clip.frames) for clip in clips]
    phones, lengths = _phones(clips, padding)
    mels = [torch.from_numpy(clip.mel.astype(np.float32)) for clip in clips]
    pitches = [torch.from_numpy(clip.pitch_hz.astype(np.float32)) for clip in clips]
    return AcousticBatch(
        [clip.name for clip in clips],
        phones,
        lengths,
        pad_sequence([torch.from_numpy(index) for index, _ in placed], batch_first=True),
        pad_sequence([torch.from_numpy(place) for _, place in placed], batch_first=True),
        _speakers(clips),
        pad_sequence(mels, batch_first=True, padding_value=LOG_FLOOR),
        pad_sequence(pitches, batch_first=True),
        torch.tensor([len(clip.mel) for clip in clips]),
    )


def _phones(clips: Sequence[MiniClip], padding: int) -> tuple[Tensor, Tensor]:
    ids = [torch.from_numpy(clip.ids) for clip in clips]
    lengths = torch.tensor([len(clip.ids) for clip in clips])
    return pad_sequence(ids, batch_first=True, padding_value=padding), lengths


def _speakers(clips: Sequence[MiniClip]) -> Tensor:
    return torch.from_numpy(np.stack([clip.speaker for clip in clips]).astype(np.float32))


def vocoder_batch(
    clips: Sequence[MiniClip], slice_frames: int, rng: np.random.Generator
) -> VocoderBatch:
    """A slice of each clip, which must have its waveform. Shorter clips get silence behind."""
    mels, pitches, wavs = [], [], []
    for clip in clips:
        assert clip.wav is not None
        start = int(rng.integers(max(1, len(clip.mel) - slice_frames + 1)))
        end = start + slice_frames
        missing = max(0, end - len(clip.mel))
        mel = clip.mel[start:end].astype(np.float32)
        mels.append(np.pad(mel, ((0, missing), (0, 0)), constant_values=LOG_FLOOR))
        pitches.append(np.pad(clip.pitch_hz[start:end].astype(np.float32), (0, missing)))
        wav = as_float(clip.wav[start * MEL_HOP : end * MEL_HOP])
        wavs.append(np.pad(wav, (0, slice_frames * MEL_HOP - len(wav))))
    tops = [clip.top_hz or np.inf for clip in clips]
    return VocoderBatch(
        torch.from_numpy(np.stack(mels)),
        torch.from_numpy(np.stack(pitches)),
        torch.from_numpy(np.stack(wavs)),
        torch.tensor(tops, dtype=torch.float32),
    )


# Waveforms at speech level may pass 1, so 16 bits hold a quarter of them.
_INT16_SCALE = 8192


def as_int16(wav: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.clip(np.rint(wav * _INT16_SCALE), -32768, 32767).astype(np.int16)


def as_float(wav: NDArray[np.float32] | NDArray[np.int16]) -> NDArray[np.float32]:
    return wav.astype(np.float32) / np.float32(_INT16_SCALE if wav.dtype == np.int16 else 1)


def merged_clip_phones(ids: Ids, frames: Ids) -> tuple[Ids, Ids]:
    """Phones and whole frames of a clip as `MiniClip` wants them."""
    distinct, summed = merged(ids, frames.astype(np.float64))
    return distinct, summed.astype(np.int64)
