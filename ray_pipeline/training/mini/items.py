"""From an experiment folder to mini's clips.

F frames at 100 Hz, T = F / 2 tokens at 50 Hz, N = 320 F samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.models.mini.config import MEL_HOP, MELS_PER_TOKEN, NUM_MELS, TOKEN_HOP
from ray_pipeline.models.mini.sound import Sound, at_speech_level, speaker_statistics
from ray_pipeline.training.experiment_files import DroppedClip, Objection, read_semantic_tokens
from ray_pipeline.training.mini.data import MiniClip

TOKENS_PER_SECOND = 50
_FEWEST_TOKENS = 25  # half a second
_MOST_TOKENS = 60 * TOKENS_PER_SECOND


@dataclass(frozen=True)
class MiniItem:
    """A clip that takes part. tokens [T]."""

    name: str
    tokens: tuple[int, ...]

    @property
    def seconds(self) -> float:
        return len(self.tokens) / TOKENS_PER_SECOND


def find_mini_items(experiment: Experiment) -> tuple[list[MiniItem], list[DroppedClip]]:
    """Clips with tokens, features and wave, in the order of their names, and those left out.
    Raises StepNotReady without tokens."""
    kept, dropped = [], []
    for name, tokens in sorted(read_semantic_tokens(experiment).items()):
        objection = _objection(experiment, name, tokens)
        if objection is None:
            kept.append(MiniItem(name, tuple(tokens)))
        else:
            dropped.append(objection.of(name))
    return kept, dropped


def _objection(experiment: Experiment, name: str, tokens: list[int]) -> Objection | None:
    needed = (experiment.content_of(name), experiment.wave_of(name))
    missing = [f"{path.parent.name}/{path.name}" for path in needed if not path.is_file()]
    if missing:
        files = " and ".join(missing)
        return Objection(f"{files} missing", "missing_features", {"files": files})
    if not _FEWEST_TOKENS <= len(tokens) <= _MOST_TOKENS:
        seconds, least, most = (
            count / TOKENS_PER_SECOND for count in (len(tokens), _FEWEST_TOKENS, _MOST_TOKENS)
        )
        words = f"{seconds:.2f} s long, outside the {least:g} to {most:g} s that mini takes"
        numbers = {"seconds": round(seconds, 2), "least": least, "most": most}
        return Objection(words, "wrong_length", numbers)
    return None


def speaker_of(experiment: Experiment, items: Sequence[MiniItem]) -> NDArray[np.float32]:
    """The voice's vector [162]: the mean of its clips', which follow from their features."""
    vectors = [speaker_statistics(*_features(experiment, item.name)) for item in items]
    mean: NDArray[np.float32] = np.mean(vectors, axis=0, dtype=np.float32)
    return mean


def load_clips(
    experiment: Experiment,
    items: Sequence[MiniItem],
    speaker: NDArray[np.float32],
    *,
    with_waves: bool,
) -> list[MiniClip]:
    """What a training needs of the clips, all in memory: 0.16 MB a second of speech. Raises
    StepFailed that names the clip when one of its files cannot be read."""
    return [_clip(experiment, item, speaker, with_waves) for item in items]


def _clip(
    experiment: Experiment, item: MiniItem, speaker: NDArray[np.float32], with_wave: bool
) -> MiniClip:
    mel, pitch_hz = _features(experiment, item.name)
    num_frames = len(mel) // MELS_PER_TOKEN * MELS_PER_TOKEN
    wav = np.zeros(0, np.float32)
    if with_wave:
        wav = _wave(experiment, item.name)
        num_frames = min(num_frames, len(wav) // TOKEN_HOP * MELS_PER_TOKEN)
    sound = Sound(wav[: num_frames * MEL_HOP], mel[:num_frames], pitch_hz[:num_frames])
    return MiniClip.of(item.name, sound, np.array(item.tokens, np.int64), speaker)


def _wave(experiment: Experiment, name: str) -> NDArray[np.float32]:
    try:
        return at_speech_level(read_mono(experiment.wave_of(name))[0])
    except (StepFailed, ValueError) as error:
        raise _unreadable(name, error) from error


def _features(experiment: Experiment, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """mel [F, 80] and pitch in Hz [F], which the file holds as [1, 81, F]."""
    try:
        both = torch.load(experiment.content_of(name), map_location="cpu", weights_only=True)
        array = both.float().numpy()[0]
        return np.ascontiguousarray(array[:NUM_MELS].T), np.ascontiguousarray(array[NUM_MELS])
    except Exception as error:  # torch raises whatever the damaged place led to
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> StepFailed:
    return StepFailed(
        f"A feature file of the clip {name} cannot be read: {error}.",
        hint="Run the steps from extract_audio_features again with force.",
        clip=name,
    )
