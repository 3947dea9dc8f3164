"""Golden texts: phones, language segments and cuts against the reference's, line by line.

`main("text", files)` prints for each file the sentences whose phones are all equal, the phone
error rate (edits over golden phones), the consistency of word2ph and the sentences that differ.
A text at which we fail counts as one without phones. `main("mixed", files)` and
`main("cut", files)` print the lines whose segments or pieces are equal, and those that differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray_pipeline.core.errors import PipelineError
from ray_pipeline.text import Phones, phonemize_language
from tests.conformance.mixed_cases import compare_cuts, compare_segments


@dataclass(frozen=True)
class Threshold:
    """`equal`: at least this share of sentences; `error_rate`: at most this share of phones."""

    equal: float
    error_rate: float


THRESHOLDS = {
    "zh": Threshold(0.95, 0.005),
    "en": Threshold(0.92, 0.01),
    "ja": Threshold(0.95, 0.005),
    "ko": Threshold(0.95, 0.005),
    "yue": Threshold(0.95, 0.005),
}


@dataclass
class Score:
    """Counts over one file; `differing` holds the lines to print about what went wrong."""

    sentences: int = 0
    equal: int = 0
    phones: int = 0
    edits: int = 0
    with_word2ph: int = 0
    consistent: int = 0
    differing: list[str] = field(default_factory=list)

    def passes(self, threshold: Threshold) -> bool:
        return (
            self.sentences > 0
            and self.equal >= threshold.equal * self.sentences
            and self.edits <= threshold.error_rate * self.phones
            and self.consistent == self.with_word2ph
        )


def score_file(path: Path) -> tuple[str, Score]:
    """The language of a file of golden lines, and how well we do on it."""
    lines = _read(path)
    score = Score()
    for line in lines:
        _compare(line, score)
    return (lines[0]["language"] if lines else ""), score


def edit_distance(ours: Sequence[str], golden: Sequence[str]) -> int:
    """Levenshtein's."""
    row = list(range(len(golden) + 1))
    for index, phone in enumerate(ours, 1):
        previous, row[0] = row[0], index
        for column, wanted in enumerate(golden, 1):
            change = previous + (phone != wanted)
            previous, row[column] = row[column], min(change, row[column] + 1, row[column - 1] + 1)
    return row[-1]


def main(kind: str, files: Iterable[Path | str]) -> int:
    """0 when every file meets its thresholds. `kind`: text, mixed or cut."""
    checks = {
        "text": _check_text,
        "mixed": lambda path: _check_lines(path, compare_segments, least_equal=0.95),
        "cut": lambda path: _check_lines(path, compare_cuts, least_equal=1.0),
    }
    if kind not in checks:
        raise ValueError(f"no check for {kind!r}; there are {', '.join(checks)}")
    results = [_check_file(checks[kind], Path(file)) for file in files]
    return 0 if results and all(results) else 1


def _check_file(check: Callable[[Path], bool], path: Path) -> bool:
    try:
        return check(path)
    except Exception as error:
        print(f"FAIL {path.name}: {_describe(error)}")
        return False


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _check_lines(
    path: Path, compare: Callable[[dict[str, Any]], list[str]], least_equal: float
) -> bool:
    found = [_differences(compare, line) for line in _read(path)]
    equal = sum(not differences for differences in found)
    passed = bool(found) and equal >= least_equal * len(found)
    for difference in (text for differences in found for text in differences):
        print(difference)
    print(f"{'pass' if passed else 'FAIL'} {path.name}: {equal}/{len(found)} lines equal")
    return passed


def _differences(compare: Callable[[dict[str, Any]], list[str]], line: dict[str, Any]) -> list[str]:
    try:
        return compare(line)
    except Exception as error:
        return [f"{line.get('id')} {_describe(error)}"]


def _check_text(path: Path) -> bool:
    language, score = score_file(path)
    threshold = THRESHOLDS.get(language)
    passed = threshold is not None and score.passes(threshold)
    for line in score.differing:
        print(line)
    print(
        f"{'pass' if passed else 'FAIL'} {path.name}: "
        f"{score.equal}/{score.sentences} sentences equal, "
        f"PER {score.edits / max(1, score.phones):.2%}, "
        f"word2ph {score.consistent}/{score.with_word2ph} consistent"
    )
    return passed


def _compare(line: dict[str, Any], score: Score) -> None:
    # The dictionary inside pyopenjtalk-plus's wheel puts other accents; it has its own column.
    golden = line.get("phones_plus") or line["phones"]
    result = _phonemize(line)
    ours = result.phones if isinstance(result, Phones) else []
    score.sentences += 1
    score.phones += len(golden)
    if ours == golden:
        score.equal += 1
    else:
        score.edits += edit_distance(ours, golden)
        said = " ".join(ours) if ours else f"refused: {result}"
        score.differing.append(
            f"{line['id']} {line['text']!r}\n  ours   {said}\n  golden {' '.join(golden)}"
        )
    if line["word2ph"] is not None and isinstance(result, Phones):
        score.with_word2ph += 1
        score.consistent += _is_consistent(result)


def _phonemize(line: dict[str, Any]) -> Phones | str:
    """The phones, or why there are none."""
    try:
        return phonemize_language(line["text"], line["language"], strict_compat=True)
    except PipelineError as error:
        return str(error)
    except Exception as error:  # a mistake of ours, in one sentence of many
        return _describe(error)


def _is_consistent(result: Phones) -> bool:
    counts = result.word2ph
    return (
        counts is not None
        and len(counts) == len(result.norm_text)
        and sum(counts) == len(result.phones)
    )


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
