from pathlib import Path

import pytest

from ray_pipeline.core.errors import NothingUsable
from ray_pipeline.core.step_names import StepName
from tests.steps.audio_task import AudioTask

CONVERT = StepName.CONVERT_AUDIO
ODD_NAME = '-it\'s "odd" 录音 📢.flac'


@pytest.mark.usefixtures("ray_cluster")
def test_recordings_are_converted_and_what_is_broken_is_set_aside(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    task.upload_speech("LJ001-0002", ODD_NAME)
    task.upload_speech("LJ001-0043", "talk (2).flac")
    task.upload("broken.wav", "this is no recording")
    task.upload("talk (2).txt", "A transcript is no recording.")

    result = task.run(CONVERT)

    assert task.files("converted_wav") == sorted([f"{ODD_NAME}.wav", "talk (2).flac.wav"])
    assert (result.summary["converted"], result.summary["files"]) == (2, 3)
    assert [clip["name"] for clip in result.summary["set_aside"]] == ["broken.wav"]
    assert any("broken.wav is not a sound file" in warning for warning in result.warnings)
    details = task.manifest(CONVERT).clips["talk (2).flac"].details
    assert details["seconds"] == pytest.approx(3.896, abs=0.01)
    assert (details["channels"], details["sample_rate"]) == (1, 22_050)
    assert task.progress.advances[-1][:2] == (3, 3)

    # A second run converts nothing again; a removed recording loses its WAV.
    before = (task.workspace.converted_wav / "talk (2).flac.wav").stat().st_mtime_ns
    (task.workspace.input_audio / ODD_NAME).unlink()
    again = task.run(CONVERT)
    assert again.summary["unchanged"] == 2
    assert task.files("converted_wav") == ["talk (2).flac.wav"]
    assert (task.workspace.converted_wav / "talk (2).flac.wav").stat().st_mtime_ns == before

    # Unless it has to, or an option that matters has changed.
    assert task.run(CONVERT, force=True).summary["unchanged"] == 0
    with pytest.raises(NothingUsable, match="too short"):
        task.run(CONVERT, min_seconds=10)


def test_a_task_without_recordings_says_how_to_upload(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    task.upload("only.txt", "Hello.")
    with pytest.raises(NothingUsable, match="files/upload"):
        task.run(CONVERT)
