"""What every voice does, whatever its base: say a text as the person of a recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.speech import DEFAULT_SETTINGS, SpeechSettings
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.voice.reference import Reference

# Is told how many of how many parts of the work are done.
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Piece:
    """One piece of the text as it was spoken. `ended` is False if the model found no end and
    was stopped; `seconds` are without the pause behind it."""

    text: str
    norm_text: str
    phones: list[str]
    unknown: list[str]
    tokens: list[int]
    ended: bool
    seconds: float


@dataclass(frozen=True)
class Speech:
    """`wav` is float32 [N] at 32 kHz within -1..1. `left_out` are the pieces of the text of which
    nothing could be said."""

    wav: Waveform
    pieces: list[Piece]
    left_out: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return len(self.wav) / SAMPLE_RATE


class Voice(Protocol):
    """A voice that is loaded, to speak many times. Not for use by several threads at once."""

    @property
    def version(self) -> str:
        """That of the base it was made from."""
        ...

    @property
    def tokens_per_second(self) -> float: ...

    @property
    def limit_tokens(self) -> int | None:
        """How many tokens a piece has at most: one that found no end has so many. None where
        every piece ends by itself."""
        ...

    def speak(
        self,
        text: str,
        mode: str,
        reference: Reference,
        settings: SpeechSettings = DEFAULT_SETTINGS,
        *,
        dictionary: Pronunciations | None = None,
        on_progress: OnProgress | None = None,
    ) -> Speech:
        """Say `text`, read in `mode` (a language mode by code or name), as the person of the
        reference. `dictionary` has the user's own words.

        Raises InvalidInput for a text or a reference that cannot be used.
        """
        ...


class LoadableVoice(Voice, Protocol):
    @classmethod
    def load(
        cls, gpt_path: Path, sovits_path: Path, models_dir: Path, device: str | torch.device
    ) -> Voice:
        """Raises BadModelFile for a file that is damaged or does not go with the other,
        BackendMissing when the models folder lacks something."""
        ...
