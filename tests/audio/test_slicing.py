from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ray_pipeline.audio.slicing import (
    ReadRange,
    SlicerSettings,
    auto_threshold_db,
    cut_clip,
    level_clip,
    rms_curve,
    slice_recording,
    split_range,
    trimmed_bounds,
)
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import StepFailed
from tests.conformance.slicer_cases import main, make_input, read_cases, run_case

GOLDEN = Path(__file__).parent / "data" / "slicer.jsonl"

Stretch = tuple[str, int, float]


def reader(audio: NDArray[np.float32]) -> ReadRange:
    return lambda start, stop: audio[start:stop]


@pytest.mark.parametrize("case", read_cases(GOLDEN), ids=lambda case: case["id"])
def test_clips_equal_the_originals(case: dict[str, object]) -> None:
    """Recorded from GPT-SoVITS's slicing step: bounds and int16 samples."""
    assert run_case(case).problems == []


def test_conformance_command_reports_a_changed_sample(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *_ = GOLDEN.read_text("utf-8").splitlines()
    changed = tmp_path / "changed.jsonl"
    changed.write_text(first.replace('"sha256": "e659', '"sha256": "0000'))
    assert main([GOLDEN]) == 0
    assert main([changed]) == 1
    assert "0 passed, 1 failed" in capsys.readouterr().out


stretches = st.lists(
    st.tuples(
        st.sampled_from(["noise", "zero"]),
        st.integers(50, 2500),
        st.sampled_from([0.001, 0.05, 0.5]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(stretches, st.integers(1, 1000))
def test_clips_are_in_order_and_do_not_overlap(recipe: list[Stretch], seed: int) -> None:
    audio = make_input(seed, recipe)
    chosen = SlicerSettings(min_length=1000, min_interval=200, max_silence_kept=300)
    clips = list(slice_recording(reader(audio), len(audio), chosen, max_seconds=2))
    for clip in clips:
        assert 0 <= clip.start < clip.end
        assert len(clip.samples) == min(clip.end, len(audio)) - clip.start
        assert len(clip.samples) <= 2 * SAMPLE_RATE
    for one, next_one in pairwise(clips):
        assert one.end <= next_one.start


@settings(max_examples=25, deadline=None)
@given(stretches)
def test_no_loud_sample_is_lost(recipe: list[Stretch]) -> None:
    audio = make_input(7, [*recipe, ("noise", 500, 0.5)])
    chosen = SlicerSettings(min_length=1000, min_interval=200, max_silence_kept=300)
    kept = np.zeros(len(audio) + chosen.hop_samples, bool)
    for clip in slice_recording(reader(audio), len(audio), chosen):
        kept[clip.start : clip.end] = True
    assert (np.abs(audio[~kept[: len(audio)]]) < 0.1).all()


def test_rms_curve_is_the_same_in_blocks_as_at_once() -> None:
    audio = make_input(3, [("noise", 50_000, 0.3)])
    curve = rms_curve(reader(audio), len(audio), 320, 1280)
    padded = np.pad(audio, 640)
    for frame in (0, 1, 4095, 4096, len(curve) - 1):
        window = padded[frame * 320 : frame * 320 + 1280]
        assert curve[frame] == pytest.approx(np.sqrt(np.mean(window**2)), rel=1e-5)
    assert len(curve) == 1 + len(audio) // 320


def test_only_a_block_at_a_time_is_read() -> None:
    lengths: list[int] = []

    def read(start: int, stop: int) -> NDArray[np.float32]:
        lengths.append(stop - start)
        return np.full(stop - start, 0.1, np.float32)

    hour = 3600 * SAMPLE_RATE
    clips = slice_recording(read, hour, SlicerSettings(), max_seconds=50)
    assert sum(len(clip.samples) for clip in clips) == hour
    assert max(lengths) <= 50 * SAMPLE_RATE


def test_a_clip_over_the_limit_is_split_at_its_quietest_frame() -> None:
    curve = np.full(1000, 0.5, np.float32)
    curve[[300, 420]] = 0.2, 0.1
    assert split_range(curve, (0, 700), 500) == [(0, 420), (420, 700)]
    assert split_range(curve, (0, 500), 500) == [(0, 500)]


def test_a_file_shorter_than_a_few_frames_is_refused() -> None:
    with pytest.raises(StepFailed, match="too short to slice"):
        list(slice_recording(reader(np.ones(320, np.float32)), 320, SlicerSettings()))


def test_trimming_takes_only_the_silence_at_the_edges() -> None:
    audio = make_input(
        5, [("zero", 2000, 0), ("noise", 1000, 0.5), ("zero", 1500, 0), ("noise", 800, 0.4),
            ("zero", 3000, 0)]
    )  # fmt: skip
    start, end = trimmed_bounds(reader(audio), len(audio), SlicerSettings())
    assert start / SAMPLE_RATE == pytest.approx(1.5, abs=0.05)
    assert end / SAMPLE_RATE == pytest.approx(5.8, abs=0.05)
    clip = cut_clip(reader(audio), len(audio), start, end, SlicerSettings())
    assert len(clip.samples) == end - start


def test_trimming_does_not_take_quiet_speech_for_silence() -> None:
    audio = make_input(5, [("noise", 3000, 0.002), ("noise", 500, 0.01), ("noise", 3000, 0.002)])
    start, end = trimmed_bounds(reader(audio), len(audio), SlicerSettings())
    assert (start, end) == (0, len(audio))


def test_levelling_raises_quiet_clips_and_leaves_silence() -> None:
    quiet = np.array([0.1, -0.05], np.float32)
    assert np.abs(level_clip(quiet, 0.9, 0.25)).max() == int((0.225 + 0.075) * 32767)
    assert not level_clip(np.zeros(10, np.float32), 0.9, 0.25).any()


def test_an_automatic_threshold_keeps_quiet_speech_that_the_default_drops() -> None:
    speech = [("noise", 4500, 0.02), ("noise", 700, 0.0008)]
    audio = make_input(9, speech * 3)
    fixed = list(slice_recording(reader(audio), len(audio), SlicerSettings()))
    found = list(slice_recording(reader(audio), len(audio), SlicerSettings(threshold_db=None)))
    assert fixed == []
    assert len(found) == 3
    assert sum(len(clip.samples) for clip in found) > 3 * 4.5 * SAMPLE_RATE


def test_an_automatic_threshold_lies_between_noise_and_speech() -> None:
    curve = np.concatenate([np.full(300, 0.001), np.full(700, 0.1)]).astype(np.float32)
    assert auto_threshold_db(curve) == pytest.approx(-60 + 0.35 * 40, abs=0.1)
    assert auto_threshold_db(np.zeros(100, np.float32)) == pytest.approx(-120)
