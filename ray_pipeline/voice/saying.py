"""A text said piece by piece, each again where it came out badly. The engine of `speaking` does the
same for many texts at a time, with the same seeds, so that both say the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.text import Phones
from ray_pipeline.voice.checking import Verdict, check
from ray_pipeline.voice.speech import (
    OnProgress,
    Piece,
    Reading,
    Said,
    Speech,
    SpokenWord,
    TokenMaker,
)

MOST_ATTEMPTS = 3


# Far from the seeds of other pieces. On a CPU torch looks at the lower 32 bits of a seed only.
_BETWEEN_ATTEMPTS = 0x9E3779B1
_SEED_BITS = 32


def seed_of(seed: int, number: int, attempt: int) -> int:
    """Of the attempt (from 0) at piece `number` in a request with `seed`. The first attempt is
    that of the original."""
    return (seed + number + attempt * _BETWEEN_ATTEMPTS) % 2**_SEED_BITS


@dataclass
class Attempt:
    """`wav` is kept where somebody had to listen to it."""

    said: Said
    seed: int
    verdict: Verdict
    wav: Waveform | None = None


class Attempts:
    """The attempts at piece `number`, of which the best is kept; of equals, the first."""

    def __init__(self, reading: Reading, number: int) -> None:
        self.reading, self.number = reading, number
        self._made: list[Attempt] = []

    @property
    def phones(self) -> Phones:
        return self.reading.pieces[self.number]

    @property
    def seed(self) -> int:
        """That of the next attempt."""
        return seed_of(self.reading.settings.seed, self.number, self.count)

    @property
    def count(self) -> int:
        return len(self._made)

    @property
    def best(self) -> Attempt:
        return min(self._made, key=lambda attempt: attempt.verdict.badness)

    @property
    def enough(self) -> bool:
        return not self.best.verdict.problem or self.count >= self.reading.most_attempts

    def judge(self, said: Said) -> bool:
        """Take what the next attempt gave; whether that is enough."""
        reading = self.reading
        verdict = check(self.phones, said, reading.tokens_per_second, reading.usual_rate)
        self._made.append(Attempt(said, self.seed, verdict))
        return self.enough

    def sound(self) -> Waveform:
        """Of the best."""
        best = self.best
        return (
            self.reading.sound(self.number, best.said, best.seed) if best.wav is None else best.wav
        )

    def words(self) -> list[SpokenWord]:
        """Of the best; see `Reading.words`."""
        return self.reading.words(self.number, self.best.said)

    def piece(self, wav: Waveform) -> Piece:
        phones, best = self.phones, self.best
        return Piece(
            text=phones.text,
            norm_text=phones.norm_text,
            phones=phones.phones,
            unknown=phones.unknown,
            tokens=best.said.tokens,
            ended=best.said.ended,
            seconds=len(wav) / SAMPLE_RATE,
            attempts=self.count,
            problem=best.verdict.problem,
        )


def pause(reading: Reading) -> Waveform:
    """What follows each piece."""
    return np.zeros(int(reading.settings.pause_seconds * SAMPLE_RATE), dtype=np.float32)


def say(reading: Reading, maker: TokenMaker, on_progress: OnProgress | None = None) -> Speech:
    """The whole text: all tokens, as many pieces side by side as `maker` takes, then all sound."""
    total = 2 * len(reading.pieces)
    tell = on_progress or (lambda done, total: None)
    every = [Attempts(reading, number) for number in range(len(reading.pieces))]
    waiting, running = list(every), dict[int, Attempts]()
    done = 0
    while waiting or running:
        while waiting and maker.num_free:
            attempts = waiting.pop(0)
            running[maker.begin(reading, attempts.number, attempts.seed)] = attempts
        for row, said in maker.step():
            attempts = running.pop(row)
            if attempts.judge(said):
                done += 1
                tell(done, total)
            else:
                waiting.insert(0, attempts)
    waves, pieces = [], []
    for attempts in every:
        wav = attempts.sound()
        pieces.append(attempts.piece(wav))
        waves += [wav, pause(reading)]
        done += 1
        tell(done, total)
    return Speech(np.concatenate(waves), pieces, reading.left_out)
