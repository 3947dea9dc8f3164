from pathlib import Path
from typing import Any

import pytest

from ray_pipeline.core.workspace import Experiment
from ray_pipeline.voice.spoken_rate import spoken_too_fast


def piece(num_phones: int, seconds: float) -> dict[str, Any]:
    return {
        "text": " Many words.",
        "phones": ["a"] * num_phones,
        "num_tokens": round(25 * seconds),
    }


def clips_at(root: Path, *rates: int) -> Experiment:
    """An experiment with clips of two seconds at so many phones a second."""
    folder = Experiment(root)
    texts = [f"{n}.wav\t{' '.join(['a'] * 2 * rate)}\tNone\tx\n" for n, rate in enumerate(rates)]
    tokens = [f"{n}.wav\t{' '.join(['7'] * 50)}\n" for n, _ in enumerate(rates)]
    folder.phones_table.write_text("".join(texts), "utf-8")
    folder.semantic_table.write_text("".join(["name\tsemantic\n", *tokens]), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("rates", "most"),
    [
        ([5, 6, 7], 16),  # slow Mandarin: its voice may speak English too
        ([10, 10, 10], 20),
        ([12, 13, 14], 25),  # what training takes at most
        ([], 25),
        ([10] * 30 + [24], 20),  # the text of one is not its own
    ],
)
def test_a_piece_far_faster_than_the_clips_is_told(
    tmp_path: Path, rates: list[int], most: int
) -> None:
    experiment = clips_at(tmp_path, *rates)
    assert spoken_too_fast([piece(2 * most, 2.0)], experiment) == []
    [sentence] = spoken_too_fast([piece(40, 3.0), piece(2 * most + 1, 2.0)], experiment)
    assert sentence.startswith("The voice spoke 'Many words.' in 2.0 s")
    assert f"for {most} at most" in sentence


def test_weights_without_clips_are_measured_by_what_training_takes(tmp_path: Path) -> None:
    assert spoken_too_fast([piece(50, 2.0)], Experiment(tmp_path)) == []
    assert spoken_too_fast([piece(52, 2.0)], Experiment(tmp_path))


def test_a_word_or_two_may_be_fast(tmp_path: Path) -> None:
    assert spoken_too_fast([piece(14, 0.44)], Experiment(tmp_path)) == []
