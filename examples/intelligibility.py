"""What an independent recogniser hears of a voice, and what that has to be held against."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from examples.report import Spoken

_NUM_CONTROLS = 5
MODELS = Path("models")


@dataclass(frozen=True)
class Heard:
    """One WAV: what was to be said, and what Whisper heard."""

    wav: Path
    said: str
    heard: str

    @property
    def characters(self) -> int:
        return len(spelled(self.said))

    @property
    def errors(self) -> int:
        return edit_distance(spelled(self.said), spelled(self.heard))


@dataclass(frozen=True)
class Intelligibility:
    """`spoken` by the voice; `recordings` of the speaker, which show what the recogniser itself
    gets wrong."""

    spoken: list[Heard]
    recordings: list[Heard]

    @classmethod
    def of(cls, spoken: Mapping[str, Spoken], samples: Path) -> Intelligibility:
        """Raises BackendMissing where no recogniser is installed."""
        rows = (samples / "transcripts.list").read_text("utf-8").splitlines()
        controls = [row.split("|") for row in rows[:_NUM_CONTROLS]]
        wanted = [(one.wav, one.text) for one in spoken.values()]
        wanted += [(samples / row[0], row[3]) for row in controls]
        texts = _hear([path for path, _ in wanted])
        heard = [Heard(wav, said, text) for (wav, said), text in zip(wanted, texts, strict=True)]
        return cls(heard[: len(spoken)], heard[len(spoken) :])

    def table(self) -> str:
        """In Markdown."""
        lines = ["| file | said | heard | wrong characters |", "| --- | --- | --- | ---: |"]
        for one in [*self.spoken, *self.recordings]:
            share = one.errors / max(one.characters, 1)
            lines.append(f"| {one.wav} | {one.said} | {one.heard or '(nothing)'} | {share:.0%} |")
        lines.append(
            f"\nOver all: {error_share(self.spoken):.1%} of the characters that the voice says, "
            f"{error_share(self.recordings):.1%} of the recordings'."
        )
        return "\n".join(lines)


def error_share(heard: Sequence[Heard]) -> float:
    """Levenshtein distance in characters, by the number of characters that were to be said."""
    return sum(one.errors for one in heard) / max(sum(one.characters for one in heard), 1)


def _hear(paths: Sequence[Path]) -> list[str]:
    from ray_pipeline.asr.backends import choose_recogniser
    from ray_pipeline.asr.transcribing import transcribe

    choice = choose_recogniser("whisper", MODELS, "en")
    return [heard.text for heard in transcribe(paths, "en", choice, num_threads=2)]


def spelled(text: str) -> str:
    """Lower-case words with one blank between them: marks do not count."""
    return " ".join(words(text))


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def edit_distance(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Levenshtein: the fewest insertions, deletions and replacements between the two."""
    row = list(range(len(hypothesis) + 1))
    for i, item in enumerate(reference, start=1):
        previous, row = row, [i]
        for j, other in enumerate(hypothesis, start=1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (item != other)))
    return row[-1]
