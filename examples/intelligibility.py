"""Word error rates by an independent recogniser, with what they have to be held against."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from examples.report import Spoken

_NUM_CONTROLS = 3
MODELS = Path("models")


def word_error_rates(spoken: Mapping[str, Spoken], samples: Path) -> str:
    """A table in Markdown, or why there is none."""
    from ray_pipeline.core.errors import BackendMissing

    controls = [line.split("|") for line in (samples / "transcripts.list").read_text().splitlines()]
    wanted = [(one.wav, one.text) for one in spoken.values()]
    wanted += [(samples / row[0], row[3]) for row in controls[:_NUM_CONTROLS]]
    try:
        heard = _hear([path for path, _ in wanted])
    except BackendMissing as missing:
        return f"Not measured: {missing}"
    lines = ["| file | word error rate | heard |", "| --- | ---: | --- |"]
    for (path, said), text in zip(wanted, heard, strict=True):
        lines.append(f"| {path} | {word_error_rate(said, text):.2f} | {text or '(nothing)'} |")
    lines.append(
        "\nReported, not judged: the last rows are recordings of the speaker, so they show what "
        "the recogniser itself gets wrong; it also invents phrases where there is no speech."
    )
    return "\n".join(lines)


def _hear(paths: Sequence[Path]) -> list[str]:
    from ray_pipeline.asr.backends import choose_recogniser
    from ray_pipeline.asr.transcribing import transcribe

    choice = choose_recogniser("whisper", MODELS, "en")
    return [heard.text for heard in transcribe(paths, "en", choice, num_threads=2)]


def word_error_rate(said: str, heard: str) -> float:
    """Levenshtein distance in words, by the number of words said; case and marks ignored."""
    reference = words(said)
    return edit_distance(reference, words(heard)) / max(len(reference), 1)


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
