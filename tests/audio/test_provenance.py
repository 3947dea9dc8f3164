"""Files of synthetic speech say what they are, in every format that has a place for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ray_pipeline.audio.detecting import detect
from ray_pipeline.audio.encoding import make_encoder
from ray_pipeline.audio.provenance import Provenance, provenance_in, tags_in
from ray_pipeline.core.errors import StepFailed
from tests.audio.test_encoding import decoded, voice_like

SPOKEN = Provenance(["安娜@3", "ben@1"], ["mini", "v2Pro"], 5)


def write(path: Path, tags: dict[str, str] | None) -> Path:
    encoder = make_encoder(path.suffix[1:], tags)
    path.write_bytes(encoder.feed(voice_like(0.5)) + encoder.finish())
    return path


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav"])
def test_each_format_tells_voice_version_model_and_seed(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"speech.{name}", SPOKEN.tags())
    found = provenance_in(tags_in(path))
    assert found == {
        "generator": "gpt-sovits-ray",
        "voices": ["安娜@3", "ben@1"],
        "models": ["mini", "v2Pro"],
        "seed": 5,
    }
    assert detect(path).is_synthetic
    heard = decoded(path.read_bytes(), name)
    assert np.abs(heard).max() > 0.4


@pytest.mark.parametrize("name", ["mp3", "wav", "aac"])
def test_a_file_without_such_tags_says_nothing(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"speech.{name}", None)
    assert provenance_in(tags_in(path)) is None


def test_foreign_tags_are_passed_over() -> None:
    assert provenance_in({"comment": "a song", "synthetic_speech": "[1]"}) is None
    assert provenance_in({"synthetic_speech": "{", "title": "x"}) is None


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Anna")
    with pytest.raises(StepFailed, match="cannot be read as sound"):
        detect(path)
