"""A voice that takes the time of a given machine and needs none of this one: it sleeps.

So what the engine makes of costs, who waits for what and who is refused, can be seen on a machine
that is busy with other work. `cores` may sleep at a time, in turns of a few milliseconds, as
threads share the cores of a machine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.speech import SpeechSettings
from ray_pipeline.text import Phones
from ray_pipeline.voice.speech import Reading, Said, SpokenWord

_TURN_SECONDS = 0.05
# A sleep of some milliseconds lasts much longer on a busy machine, so five tokens are made at once.
_TOKENS_PER_STEP = 5
_TOKENS_PER_SECOND = 25
_PHONES_PER_SECOND = 11


class Cores:
    def __init__(self, number: int) -> None:
        self._free = threading.Semaphore(number)

    def work(self, seconds: float) -> None:
        while seconds > 0:
            turn = min(seconds, _TURN_SECONDS)
            with self._free:
                begun = time.monotonic()
                time.sleep(turn)
                seconds -= time.monotonic() - begun


@dataclass(frozen=True)
class Costs:
    """Seconds of a core: for a prefix, for a step and for each row in it, for a second of sound."""

    prefix: float
    step: float
    row: float
    sound: float


class PretendVoice:
    """Says `piece_seconds` of silence a sentence, whatever it is."""

    version = "pretend"
    tokens_per_second = float(_TOKENS_PER_SECOND)
    limit_tokens = None
    num_bytes = 1

    def __init__(self, costs: Costs, cores: Cores, piece_seconds: int) -> None:
        self.costs, self.cores, self.piece_seconds = costs, cores, piece_seconds

    def read(self, text: str, mode: str, reference: object, settings: SpeechSettings, **_: object):
        phones = ["AH0"] * (_PHONES_PER_SECOND * self.piece_seconds)
        sentences = [f"{one.strip()}." for one in text.split(".") if one.strip()]
        pieces = [Phones(one, one, phones, [1] * len(phones), None, []) for one in sentences]
        return PretendReading(self, pieces, settings)

    def token_maker(self, num_rows: int) -> PretendMaker:
        return PretendMaker(self, num_rows)


@dataclass(frozen=True)
class PretendReading:
    voice: PretendVoice
    pieces: list[Phones]
    settings: SpeechSettings

    tokens_per_second = float(_TOKENS_PER_SECOND)
    left_out = ()
    usual_rate = None
    most_attempts = 1

    def sound(self, number: int, said: Said, seed: int) -> Waveform:
        seconds = len(said.tokens) / _TOKENS_PER_SECOND
        self.voice.cores.work(self.voice.costs.sound * seconds)
        return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)

    def sound_in_parts(self, number: int, seed: int) -> None:
        """Whole sentences only."""

    def words(self, number: int, said: Said) -> list[SpokenWord]:
        return []


class PretendMaker:
    def __init__(self, voice: PretendVoice, num_rows: int) -> None:
        self._voice, self._num_rows = voice, num_rows
        self._said: dict[int, list[int]] = {}

    @property
    def num_free(self) -> int:
        return self._num_rows - len(self._said)

    @property
    def num_running(self) -> int:
        return len(self._said)

    def begin(self, reading: Reading, number: int, seed: int) -> int:
        row = next(row for row in range(self._num_rows) if row not in self._said)
        self._said[row] = []
        self._voice.cores.work(self._voice.costs.prefix)
        return row

    def drop(self, row: int) -> None:
        self._said.pop(row, None)

    def tokens(self, row: int) -> list[int]:
        return self._said[row]

    def step(self, only: Collection[int] | None = None) -> list[tuple[int, Said]]:
        rows = list(self._said if only is None else only)
        costs = self._voice.costs
        self._voice.cores.work(_TOKENS_PER_STEP * (costs.step + costs.row * len(rows)))
        for row in rows:
            said = self._said[row]
            said += range(len(said), len(said) + _TOKENS_PER_STEP)
        most = self._voice.piece_seconds * _TOKENS_PER_SECOND
        over = [row for row in rows if len(self._said[row]) == most]
        return [(row, Said(self._said.pop(row), ended=True)) for row in over]
