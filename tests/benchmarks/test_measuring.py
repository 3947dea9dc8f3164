"""What the benchmarks of speech measure with."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cost import in_own_process
from benchmarks.speech.corpus import join, read_corpus, spread
from benchmarks.speech.errors import Errors, count, total
from benchmarks.speech.kept import Span, inside, put_back, share
from benchmarks.speech.noises import add, noises
from ray_pipeline.audio.levels import rms, si_sdr
from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import SAMPLE_RATE

ENGLISH = Path(__file__).parents[1] / "data" / "speech_en"


_COSTLY = """
import numpy as np
from benchmarks.cost import Cost
with Cost() as cost:
    block = np.ones(8_000_000)  # 64 MB
    del block
print(cost.peak_mb, cost.cpu_seconds)
"""


@pytest.mark.parametrize(
    ("said", "heard", "language", "errors"),
    [
        ("in fourteen fifty-five, or so", "In 1455 or so.", "en", Errors(0, 6)),
        ("the middle ages", "the riddle of ages", "en", Errors(2, 3)),
        ("百分之三点五的增长", "3.5%的增長。", "zh", Errors(0, 9)),
        ("有个倍数", "有個倍", "zh", Errors(1, 4)),
        ("有个倍数", "", "zh", Errors(4, 4)),
    ],
)
def test_only_what_sounds_different_is_an_error(
    said: str, heard: str, language: str, errors: Errors
) -> None:
    assert count(said, heard, language) == errors


def test_rates_are_over_all_units_not_over_files() -> None:
    assert total([Errors(1, 1), Errors(0, 9)]).rate == 0.1


def test_long_recordings_hold_every_utterance_with_pauses_between(tmp_path: Path) -> None:
    utterances = read_corpus(ENGLISH)
    recordings = join(utterances, tmp_path, max_seconds=10)
    assert len(recordings) == 2
    assert " ".join(one.text for one in recordings) == " ".join(one.text for one in utterances)
    speech = sum(len(read_mono(one.path)[0]) for one in utterances)
    joined = np.concatenate([read_mono(one.path)[0] for one in recordings])
    assert 0.2 * 4 < (len(joined) - speech) / 22_050 < 1.2 * 4
    first_pause = joined[: int(0.2 * 22_050)]
    assert 0 < rms(first_pause) < 0.1 * rms(joined)


@pytest.mark.parametrize("kind", ["white", "pink", "hum", "babble"])
def test_noise_is_added_at_the_ratio_asked_for(kind: str) -> None:
    utterances = read_corpus(ENGLISH)
    clean, rate = read_mono(utterances[0].path)
    noise = noises(utterances[1:])[kind](len(clean), rate, np.random.default_rng(0))
    noisy = add(clean, noise, 5)
    assert rms(clean) / rms(noisy - clean) == pytest.approx(10 ** (5 / 20), rel=1e-3)
    assert si_sdr(noisy, clean) == pytest.approx(5, abs=1)


def test_clips_are_taken_from_all_over_the_corpus() -> None:
    utterances = read_corpus(ENGLISH)
    assert spread(utterances, 2) == [utterances[0], utterances[-1]]
    assert spread(utterances, 99) == utterances


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_cost_counts_processor_time_and_the_memory_at_its_peak() -> None:
    # In a process of its own: this one may have had a higher peak before.
    run = subprocess.run(
        [sys.executable, "-c", _COSTLY], capture_output=True, text=True, check=True
    )
    peak_mb, cpu_seconds = map(float, run.stdout.split())
    assert 60 < peak_mb < 100
    assert cpu_seconds > 0


def test_a_process_of_its_own_gives_back_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "talks.py").write_text("print('loading')\nprint('{\"answer\": 42}')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert in_own_process("talks") == {"answer": 42}


def test_the_share_counts_milliseconds_of_speech_inside_clips() -> None:
    speech = np.repeat([False, True, True, False], 1000)
    second = Span(SAMPLE_RATE, 2 * SAMPLE_RATE)
    assert share([(speech, inside([second], len(speech)))]) == 0.5
    beyond = np.ones(5000, bool)  # what lies behind the recording's end counts for nothing
    assert share([(speech, beyond)]) == 1.0


def test_clips_are_put_back_where_they_were_cut() -> None:
    clip = np.ones(4, np.float32)
    assert put_back([(Span(2, 6), clip)], 5).tolist() == [0, 0, 1, 1, 1]
