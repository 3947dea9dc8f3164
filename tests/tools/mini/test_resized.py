import numpy as np
import pytest

from ray_pipeline.models.mini.sound import pitch
from tests.models.mini.speech import buzz
from tools.mini.recordings import Recording
from tools.mini.resized import resized


def test_a_smaller_speaker_is_higher_and_faster_and_the_durations_follow() -> None:
    wav = buzz(seconds=1.0, hz=150)
    clip = Recording(
        wav, 32_000, np.array([1, 50, 1], np.int16), np.array([0.2, 0.6, 0.2], np.float32),
        "text", "zh", "someone",
    )  # fmt: skip

    smaller = resized(clip, 1.2)

    assert len(smaller.wav) == pytest.approx(len(wav) / 1.2, abs=2)
    assert smaller.seconds.sum() == pytest.approx(1 / 1.2, abs=1e-3)
    hz = pitch(smaller.wav)
    assert np.median(hz[hz > 0]) == pytest.approx(180, rel=0.03)
