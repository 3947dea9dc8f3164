"""Whose voice it is: how like its speaker and how like others, by an encoder no training uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from numpy.typing import NDArray

from ray_pipeline.core.errors import BackendMissing
from tools.mini.judge import VoiceJudge, mean_voice

if TYPE_CHECKING:
    from examples.report import Spoken

OTHERS = Path(__file__).parent / "others"
_NUM_RECORDINGS = 12
Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Likened:
    """Cosines of one sound: with the speaker, and with that of the others it is most like."""

    wav: Path
    speaker: float
    other: float


@dataclass(frozen=True)
class Likeness:
    """`spoken` by the voice; `recordings` of the speaker, each beside the rest of them: what can
    be reached."""

    spoken: list[Likened]
    recordings: list[Likened]

    @classmethod
    def of(cls, spoken: Mapping[str, Spoken], samples: Path) -> Likeness:
        """Raises BackendMissing where no encoder is installed."""
        try:
            judge = VoiceJudge()
        except ImportError as error:
            raise BackendMissing(
                f"The speaker encoder Resemblyzer is not installed ({error}).",
                hint="Install it: pip install --no-deps -r examples/requirements.txt",
            ) from error

        def embedded(paths: Sequence[Path]) -> list[Vector]:
            return [judge.embed(*soundfile.read(path, dtype="float32")) for path in paths]

        own_paths = sorted(samples.glob("*.flac"))[:_NUM_RECORDINGS]
        own, others = embedded(own_paths), embedded(sorted(OTHERS.glob("*.flac")))
        wavs = [one.wav for one in spoken.values()]
        said = zip(wavs, embedded(wavs), strict=True)
        return cls(
            [likened(wav, vector, own, others) for wav, vector in said],
            [
                likened(path, vector, [*own[:number], *own[number + 1 :]], others)
                for number, (path, vector) in enumerate(zip(own_paths, own, strict=True))
            ],
        )

    def table(self) -> str:
        """In Markdown."""
        lines = ["| file | like the speaker | like the nearest other |", "| --- | ---: | ---: |"]
        lines += [f"| {one.wav} | {one.speaker:.2f} | {one.other:.2f} |" for one in self.spoken]
        speaker, other = mean_of(self.recordings)
        lines.append(f"| {len(self.recordings)} recordings | {speaker:.2f} | {other:.2f} |")
        return "\n".join(lines)


def likened(wav: Path, vector: Vector, own: Sequence[Vector], others: Sequence[Vector]) -> Likened:
    """Beside the mean of the speaker's recordings, and beside each of the others. Vectors [256] of
    length 1."""
    return Likened(
        wav, float(vector @ mean_voice(own)), max(float(vector @ other) for other in others)
    )


def mean_of(sounds: Sequence[Likened]) -> tuple[float, float]:
    """Likeness to the speaker, and to the nearest other."""
    return (
        float(np.mean([one.speaker for one in sounds])),
        float(np.mean([one.other for one in sounds])),
    )
