"""How like the speaker a sample is: as near to the middle of the speaker's clips as these are
themselves is 1, twice as far 0.5.

    v2Pro, v2ProPlus    cosine distance of the base's own speaker vectors (ERes2NetV2)
    nano                the same of its own (statistics of filter banks)
    v1, v2, mini        distance of timbre (`quality.timbre`): cepstra, no model of speakers

The last is coarse: it hears another person or another room, and does not tell near voices apart.
mini has vectors of its own, but its networks are told them: that would ask whether they obey.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.pretrained_bases import PretrainedBase
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.models.encoders.speaker import load_speaker_encoder
from ray_pipeline.quality.timbre import middle_of, timbre_of

_NOTHING = 1e-9


@dataclass(frozen=True)
class Likeness:
    """`measure` names what is compared; `distance` of a waveform [N] at 32 kHz from the speaker,
    None of one that is too short; `usual` is the median of the speaker's own clips."""

    measure: str
    distance: Callable[[Waveform], float | None]
    usual: float

    def of(self, wav: Waveform) -> float | None:
        """0 to 1."""
        away = self.distance(wav)
        return None if away is None else min(1.0, self.usual / max(away, _NOTHING))


def likeness_to(
    base: PretrainedBase, models_dir: Path, device: torch.device, experiment: Experiment,
    clips: Sequence[str],
) -> Likeness | None:  # fmt: skip
    """To the speaker of these clips; None where they are too short to tell. Raises BackendMissing
    or BadModelFile without the encoder of the base."""
    is_usable = base.speaker_encoder != "mini"
    encoder = load_speaker_encoder(base, models_dir, device) if is_usable else None
    if encoder is None:
        return _by_timbre([read_mono(experiment.wave_of(clip)) for clip in clips])
    vectors = [
        torch.load(experiment.speaker_vector_of(clip), map_location="cpu", weights_only=True)
        for clip in clips
    ]
    return by_vectors(
        np.stack([vector.float().numpy().reshape(-1) for vector in vectors]),
        lambda wav: encoder(wav, SAMPLE_RATE)[0].float().cpu().numpy(),
        measure=f"the speaker vectors of {base.name}",
    )


def by_vectors(
    own: NDArray[np.float32], vector_of: Callable[[Waveform], NDArray[np.float32]], *, measure: str
) -> Likeness:
    """By the cosine; `own` [N, D] are those of the speaker's clips."""
    middle = _unit(own).mean(axis=0)
    middle /= np.linalg.norm(middle)

    def distance(wav: Waveform) -> float:
        return float(1 - _unit(vector_of(wav)[None])[0] @ middle)

    return Likeness(measure, distance, float(np.median(1 - _unit(own) @ middle)))


def _by_timbre(clips: Sequence[tuple[Waveform, int]]) -> Likeness | None:
    own = [timbre for clip in clips if (timbre := timbre_of(*clip)) is not None]
    if not own:
        return None
    middle = middle_of(own)

    def distance(wav: Waveform) -> float | None:
        timbre = timbre_of(wav, SAMPLE_RATE)
        return None if timbre is None else middle.distance(timbre)

    usual = float(np.median([middle.distance(timbre) for timbre in own]))
    return Likeness("timbre", distance, usual)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _NOTHING), np.float32)
