import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ray_pipeline.audio.wav import write_float32
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import StepNotReady
from ray_pipeline.core.hand_cuts import HandCuts
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import sha256_of
from tests.conformance.slicer_cases import make_input
from tests.steps.audio_task import AudioTask

SLICE = StepName.SLICE_AUDIO
TWO_PARTS = [("noise", 5000, 0.5), ("zero", 800, 0.0), ("noise", 4500, 0.3)]


def add_converted(task: AudioTask, name: str, recipe: list[tuple[str, int, float]]) -> None:
    """A recording as if convert_audio had made it."""
    path = task.workspace.converted_wav / f"{name}.wav"
    samples = make_input(1, recipe)
    write_float32(path, samples)
    manifest = Manifest.load(task.workspace, StepName.CONVERT_AUDIO)
    details = {"seconds": len(samples) / SAMPLE_RATE}
    manifest.add(ClipEntry(name, "k", outputs=[task.workspace.relative(path)], details=details))
    manifest.save(task.workspace)


@pytest.mark.usefixtures("ray_cluster")
def test_recordings_are_cut_and_those_with_a_transcript_stay_whole(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    add_converted(task, "cut.mp3", TWO_PARTS)
    add_converted(task, "whole.mp3", TWO_PARTS)
    add_converted(task, "whole-by-list.mp3", TWO_PARTS)
    add_converted(task, "faint.mp3", [("noise", 5000, 0.001)])
    add_converted(task, "too-long.mp3", [("noise", 16_000, 0.3)])
    for name in ("whole.mp3", "too-long.mp3"):
        (task.workspace.input_audio / name).touch()
        task.upload(f"{name}.txt", "Both parts.")
    task.upload("all.list", "/old/whole-by-list.mp3|anna|EN|In the list.\nbad row\n")

    result = task.run(SLICE)

    assert task.files("sliced") == [
        "cut.mp3_0000000000_0000160640.wav",
        "cut.mp3_0000169280_0000329920.wav",
        "whole-by-list.mp3_0000000000_0000329600.wav",
        "whole.mp3_0000000000_0000329600.wav",
    ]
    clips = task.manifest(SLICE).clips
    whole = clips["whole.mp3_0000000000_0000329600.wav"].details
    assert (whole["uploaded_text"], whole["uploaded_language"]) == ("Both parts.", "en")
    assert whole["seconds"] == pytest.approx(10.3)
    cut = clips["cut.mp3_0000169280_0000329920.wav"].details
    assert (cut["source"], cut["start"], cut["end"]) == ("cut.mp3", 169_280, 329_920)
    aside = {clip["name"]: clip["reason"] for clip in result.summary["set_aside"]}
    assert "params.threshold" in aside["faint.mp3"]
    assert "lasts 16.0 s" in aside["too-long.mp3"]
    assert "shorter files" in aside["too-long.mp3"]
    # Each is said once: while the step ran, and in the same words at its end.
    said = [message for _, message in task.progress.warnings]
    assert sorted(said) == sorted(aside.values())
    assert set(said) < set(result.warnings)
    assert any("all.list, line 2" in warning for warning in result.warnings)

    # Only what has changed is cut again; the old clips go.
    task.upload("whole.mp3.txt", "Both parts, corrected.")
    add_converted(task, "cut.mp3", TWO_PARTS[:1])
    again = task.run(SLICE)
    assert again.summary["unchanged_files"] == 3
    assert "cut.mp3_0000169280_0000329920.wav" not in task.files("sliced")
    corrected = task.manifest(SLICE).clips["whole.mp3_0000000000_0000329600.wav"]
    assert corrected.details["uploaded_text"] == "Both parts, corrected."


@pytest.mark.usefixtures("ray_cluster")
def test_clips_longer_than_training_can_use_are_split(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    add_converted(task, "speech.mp3", [("noise", 25_000, 0.3)])
    result = task.run(SLICE, max_seconds=10)
    assert result.summary["clips"] >= 3
    assert result.summary["longest_seconds"] <= 10
    assert np.isclose(result.summary["seconds"], 25)


@pytest.mark.usefixtures("ray_cluster")
def test_the_threshold_can_be_found_for_each_recording(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    add_converted(task, "quiet.mp3", [("noise", 4500, 0.02), ("noise", 900, 0.0005)] * 2)
    add_converted(task, "loud.mp3", [("noise", 4500, 0.5), ("noise", 900, 0.0005)])
    result = task.run(SLICE, threshold="auto")
    assert result.summary["clips"] == 3
    found = result.summary["thresholds_db"]
    assert -66 < found["quiet.mp3"] < found["loud.mp3"] < -30
    assert task.progress.logs[-1].endswith("(2 recordings).")
    # What was asked for is shown as it was asked for, there and in the answers.
    assert task.manifest(SLICE).options["threshold"] == "auto"
    assert "thresholds_db" not in task.run(SLICE).summary


@pytest.mark.usefixtures("ray_cluster")
def test_much_sound_below_the_threshold_is_said_with_the_remedy(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    quiet = [("noise", 4500, 0.3), ("noise", 4000, 0.02), ("noise", 4500, 0.3)]
    add_converted(task, "half-quiet.mp3", quiet)
    [warning] = task.run(SLICE).warnings
    assert re.match("[34] of 13 s came into no clip", warning)
    assert '"auto"' in warning
    assert task.run(SLICE, threshold=-50).warnings == []


@pytest.mark.usefixtures("ray_cluster")
def test_nothing_is_missed_where_every_recording_has_its_text(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    add_converted(task, "word.mp3", TWO_PARTS)
    (task.workspace.input_audio / "word.mp3").touch()
    task.upload("WORD.TXT", "Both parts.")
    assert task.run(SLICE).warnings == []


def test_slicing_before_converting_names_the_missing_step(tmp_path: Path) -> None:
    with pytest.raises(StepNotReady, match="convert_audio"):
        AudioTask.in_folder(tmp_path).run(SLICE)


@pytest.mark.usefixtures("ray_cluster")
def test_a_clip_too_short_to_train_on_is_kept_and_said(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    add_converted(task, "word.mp3", [("noise", 400, 0.5)])
    (task.workspace.input_audio / "word.mp3").touch()
    task.upload("word.mp3.txt", "Yes.")
    result = task.run(SLICE)
    assert result.summary["clips"] == 1
    assert any("training leaves out clips under 0.6 s" in warning for warning in result.warnings)


@pytest.mark.usefixtures("ray_cluster")
def test_a_recording_is_cut_where_a_person_cut_it_as_long_as_it_is_the_same(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    add_converted(task, "cut.mp3", TWO_PARTS)
    (task.workspace.input_audio / "cut.mp3").touch()
    task.upload("cut.mp3.txt", "The whole of it.")
    path = task.workspace.converted_wav / "cut.mp3.wav"
    ranges = ((0, 64_000), (64_000, 160_000))
    cuts = HandCuts(recording="cut.mp3", sha256=sha256_of(path), ranges=ranges)
    task.hand_cuts = {"cut.mp3": cuts}

    result = task.run(SLICE)
    assert task.files("sliced") == cuts.clips
    assert result.summary["cut_by_hand"] == ["cut.mp3"]
    assert result.warnings == []
    assert task.manifest(SLICE).clips[cuts.clips[1]].details["seconds"] == 3.0

    # Moving one edge leaves the other clip's sound as it was.
    untouched = (task.workspace.sliced / cuts.clips[0]).read_bytes()
    cuts = replace(cuts, ranges=((0, 64_000), (70_000, 160_000)))
    task.hand_cuts = {"cut.mp3": cuts}
    assert task.run(SLICE).summary["unchanged_files"] == 0
    assert task.files("sliced") == cuts.clips
    assert (task.workspace.sliced / cuts.clips[0]).read_bytes() == untouched
    assert task.run(SLICE).summary["unchanged_files"] == 1

    # Cuts of another recording under the same name mean nothing.
    add_converted(task, "cut.mp3", TWO_PARTS[:1])
    again = task.run(SLICE)
    assert task.files("sliced") == ["cut.mp3_0000000000_0000160000.wav"]
    assert again.summary["cut_by_hand"] == []
    assert "another recording" in " ".join(again.warnings)
