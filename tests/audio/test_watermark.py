"""The watermark: put, found, and found again after the formats that speech is sent in. Without
the library (`pip install gpt-sovits-ray[watermark]`) these skip; what happens then is tested in
tests/serve_app/speech/test_marking.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from ray_pipeline.audio.detecting import detect
from ray_pipeline.audio.encoding import make_encoder
from ray_pipeline.audio.watermark import Watermark, load_watermark
from ray_pipeline.core.audio_format import Waveform

SAMPLE = Path(__file__).parents[2] / "samples" / "LJ001-0004.flac"


@pytest.fixture(scope="module")
def mark() -> Watermark:
    found = load_watermark()
    if found is None:
        pytest.skip("resemble-perth is not installed, so there is no watermark to test")
    return found


@pytest.fixture(scope="module")
def speech() -> Waveform:
    wav, rate = soundfile.read(SAMPLE, dtype="float32")
    return soxr.resample(wav, rate, 32_000).astype(np.float32)[: 4 * 32_000]


def test_speech_has_the_mark_once_it_was_put(mark: Watermark, speech: Waveform) -> None:
    marked = mark.put(speech)
    assert len(marked) == len(speech)
    assert np.abs(marked).max() <= 1
    assert mark.is_in(speech[:64_000]) is False
    assert mark.is_in(marked[:64_000]) is True
    assert mark.is_in(marked[32_000:64_000]) is True
    assert np.array_equal(mark.put(speech), marked), "equal sound, equal mark"


def test_parts_are_marked_without_a_step_where_they_join(mark: Watermark, speech: Waveform) -> None:
    parts = [mark.put(speech[at : at + 12_800]) for at in range(0, len(speech), 12_800)]
    joined = np.concatenate(parts)
    assert mark.is_in(joined[:64_000]) is True
    joins = np.arange(12_800, len(speech), 12_800)
    added = joined - speech
    assert np.abs(added[joins]).max() < 1e-6
    assert np.abs(added[joins - 1]).max() < 1e-2


def test_silence_and_scraps_stay_as_they_are(mark: Watermark, speech: Waveform) -> None:
    silence = np.zeros(64_000, dtype=np.float32)
    assert mark.put(silence) is silence
    assert mark.is_in(silence) is None
    scrap = speech[:2000]
    assert mark.put(scrap) is scrap


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "wav"])
def test_it_is_found_in_files_of_each_format(
    mark: Watermark, speech: Waveform, name: str, tmp_path: Path
) -> None:
    for wav, is_marked in ((mark.put(speech), True), (speech, False)):
        encoder = make_encoder(name)
        path = tmp_path / f"speech.{name}"
        path.write_bytes(encoder.feed(wav) + encoder.finish())
        found = detect(path)
        assert found.watermark is is_marked
        assert found.is_synthetic is is_marked
        assert found.judged_seconds > 3.5
