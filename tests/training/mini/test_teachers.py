from dataclasses import replace
from pathlib import Path

import pytest

from ray_pipeline.models.mini.config import LANGUAGES
from ray_pipeline.training.mini.teachers import (
    for_language,
    load_teachers,
    save_teachers,
    shipped_teachers,
)
from tests.training.mini.test_step import clips


def test_clips_keep_their_language_in_the_file(tmp_path: Path) -> None:
    first, *rest = clips()
    save_teachers(tmp_path / "t.npz", [replace(first, language="zh"), *rest])

    assert [clip.language for clip in load_teachers(tmp_path / "t.npz")][:2] == ["zh", ""]


def test_those_of_the_voices_language_are_heard_three_times_as_often() -> None:
    one = clips()[0]
    both = [replace(one, language="en"), replace(one, language="zh")]

    assert [clip.language for clip in for_language(both, "zh")] == ["zh", "zh", "zh", "en"]
    assert [clip.language for clip in for_language(both, "auto")] == ["en", "zh"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_of_the_base_has_teachers(language: str) -> None:
    own = [clip for clip in shipped_teachers() if clip.language == language]

    assert sum(clip.seconds for clip in own) > 120
