"""What a listener would say: Whisper for the words, Resemblyzer for the voice.

Neither is used in training. Both need packages of `requirements.txt` beside this file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from ray_pipeline.text.chinese.normalise import in_words

Waveform = NDArray[np.float32]

_WHISPER_HZ = 16_000
_DIGITS = {
    "0": "zero", "1": "one", "2": "two", "3": "three", "4": "four",
    "5": "five", "6": "six", "7": "seven", "8": "eight", "9": "nine",
}  # fmt: skip


class Listener:
    """Whisper base from the wheels, beam 5, no prompt, each waveform by itself."""

    def __init__(self, folder: Path) -> None:
        from faster_whisper import WhisperModel

        from ray_pipeline.asr.faster_whisper import model_from_wheels

        self._model = WhisperModel(
            str(model_from_wheels(folder)), device="cpu", compute_type="int8", cpu_threads=1
        )

    def hear(self, wav: Waveform, rate: int, language: str) -> str:
        heard = soxr.resample(wav, rate, _WHISPER_HZ).astype(np.float32)
        segments, _ = self._model.transcribe(
            heard, language=language, beam_size=5, condition_on_previous_text=False,
            temperature=0.0,
        )  # fmt: skip
        return "".join(segment.text for segment in segments).strip()


@dataclass
class ErrorRate:
    """Character errors over a set: Levenshtein distance of what was heard from what was to be
    said, without marks and capitals, each text counted at three times its length at most."""

    errors: int = 0
    characters: int = 0
    texts: list[tuple[str, str]] = field(default_factory=list)

    def add(self, said: str, heard: str, language: str) -> None:
        expected, got = spelled(said, language), spelled(heard, language)
        self.errors += min(distance(expected, got), 3 * len(expected))
        self.characters += len(expected)
        self.texts.append((said, heard))

    @property
    def percent(self) -> float:
        return 100 * self.errors / max(1, self.characters)


def spelled(text: str, language: str) -> str:
    """The characters that count: Han without blanks and with numbers in words, else lower-case
    words with one blank."""
    text = text.lower().replace("’", "'").replace("-", " ")
    if language in ("zh", "ja"):
        if language == "zh":
            text = in_words(_simplified()(text))
        return "".join(char for char in text if char.isalnum())
    text = re.sub(r"\b(\d)\b", lambda match: _DIGITS[match[1]], text)
    return " ".join(re.sub(r"[^a-z0-9' ]", " ", text).replace("'", "").split())


@cache
def _simplified() -> Callable[[str], str]:
    from opencc import OpenCC

    convert: Callable[[str], str] = OpenCC("t2s").convert
    return convert


def distance(expected: Sequence[Any], got: Sequence[Any]) -> int:
    """Levenshtein's."""
    row = list(range(len(got) + 1))
    for number, one in enumerate(expected, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(got, 1):
            before, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, before + (one != other)),
            )
    return row[-1]


class VoiceJudge:
    """Resemblyzer's speaker embedding (Wan et al. 2018): cosine 1 is the same voice."""

    def __init__(self) -> None:
        from resemblyzer import VoiceEncoder

        self._encoder = VoiceEncoder("cpu", verbose=False)

    def embed(self, wav: Waveform, rate: int) -> NDArray[np.float32]:
        from resemblyzer import preprocess_wav

        embedding: NDArray[np.float32] = self._encoder.embed_utterance(
            preprocess_wav(wav.astype(np.float32), source_sr=rate)
        )
        return embedding


def mean_voice(embeddings: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = np.mean(embeddings, axis=0)
    return mean / np.linalg.norm(mean)
