import sys
from pathlib import Path

import numpy as np
import pytest

from examples.likeness import OTHERS, Likened, Likeness, likened
from examples.report import MIN_LIKENESS, Spoken, _likeness_check
from ray_pipeline.core.errors import BackendMissing
from tests import speech


def of_the_voice(speaker: float, other: float) -> Likeness:
    return Likeness([Likened(Path("a.wav"), speaker, other)], [Likened(Path("b.flac"), 0.9, 0.5)])


def test_a_voice_is_held_against_its_speaker_and_against_the_nearest_other():
    east, north = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    between = np.array([0.8, 0.6], np.float32)
    assert likened(Path("a.wav"), between, [east, east], [north, -east]) == Likened(
        Path("a.wav"), pytest.approx(0.8), pytest.approx(0.6)
    )


@pytest.mark.parametrize(
    ("speaker", "other", "passed"),
    [(0.84, 0.63, True), (MIN_LIKENESS - 0.01, 0.5, False), (0.8, 0.81, False)],
)
def test_only_a_voice_nearer_to_its_speaker_than_to_all_others_passes(speaker, other, passed):
    assert _likeness_check(of_the_voice(speaker, other)).passed == passed


def test_the_table_has_the_recordings_as_yardstick():
    assert (
        "| a.wav | 0.84 | 0.63 |\n| 1 recordings | 0.90 | 0.50 |"
        in of_the_voice(0.84, 0.63).table()
    )


def test_without_the_encoder_the_report_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "resemblyzer", None)
    with pytest.raises(BackendMissing, match=r"pip install --no-deps -r examples/requirements.txt"):
        Likeness.of({}, tmp_path)


def test_a_recording_of_the_speaker_passes_and_one_of_somebody_else_fails():
    pytest.importorskip("resemblyzer", reason="pip install --no-deps -r examples/requirements.txt")
    stranger = speech.FOLDER.parent / "speech_zh" / "BAC009S0150W0121.flac"
    paths = {"speaker": speech.FOLDER / speech.names()[0], "stranger": stranger}
    measured = Likeness.of({name: Spoken(path, "") for name, path in paths.items()}, speech.FOLDER)

    passed = [
        _likeness_check(Likeness([one], measured.recordings)).passed for one in measured.spoken
    ]
    assert passed == [True, False]
    assert len(list(OTHERS.glob("*.flac"))) == 7
