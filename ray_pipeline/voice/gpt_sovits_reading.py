"""A text that a voice of GPT-SoVITS is ready to say, and what makes its tokens and its sound."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import accumulate, chain, repeat

import numpy as np
import torch
from torch import Tensor

from ray_pipeline.core.audio_format import TOKENS_PER_SECOND, Waveform
from ray_pipeline.core.speech import SpeechSettings
from ray_pipeline.models.gpt.continuous import ContinuousDecoder
from ray_pipeline.models.gpt.decoding import Decoded, Sentence, decode_batch
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.sampling import Sampling
from ray_pipeline.models.sovits.streaming import StreamedDecode
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.text import Phones
from ray_pipeline.voice.checking import longest_seconds
from ray_pipeline.voice.reference import ReferenceFeatures
from ray_pipeline.voice.saying import MOST_ATTEMPTS
from ray_pipeline.voice.speech import Reading, Said, SpokenWord

# Of a piece that is sent before it is finished: 0.4, 0.64, 1 and 2 s.
_STRETCHES = (10, 16, 25, 50)


@dataclass(frozen=True, kw_only=True)
class GptSovitsReading:
    """See `Reading`; `sentences` are the pieces as stage 1 reads them, behind the reference."""

    synthesizer: Synthesizer
    features: ReferenceFeatures
    sentences: list[Sentence]
    pieces: list[Phones]
    left_out: list[str]
    settings: SpeechSettings
    usual_rate: float | None

    tokens_per_second = TOKENS_PER_SECOND

    @property
    def most_attempts(self) -> int:
        """The original says everything once."""
        return 1 if self.settings.strict_compat else MOST_ATTEMPTS

    @property
    def device(self) -> torch.device:
        return self.features.prompt.device

    @property
    def prompted(self) -> bool:
        return self.sentences[0].prompt is not None

    @property
    def sampling(self) -> Sampling:
        return Sampling(
            top_k=self.settings.top_k,
            top_p=self.settings.top_p,
            temperature=self.settings.temperature,
            repetition_penalty=self.settings.repetition_penalty,
        )

    def generator(self, seed: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed)

    def said(self, decoded: Decoded) -> Said:
        """The original loses the first token of a sentence that ran into the limit."""
        tokens = decoded.tokens.tolist()
        if not decoded.ended and self.prompted:
            tokens = tokens[1:]
        return Said(tokens, decoded.ended)

    def most_tokens(self, number: int) -> int | None:
        """After how many a piece is given up: with more of them it would be bad anyway. The
        original waits for a minute."""
        if self.settings.strict_compat:
            return None
        return int(longest_seconds(self.pieces[number]) * TOKENS_PER_SECOND) + 1

    def words(self, number: int, said: Said) -> list[SpokenWord]:
        """Its semantic tokens belong to no phone."""
        return []

    def sound_in_parts(self, number: int, seed: int) -> GptSovitsParts:
        return GptSovitsParts(
            StreamedDecode(
                self.synthesizer,
                self.features.voice,
                torch.tensor([self.pieces[number].ids], device=self.device),
                self.generator(seed),
                speed=self.settings.speed,
                noise_scale=self.settings.noise_scale,
            ),
            prompted=self.prompted,
        )

    def sound(self, number: int, said: Said, seed: int) -> Waveform:
        wav = self.synthesizer.decode_as(
            self.features.voice,
            torch.tensor(said.tokens, device=self.device)[None, None],
            torch.tensor([self.pieces[number].ids], device=self.device),
            speed=self.settings.speed,
            noise_scale=self.settings.noise_scale,
            generator=self.generator(seed),
        )
        samples = _samples(wav[0, 0])
        return samples / max(1.0, float(np.abs(samples).max(initial=0.0)))


class GptSovitsParts:
    """See `SoundInParts`: the first sound after ten tokens (0.4 s), then ever longer stretches, as
    a player that has some seconds in hand gains nothing by short ones."""

    def __init__(self, decode: StreamedDecode, *, prompted: bool) -> None:
        self._decode, self._prompted = decode, prompted
        self._first: list[int] = []

    @property
    def boundaries(self) -> Iterator[int]:
        return accumulate(chain(_STRETCHES, repeat(_STRETCHES[-1])))

    def more(self, tokens: list[int]) -> Waveform:
        self._first = tokens[:1]
        return _samples(self._decode.more(tokens, last=False))

    def rest(self, said: Said) -> Waveform:
        # What was given already began with the token that the original loses.
        lost = self._first if self._prompted and not said.ended else []
        return _samples(self._decode.more([*lost, *said.tokens], last=True))


def _samples(wav: Tensor) -> Waveform:
    samples: Waveform = wav.float().cpu().numpy()
    return samples


class ContinuousMaker:
    """See `TokenMaker`: pieces join and leave between the steps."""

    def __init__(self, gpt: Text2Semantic, usable_tokens: Tensor | None, num_rows: int) -> None:
        self._decoder = ContinuousDecoder(gpt, num_rows, usable_tokens=usable_tokens)
        self._readings: dict[int, GptSovitsReading] = {}

    @property
    def num_free(self) -> int:
        return self._decoder.num_free

    @property
    def num_running(self) -> int:
        return self._decoder.num_running

    @property
    def num_bytes(self) -> int:
        return self._decoder.num_bytes

    def begin(self, reading: Reading, number: int, seed: int) -> int:
        assert isinstance(reading, GptSovitsReading)
        row = self._decoder.admit(
            reading.sentences[number],
            reading.sampling,
            reading.generator(seed),
            reading.most_tokens(number),
        )
        self._readings[row] = reading
        return row

    def drop(self, row: int) -> None:
        self._decoder.drop(row)
        self._readings.pop(row, None)

    def tokens(self, row: int) -> list[int]:
        return self._decoder.tokens(row)

    def step(self, only: Collection[int] | None = None) -> list[tuple[int, Said]]:
        return [
            (row, self._readings.pop(row).said(decoded))
            for row, decoded in self._decoder.step(only)
        ]


class RecordedMaker:
    """See `TokenMaker`: all that have begun run to their ends in one step, each token's work
    recorded as a CUDA graph. An option until it has passed its test on a GPU."""

    def __init__(self, gpt: Text2Semantic, usable_tokens: Tensor | None, num_rows: int) -> None:
        self._gpt, self._usable_tokens, self._num_rows = gpt, usable_tokens, num_rows
        self._waiting: dict[int, tuple[GptSovitsReading, int, int]] = {}

    @property
    def num_free(self) -> int:
        return self._num_rows - len(self._waiting)

    @property
    def num_running(self) -> int:
        return len(self._waiting)

    def begin(self, reading: Reading, number: int, seed: int) -> int:
        assert isinstance(reading, GptSovitsReading)
        row = next(row for row in range(self._num_rows) if row not in self._waiting)
        self._waiting[row] = reading, number, seed
        return row

    def drop(self, row: int) -> None:
        self._waiting.pop(row, None)

    def tokens(self, row: int) -> list[int]:
        return []

    def step(self, only: Collection[int] | None = None) -> list[tuple[int, Said]]:
        return list(self._run())

    def _run(self) -> Iterator[tuple[int, Said]]:
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        first = next(iter(waiting.values()))[0]  # all of one text, so sampled alike
        decoded = decode_batch(
            self._gpt,
            [reading.sentences[number] for reading, number, _ in waiting.values()],
            first.sampling,
            generators=[reading.generator(seed) for reading, _, seed in waiting.values()],
            usable_tokens=self._usable_tokens,
            cuda_graphs=True,
        )
        for (row, (reading, *_)), one in zip(waiting.items(), decoded, strict=True):
            yield row, reading.said(one)
