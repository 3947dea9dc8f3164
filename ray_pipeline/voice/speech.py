"""What every voice does, whatever its base: say a text as the person of a recording.

    voice.speak(text, …)                  the whole, at once
    reading = voice.read(text, …)         or by parts: what is to be said, piece by piece,
    maker = voice.token_maker(8)          what makes tokens of several pieces side by side,
    reading.sound(number, said, seed)     and what makes sound of them

`saying.py` does the first by means of the others, the engine of `speaking` for many at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.speech import DEFAULT_SETTINGS, Reference, SpeechSettings
from ray_pipeline.text import Phones
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.voice.encoders import Encoders

# Is told how many of how many parts of the work are done.
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Piece:
    """One piece of the text as it was spoken. `ended` is False if the model found no end and
    was stopped; `seconds` are without the pause behind it. It was said `attempts` times, and
    this is the best of them; `problem` says what is wrong with it, or is empty."""

    text: str
    norm_text: str
    phones: list[str]
    unknown: list[str]
    tokens: list[int]
    ended: bool
    seconds: float
    attempts: int = 1
    problem: str = ""


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


@dataclass(frozen=True)
class Said:
    """The tokens of a piece; `ended` is False if no end was found."""

    tokens: list[int]
    ended: bool


@dataclass(frozen=True)
class SpokenWord:
    """`word` as it is read (a number is several), from `start` to `end` in seconds of its piece."""

    word: str
    start: float
    end: float


class Reading(Protocol):
    """A text that one voice is ready to say: `pieces`, and what of it cannot be said. `usual_rate`
    is the phones a second of the reference, None where that is not known; `most_attempts` how
    often a piece that came out badly may be said, 1 where each time would be the same."""

    @property
    def pieces(self) -> list[Phones]: ...
    @property
    def left_out(self) -> list[str]: ...
    @property
    def settings(self) -> SpeechSettings: ...
    @property
    def tokens_per_second(self) -> float: ...
    @property
    def usual_rate(self) -> float | None: ...
    @property
    def most_attempts(self) -> int: ...

    def sound(self, number: int, said: Said, seed: int) -> Waveform:
        """Piece `number` as float32 [N] at 32 kHz within -1..1, without the pause behind it."""
        ...

    def words(self, number: int, said: Said) -> list[SpokenWord]:
        """When each word of piece `number` is said; empty where the tokens do not tell."""
        ...

    def sound_in_parts(self, number: int, seed: int) -> SoundInParts | None:
        """For making sound of a piece that has not all of its tokens yet; None where that would
        gain nothing."""
        ...


class SoundInParts(Protocol):
    """What it gives, one after another, is a piece. `boundaries` are the numbers of tokens at
    which `more` is to be called, in turn: what comes out depends on them."""

    @property
    def boundaries(self) -> Iterator[int]: ...

    def more(self, tokens: list[int]) -> Waveform:
        """All tokens so far to the sound that follows what was given before."""
        ...

    def rest(self, said: Said) -> Waveform: ...


class TokenMaker(Protocol):
    """Makes the tokens of pieces, several side by side, in rows. It changes nothing of a piece
    which others there are. Not for use by several threads at once."""

    @property
    def num_free(self) -> int:
        """How many pieces can begin now."""
        ...

    @property
    def num_running(self) -> int: ...

    def begin(self, reading: Reading, number: int, seed: int) -> int:
        """Let piece `number` of a reading by this voice run from the next step on; its row."""
        ...

    def drop(self, row: int) -> None:
        """Forget a piece that nobody wants any more."""
        ...

    def tokens(self, row: int) -> list[int]:
        """Those that a piece has so far."""
        ...

    def step(self, only: Collection[int] | None = None) -> list[tuple[int, Said]]:
        """A step of all that run, or of the rows `only`; those that are done are given back, and
        their rows are free."""
        ...


class Voice(Protocol):
    """A voice that is loaded, to speak many times. `read`, the token maker and `Reading.sound`
    may each be used by a thread of its own, the last also by several at a time."""

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

    @property
    def num_bytes(self) -> int:
        """What its weights take in memory, without what all voices share."""
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

    def read(
        self,
        text: str,
        mode: str,
        reference: Reference,
        settings: SpeechSettings = DEFAULT_SETTINGS,
        *,
        dictionary: Pronunciations | None = None,
    ) -> Reading:
        """The first half of `speak`, with its errors."""
        ...

    def token_maker(self, num_rows: int) -> TokenMaker:
        """For up to so many pieces side by side."""
        ...


class LoadableVoice(Voice, Protocol):
    @classmethod
    def load(
        cls,
        gpt_path: Path,
        sovits_path: Path,
        models_dir: Path,
        device: str | torch.device = "cpu",
        encoders: Encoders | None = None,
    ) -> Voice:
        """`encoders` are those that voices share, on the same device; without them the voice has
        its own. Raises BadModelFile for a file that is damaged or does not go with the other,
        BackendMissing when the models folder lacks something."""
        ...

    @classmethod
    def check(cls, gpt_path: Path, sovits_path: Path) -> None:
        """Build what the two files hold, without the encoders. Raises BadModelFile as `load`."""
        ...

    @classmethod
    def sound_of(cls, sovits_path: Path) -> nn.Module:
        """The network of the second file alone. Raises BadModelFile if it is damaged."""
        ...
