from pathlib import Path

import pytest

from ray_pipeline.audio.wav import duration_seconds
from ray_pipeline.voice.choosing import Candidate, choose
from tests.voice.conftest import SPEECH


def clip(name: str, seconds: float, trust: float = 0.5, language: str = "en") -> Candidate:
    return Candidate(Path(name), f"Text of {name}.", language, seconds, trust)


def test_a_trusted_transcript_wins_then_the_length_nearest_to_six_seconds(tmp_path: Path) -> None:
    clips = [clip("a", 9.0), clip("b", 5.5), clip("c", 6.0, 0.3), clip("d", 6.1), clip("e", 2.0)]
    assert choose(clips, tmp_path / "made.wav").clips[0].path.name == "d"
    clips.append(clip("f", 9.9, 1.0))
    choice = choose(clips, tmp_path / "made.wav")
    assert choice.reference.wav_path.name == "f"
    assert choice.reference.text == "Text of f."
    assert not choice.warning


def test_the_order_of_the_clips_does_not_matter(tmp_path: Path) -> None:
    clips = [clip(name, 5.0) for name in "abcd"]
    chosen = {choose(clips[i:] + clips[:i], tmp_path / "x.wav").clips[0].path for i in range(4)}
    assert len(chosen) == 1


def test_a_short_clip_is_repeated_to_three_seconds_with_a_warning(tmp_path: Path) -> None:
    path = SPEECH / "LJ001-0002.flac"
    only = Candidate(path, "in being comparatively modern.", "en", duration_seconds(path))
    choice = choose([only], tmp_path / "made.wav")
    assert 3.0 <= duration_seconds(choice.reference.wav_path) <= 10.0
    assert choice.reference.text == "in being comparatively modern. in being comparatively modern."
    assert "LJ001-0002.flac" in choice.warning


def test_short_clips_of_one_language_are_joined(tmp_path: Path) -> None:
    path = SPEECH / "LJ001-0002.flac"
    seconds = duration_seconds(path)
    clips = [
        Candidate(path, "one.", "en", seconds, 0.9),
        Candidate(path, "two.", "en", seconds, 0.8),
        Candidate(path, "別の。", "ja", seconds, 0.1),
    ]
    choice = choose(clips, tmp_path / "made.wav")
    assert sorted(choice.reference.text.split()) == ["one.", "two."]
    assert choice.reference.language == "en"


def test_a_long_clip_is_shortened_and_loses_its_text(tmp_path: Path) -> None:
    import numpy as np

    from ray_pipeline.audio.wav import write_float32

    path = tmp_path / "long.wav"
    write_float32(path, np.full(32000 * 12, 0.1, dtype=np.float32))
    choice = choose([Candidate(path, "A long text.", "en", 12.0)], tmp_path / "made.wav")
    assert duration_seconds(choice.reference.wav_path) == pytest.approx(10.0)
    assert choice.reference.text == ""
    assert "long.wav" in choice.warning
