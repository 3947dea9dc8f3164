"""A text said piece by piece, each again where it came out badly. The engine of `speaking` does the
same for many texts at a time, with the same seeds, so that both say the same."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.speech import NUM_SEEDS
from ray_pipeline.voice.checking import Verdict, check
from ray_pipeline.voice.speech import OnProgress, Piece, Reading, Said, Speech, TokenMaker

MOST_ATTEMPTS = 3


def seed_of(seed: int, number: int, attempt: int) -> int:
    """Of the attempt (from 0) at piece `number` in a request with `seed`. The first attempt is
    that of the original; no other attempt of any request has its seed."""
    return seed + number + attempt * 2 * NUM_SEEDS


@dataclass
class Attempts:
    """The attempts at piece `number`, of which the best is kept; of equals, the first."""

    reading: Reading
    number: int
    made: int = 0
    best: Said = field(default_factory=lambda: Said([], ended=False))
    best_seed: int = 0
    verdict: Verdict = field(default_factory=lambda: Verdict("", float("inf")))

    @property
    def seed(self) -> int:
        """That of the next attempt."""
        return seed_of(self.reading.settings.seed, self.number, self.made)

    def judge(self, said: Said) -> bool:
        """Take what the next attempt gave; whether that is enough."""
        phones = self.reading.pieces[self.number]
        rate = self.reading.usual_rate
        return self.take(said, check(phones, said, self.reading.tokens_per_second, rate))

    def take(self, said: Said, verdict: Verdict) -> bool:
        """The same with a verdict from elsewhere."""
        if verdict.badness < self.verdict.badness:
            self.best, self.best_seed, self.verdict = said, self.seed, verdict
        self.made += 1
        return not verdict.problem or self.made >= self.reading.most_attempts

    def sound(self) -> Waveform:
        """Of the best."""
        return self.reading.sound(self.number, self.best, self.best_seed)

    def piece(self, wav: Waveform) -> Piece:
        phones = self.reading.pieces[self.number]
        return Piece(
            text=phones.text,
            norm_text=phones.norm_text,
            phones=phones.phones,
            unknown=phones.unknown,
            tokens=self.best.tokens,
            ended=self.best.ended,
            seconds=len(wav) / SAMPLE_RATE,
            attempts=self.made,
            problem=self.verdict.problem,
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
