from pathlib import Path

from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import ClipTiming
from ray_pipeline.transcripts.clip_timing import clip_timings
from tests.steps.audio_task import AudioTask


def test_a_clips_place_is_known_when_cut_and_its_speech_when_heard(tmp_path: Path) -> None:
    task = AudioTask.in_folder(tmp_path)
    assert clip_timings(task.workspace) == {}
    task.add_clip("first.wav", source="talk.mp3", start=0, end=48_000)
    task.add_clip("second.wav", source="talk.mp3", start=48_000, end=112_000)
    heard = Manifest(StepName.ASR_TRANSCRIBE)
    heard.add(ClipEntry("first.wav", "k", "set_aside", "No speech.", details={"source": "x"}))
    heard.add(ClipEntry("second.wav", "k", details={"segments": [[0.1, 0.9], [1.2, 2.0]]}))
    heard.save(task.workspace)
    assert clip_timings(task.workspace) == {
        "first.wav": ClipTiming(recording="talk.mp3", start=0.0, end=1.5, speech=None),
        "second.wav": ClipTiming(
            recording="talk.mp3", start=1.5, end=3.5, speech=[(0.1, 0.9), (1.2, 2.0)]
        ),
    }
