"""A voice of the base mini that speaks texts: pieces, phones, and what models/mini makes of them.

It imitates nobody but the person that it was fine-tuned to, so a reference changes nothing, and
nothing of what it says is drawn but the noise of breath and fricatives.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.core.speech import DEFAULT_SETTINGS, Reference, SpeechSettings
from ray_pipeline.models.mini.config import TOKEN_HOP, VERSION
from ray_pipeline.models.mini.files import load_synthesizer
from ray_pipeline.models.mini.tokens import frames_of, with_edges
from ray_pipeline.models.mini.voice import MiniVoice, refuse_unknown_language
from ray_pipeline.text import Phones
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.voice.encoders import Encoders
from ray_pipeline.voice.saying import say
from ray_pipeline.voice.script import Reader
from ray_pipeline.voice.speech import OnProgress, Reading, Said, Speech, SpokenWord
from ray_pipeline.voice.spoken_words import spoken_words
from ray_pipeline.weights.numbers import require_numbers

_TOKENS_PER_SECOND = SAMPLE_RATE / TOKEN_HOP
_PIECES_AT_ONCE = 8


@dataclass(eq=False)
class MiniTextVoice:
    """Made by `load`."""

    voice: MiniVoice
    encoders: Encoders
    num_bytes: int

    version = VERSION
    tokens_per_second = _TOKENS_PER_SECOND
    limit_tokens = None

    @classmethod
    def load(
        cls,
        gpt_path: Path,
        sovits_path: Path,
        models_dir: Path,
        device: str | torch.device = "cpu",
        encoders: Encoders | None = None,
    ) -> MiniTextVoice:
        """The files of train_gpt (durations) and train_sovits (the sound)."""
        voice = _load(gpt_path, sovits_path, device)
        weights = [*voice.durations.parameters(), *voice.synthesizer.parameters()]
        num_bytes = sum(weight.nbytes for weight in weights)
        return cls(voice, encoders or Encoders(models_dir, device), num_bytes)

    @classmethod
    def check(cls, gpt_path: Path, sovits_path: Path) -> None:
        """See `LoadableVoice`."""
        if gpt_path.suffix.lower() != ".safetensors":
            raise BadModelFile(f"{gpt_path.name} is no file of a voice of the base mini.")
        _load(gpt_path, sovits_path)

    @classmethod
    def sound_of(cls, sovits_path: Path) -> torch.nn.Module:
        """See `LoadableVoice`."""
        return load_synthesizer(sovits_path).synthesizer

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
        """See `Voice`. Raises InvalidInput also for a language that the base has not learned."""
        reading = self.read(text, mode, reference, settings, dictionary=dictionary)
        return say(reading, self.token_maker(_PIECES_AT_ONCE), on_progress)

    def read(
        self,
        text: str,
        mode: str,
        reference: Reference,
        settings: SpeechSettings = DEFAULT_SETTINGS,
        *,
        dictionary: Pronunciations | None = None,
    ) -> MiniReading:
        reader = Reader(
            symbols="v2",
            dictionary=dictionary or {},
            polyphones=self.encoders.polyphones(),
            strict_compat=settings.strict_compat,
        )
        script, left_out = reader.script(text, mode, settings.cut)
        for language in _languages(script):
            refuse_unknown_language(language, self.voice.languages)
        return MiniReading(self.voice, script, left_out, settings)

    def token_maker(self, num_rows: int) -> MiniTokenMaker:
        return MiniTokenMaker(num_rows)


@dataclass(frozen=True)
class MiniReading:
    """See `Reading`. Nothing of the tokens is drawn, so nothing would be better next time."""

    voice: MiniVoice
    pieces: list[Phones]
    left_out: list[str]
    settings: SpeechSettings

    tokens_per_second = _TOKENS_PER_SECOND
    usual_rate = None
    most_attempts = 1

    def tokens(self, number: int) -> Said:
        tokens = self.voice.tokens(self.pieces[number].ids, speed=self.settings.speed)
        return Said(tokens.tolist(), ended=True)

    def sound(self, number: int, said: Said, seed: int) -> Waveform:
        tokens = np.array(said.tokens, dtype=np.int64)
        settings = self.settings
        return self.voice.sound(tokens, pitch=settings.pitch, energy=settings.energy, seed=seed)

    def words(self, number: int, said: Said) -> list[SpokenWord]:
        """To a frame of 20 ms: the tokens say how long each phone lasts."""
        phones = self.pieces[number]
        frames = frames_of(with_edges(phones.ids), np.array(said.tokens, dtype=np.int64))
        borders = np.cumsum(frames)[:-1] / _TOKENS_PER_SECOND
        return spoken_words(phones, borders.tolist())

    def sound_in_parts(self, number: int, seed: int) -> None:
        """A whole piece takes some hundredths of a second."""


class MiniTokenMaker:
    """See `TokenMaker`. A step is all of one piece, the one that came first."""

    def __init__(self, num_rows: int) -> None:
        self._num_rows = num_rows
        self._waiting: dict[int, tuple[MiniReading, int]] = {}

    @property
    def num_free(self) -> int:
        return self._num_rows - self.num_running

    @property
    def num_running(self) -> int:
        return len(self._waiting)

    def begin(self, reading: Reading, number: int, seed: int) -> int:
        assert isinstance(reading, MiniReading)
        row = next(row for row in range(self._num_rows) if row not in self._waiting)
        self._waiting[row] = reading, number
        return row

    def drop(self, row: int) -> None:
        self._waiting.pop(row, None)

    def tokens(self, row: int) -> list[int]:
        return []

    def step(self, only: Collection[int] | None = None) -> list[tuple[int, Said]]:
        row = next((row for row in self._waiting if only is None or row in only), None)
        if row is None:
            return []
        reading, number = self._waiting.pop(row)
        return [(row, reading.tokens(number))]


def _load(gpt_path: Path, sovits_path: Path, device: str | torch.device = "cpu") -> MiniVoice:
    voice = MiniVoice.load(gpt_path, sovits_path, device)
    require_numbers(voice.durations, gpt_path.name)
    require_numbers(voice.synthesizer, sovits_path.name)
    return voice


def _languages(script: Iterable[Phones]) -> list[str]:
    """Those that the pieces are read in, each once, in order."""
    return list(dict.fromkeys(part.language for phones in script for part in phones.parts))
