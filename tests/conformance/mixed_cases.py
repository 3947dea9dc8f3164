"""Golden mixed texts: where the language changes, and cutting a text into pieces.

The recorded `detector` answers are fed to the splitter. A recording holds only the best answer
to each question; the further candidates come from the model that it was made with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ray_pipeline.core.errors import PipelineError
from ray_pipeline.text import phonemize
from ray_pipeline.text.mixed import small_detector, split_by_language
from ray_pipeline.voice.cutting import cut, pieces

Difference = str


def compare_segments(line: dict[str, Any]) -> list[Difference]:
    """Nothing, or one line that says how our segments differ."""
    detector = recorded(line["detector"])
    try:
        read = phonemize(line["text"], line["mode"], strict_compat=True, detector=detector).text
    except PipelineError:
        read = line["text"]
    segments = split_by_language(read, line["mode"], detector=detector)
    ours = [[segment.language, segment.text] for segment in segments]
    if ours == line["segments"]:
        return []
    return [f"{line['id']} {line['mode']}\n  ours   {ours}\n  golden {line['segments']}"]


def recorded(answers: list[list[str]]) -> Callable[[str], Sequence[str]]:
    best: dict[str, str] = dict(answers)

    def detect(text: str) -> Sequence[str]:
        live = small_detector(text)
        return [best[text], *live[1:]] if text in best else live

    return detect


def compare_cuts(line: dict[str, Any]) -> list[Difference]:
    """A line for each method and column in which our pieces differ."""
    columns: list[tuple[str, Callable[[str], list[str]]]] = [
        ("cut", lambda method: cut(line["text"], method)),  # type: ignore[arg-type]
        ("pre_seg_zh", lambda method: _pieces(line["text"], "zh", method)),
        ("pre_seg_en", lambda method: _pieces(line["text"], "en", method)),
    ]
    differences = []
    for column, ours_by in columns:
        for method, golden in line[column].items():
            ours = ours_by(method)
            if not _same(ours, golden):
                differences.append(
                    f"{line['id']} {column} {method}\n  ours   {ours}\n  golden {golden}"
                )
    return differences


def _pieces(text: str, language: str, method: Any) -> list[str]:
    return pieces(text, language, method, strict_compat=True)


def _same(ours: list[str], golden: Any) -> bool:
    if isinstance(golden, dict):  # the reference raises; we have nothing to say
        return ours == []
    if isinstance(golden, str):
        # Blank pieces are none: the original's newline for a text of marks alone is our nothing.
        return "\n".join(ours) == golden or (not ours and not golden.strip())
    return bool(ours == golden)
