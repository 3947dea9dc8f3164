"""What an engine is asked for, and what it gives back, part by part.

    async for part in engine.speak(order):
        if isinstance(part, Sound): play(part.wav)

The sounds of a request, one after another, are the whole speech, pauses included. For a seed they
are the same whoever else speaks, and the same as `Voice.speak` gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.speech import DEFAULT_SETTINGS, Reference, SpeechSettings
from ray_pipeline.text.own_words import Pronunciations

Latency = Literal["quality", "fast"]


@dataclass(frozen=True)
class VoiceFiles:
    """The two weight files of a version. Equal `key`, equal content."""

    key: str
    gpt_path: Path
    sovits_path: Path


@dataclass(frozen=True, kw_only=True)
class SpeechOrder:
    """`mode` is a language mode. `latency` "fast" sends the first sound before a sentence is
    finished; what was sent cannot be said again. With a voice of mini, whose pieces take no time,
    it changes nothing. `verify` has each piece recognised, and said again where words are missing.
    `start_piece` skips the pieces before it: the rest of a stream that broke off.

    `played` is whether somebody listens while it is made: then it comes before what is only kept,
    and is refused rather than spoken with gaps. What belongs to a speech that was let in before is
    `promised`, and never refused."""

    files: VoiceFiles
    reference: Reference
    text: str
    mode: str
    settings: SpeechSettings = DEFAULT_SETTINGS
    dictionary: Pronunciations = field(default_factory=dict)
    latency: Latency = "quality"
    verify: bool = False
    start_piece: int = 0
    played: bool = True
    promised: bool = False


@dataclass(frozen=True)
class Started:
    """Comes first: how many pieces there will be, and what of the text cannot be said."""

    num_pieces: int
    left_out: list[str]


@dataclass(frozen=True)
class Sound:
    """`wav` float32 [N] at 32 kHz within -1..1, of piece number `piece`."""

    piece: int
    wav: Waveform


@dataclass(frozen=True)
class PieceEnd:
    """Comes after the last sound of a piece. `seconds` are without the pause behind it;
    `attempts` is how often it was said; `problem` what is wrong with the best of them, or empty.
    `facts`: ended, seed, norm_text, num_phones, unknown, and words, each with start and end in
    seconds of the piece (none where the voice's tokens do not tell); with `verify` also verified
    (whether there was a recogniser) and heard."""

    piece: int
    text: str
    seconds: float
    num_tokens: int
    attempts: int
    problem: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """Comes last. `digest` is the SHA-256 of all samples as little-endian float32, so that a
    client knows that nothing is missing. All three are of this stream: with `start_piece`, of the
    pieces from there on."""

    seconds: float
    num_pieces: int
    digest: str


Part = Started | Sound | PieceEnd | Finished
