"""The order of things around a back-end, with one that says how long a piece is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ray_pipeline.asr.pieces import RATE, Span
from ray_pipeline.asr.recogniser import Recognition
from ray_pipeline.asr.transcribing import recognise_files
from ray_pipeline.core.audio_format import Waveform
from tests.audio.signals import tone


@dataclass
class Ruler:
    """Says the seconds of each piece; fails on a batch with one of `bad` whole seconds."""

    batch_size: int = 3
    precision: str = "float32"
    bad: tuple[int, ...] = ()
    speech: list[Span] | None = None
    batches: list[list[int]] = field(default_factory=list)

    def find_speech(self, waveform: Waveform) -> list[Span] | None:
        return self.speech

    def recognise(self, pieces: Sequence[Waveform], language: str | None) -> list[Recognition]:
        seconds = [round(len(piece) / RATE) for piece in pieces]
        self.batches.append(seconds)
        if set(seconds) & set(self.bad):
            raise RuntimeError("out of memory")
        return [Recognition(f"{count} s", language or "en", count / 100) for count in seconds]


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    paths = []
    for seconds in (5, 2, 4, 3):
        paths.append(tmp_path / f"{seconds}.wav")
        soundfile.write(paths[-1], tone(seconds, 32_000), 32_000)
    return paths


def test_clips_are_heard_in_batches_of_like_lengths_and_answered_in_order(
    clips: list[Path],
) -> None:
    ruler = Ruler()
    answers = recognise_files(ruler, clips, "zh")
    assert [answer.text for answer in answers] == ["5 s", "2 s", "4 s", "3 s"]
    assert ruler.batches == [[2, 3, 4], [5]]
    assert answers[0].segments == ((0.0, 5.0),)


def test_a_file_that_cannot_be_read_comes_back_with_its_reason(
    clips: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound at all")
    answers = recognise_files(Ruler(), [clips[0], bad, tmp_path / "gone.wav", clips[1]], "en")
    assert [answer.text for answer in answers] == ["5 s", "", "", "2 s"]
    assert "bad.wav cannot be read" in answers[1].problem
    assert "gone.wav cannot be read" in answers[2].problem


def test_a_clip_that_fails_does_not_take_its_batch_with_it(
    clips: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    ruler = Ruler(bad=(3,))
    answers = recognise_files(ruler, clips, "en")
    assert [answer.text for answer in answers] == ["5 s", "2 s", "4 s", ""]
    assert answers[3].problem == "RuntimeError: out of memory"
    assert [record.message for record in caplog.records] == ["a clip could not be recognised"]
    assert ruler.batches == [[2, 3, 4], [2], [3], [4], [5]]


def test_a_clip_in_which_speech_cannot_be_looked_for_is_set_aside_alone(
    clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_speech(self: Ruler, waveform: Waveform) -> None:
        if len(waveform) > 4.5 * RATE:
            raise ValueError("too long for this detector")

    monkeypatch.setattr(Ruler, "find_speech", find_speech)
    answers = recognise_files(Ruler(), clips, "en")
    assert answers[0].problem == "ValueError: too long for this detector"
    assert [answer.text for answer in answers[1:]] == ["2 s", "4 s", "3 s"]


def test_a_clip_without_speech_is_not_given_to_the_recogniser(clips: list[Path]) -> None:
    ruler = Ruler(speech=[])
    (answer,) = recognise_files(ruler, clips[:1], "en")
    assert (answer.text, answer.confidence, answer.problem) == ("", None, "")
    assert ruler.batches == []


def test_a_long_clip_is_put_together_again(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, tone(50, RATE), RATE)
    ruler = Ruler(speech=[(0.0, 20.0), (20.4, 50.0)])
    (english,) = recognise_files(ruler, [path], "en")
    (chinese,) = recognise_files(ruler, [path], "zh")
    assert english.text == "20 s 30 s"
    assert chinese.text == "20 s30 s"
    assert english.confidence == pytest.approx(0.2 * 0.4 + 0.3 * 0.6, abs=0.01)
    assert english.segments == ((0.0, 20.0), (20.4, 50.0))


def test_a_text_that_repeats_itself_has_no_confidence(clips: list[Path]) -> None:
    class Parrot(Ruler):
        def recognise(self, pieces: Sequence[Waveform], language: str | None) -> list[Recognition]:
            return [Recognition("thank you. " * 30, "en", 0.99) for _ in pieces]

    (answer,) = recognise_files(Parrot(), clips[:1], "en")
    assert answer.confidence == 0


def test_times_of_the_recogniser_count_from_the_start_of_the_clip(tmp_path: Path) -> None:
    class Timed(Ruler):
        def recognise(self, pieces: Sequence[Waveform], language: str | None) -> list[Recognition]:
            return [Recognition("a", "en", 1.0, ((0.5, 1.0),)) for _ in pieces]

    path = tmp_path / "clip.wav"
    soundfile.write(path, np.ones(10 * RATE, np.float32) / 2, RATE)
    (answer,) = recognise_files(Timed(speech=[(4.0, 6.0)]), [path], "en")
    assert answer.segments == ((4.3, 4.8),)
