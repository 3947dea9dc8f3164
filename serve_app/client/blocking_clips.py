"""Clips and what is said in them, for ordinary code."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ray_pipeline.quality.report import DataReport
from serve_app.client import calls, clip_calls
from serve_app.client.calls import Call
from serve_app.clip_schemas import CutRecording, ListTaken, TranscriptBody, WaveformAnswer
from serve_app.schemas import Message

T = TypeVar("T")


class BlockingClips:
    """Part of `Client`."""

    @abstractmethod
    def _do(self, call: Call[T]) -> T: ...

    @abstractmethod
    def _save(self, path: str, target: str | Path, **options: Any) -> Path: ...

    def transcripts(self, task_id: str) -> list[TranscriptBody]:
        return self._do(clip_calls.transcripts(task_id))

    def edit_transcripts(self, task_id: str, edits: list[dict[str, Any]]) -> list[TranscriptBody]:
        """Each edit names its `clip` and what changes: text, language, include, speaker."""
        return self._do(clip_calls.edit_transcripts(task_id, edits))

    def transcript(self, task_id: str, clip: str) -> TranscriptBody:
        """One clip; its `etag` can be sent along with an edit."""
        return self._do(clip_calls.transcript(task_id, clip))

    def edit_transcript(
        self, task_id: str, clip: str, *, etag: str | None = None, **changes: Any
    ) -> TranscriptBody:
        """Change one clip's text, language, include or speaker.

        With the `etag` of an earlier reading, raises ServiceError (409, `conflict`) when somebody
        else has changed the clip since.
        """
        return self._do(clip_calls.edit_transcript(task_id, clip, changes, etag))

    def download_list(self, task_id: str, target: str | Path) -> Path:
        """Write the included clips as an annotation list, `clip|speaker|LANGUAGE|text`."""
        return self._save(clip_calls.list_path(task_id), target)

    def upload_list(self, task_id: str, path: str | Path) -> ListTaken:
        """Send a corrected list back; each row changes the clip it names."""
        return self._do(clip_calls.upload_list(task_id, Path(path).read_bytes()))

    def download_clip(self, task_id: str, clip: str, target: str | Path) -> Path:
        """Write a clip's sound as training hears it, a WAV."""
        return self._save(clip_calls.clip_path(task_id, clip, "audio"), target)

    def waveform(self, task_id: str, clip: str, *, points: int = 400) -> WaveformAnswer:
        """The lowest and highest sample of `points` equal parts."""
        return self._do(clip_calls.waveform(task_id, clip, points))

    def download_picture(
        self, task_id: str, clip: str, target: str | Path, *, width: int = 800, height: int = 120
    ) -> Path:
        """Write the outline of a clip as a PNG; sizes in pixels."""
        path = clip_calls.clip_path(task_id, clip, "waveform")
        return self._save(path, target, **clip_calls.picture_options(width, height))

    def report(self, task_id: str, *, timeout: float = 3600) -> DataReport:
        """What is wrong with the recordings; waits while the clips are measured.

        Raises TimeoutError after `timeout` seconds, ServiceError (409) without clips.
        """
        deadline = time.monotonic() + timeout
        while (report := self._do(clip_calls.report(task_id)).report) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the report of {task_id} is not there after {timeout:g} s")
            time.sleep(calls.ASK_AGAIN_SECONDS)
        return report

    def cuts(self, task_id: str) -> list[CutRecording]:
        """The recordings that are cut by hand, with the clips that each becomes."""
        return self._do(clip_calls.cuts(task_id))

    def cut_clips(
        self, task_id: str, clips: Sequence[str], pieces: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        """Put pieces (`start`, `end`, `text`) in the place of clips that follow each other in one
        recording, and return the names of the new clips: one for one trims, several for one split,
        one for several merges. Seconds count from the beginning of the first clip named.

        The sound is cut when slice_audio runs again: `run(task_id, end="asr_transcribe")`.
        """
        return self._do(clip_calls.cut_clips(task_id, clips, pieces))

    def forget_cuts(self, task_id: str, recording: str) -> Message:
        """Have a recording cut at its pauses again. Raises ServiceError (404) where it was not cut
        by hand."""
        return self._do(clip_calls.forget_cuts(task_id, recording))
