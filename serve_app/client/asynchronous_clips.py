"""Clips and what is said in them, for asynchronous code."""

from __future__ import annotations

import asyncio
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


class AsyncClips:
    """Part of `AsyncClient`."""

    @abstractmethod
    async def _do(self, call: Call[T]) -> T: ...

    @abstractmethod
    async def _save(self, path: str, target: str | Path, **options: Any) -> Path: ...

    async def transcripts(self, task_id: str) -> list[TranscriptBody]:
        return await self._do(clip_calls.transcripts(task_id))

    async def edit_transcripts(
        self, task_id: str, edits: list[dict[str, Any]]
    ) -> list[TranscriptBody]:
        """Each edit names its `clip` and what changes: text, language, include, speaker."""
        return await self._do(clip_calls.edit_transcripts(task_id, edits))

    async def transcript(self, task_id: str, clip: str) -> TranscriptBody:
        """One clip; its `etag` can be sent along with an edit."""
        return await self._do(clip_calls.transcript(task_id, clip))

    async def edit_transcript(
        self, task_id: str, clip: str, *, etag: str | None = None, **changes: Any
    ) -> TranscriptBody:
        """Change one clip's text, language, include or speaker; see `Client.edit_transcript`."""
        return await self._do(clip_calls.edit_transcript(task_id, clip, changes, etag))

    async def download_list(self, task_id: str, target: str | Path) -> Path:
        """Write the included clips as an annotation list, `clip|speaker|LANGUAGE|text`."""
        return await self._save(clip_calls.list_path(task_id), target)

    async def upload_list(self, task_id: str, path: str | Path) -> ListTaken:
        """Send a corrected list back; each row changes the clip it names."""
        content = await asyncio.to_thread(Path(path).read_bytes)
        return await self._do(clip_calls.upload_list(task_id, content))

    async def download_clip(self, task_id: str, clip: str, target: str | Path) -> Path:
        """Write a clip's sound as training hears it, a WAV."""
        return await self._save(clip_calls.clip_path(task_id, clip, "audio"), target)

    async def waveform(self, task_id: str, clip: str, *, points: int = 400) -> WaveformAnswer:
        """The lowest and highest sample of `points` equal parts."""
        return await self._do(clip_calls.waveform(task_id, clip, points))

    async def download_picture(
        self, task_id: str, clip: str, target: str | Path, *, width: int = 800, height: int = 120
    ) -> Path:
        """Write the outline of a clip as a PNG; sizes in pixels."""
        path = clip_calls.clip_path(task_id, clip, "waveform")
        return await self._save(path, target, **clip_calls.picture_options(width, height))

    async def report(self, task_id: str) -> DataReport:
        """What is wrong with the recordings; waits while the clips are measured. Use
        `asyncio.timeout` around it for a limit."""
        while (report := (await self._do(clip_calls.report(task_id))).report) is None:
            await asyncio.sleep(calls.ASK_AGAIN_SECONDS)
        return report

    async def cuts(self, task_id: str) -> list[CutRecording]:
        """The recordings that are cut by hand, with the clips that each becomes."""
        return await self._do(clip_calls.cuts(task_id))

    async def cut_clips(
        self, task_id: str, clips: Sequence[str], pieces: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        """Put pieces (`start`, `end`, `text`) in the place of clips that follow each other in one
        recording, and return the names of the new clips: one for one trims, several for one split,
        one for several merges. Seconds count from the beginning of the first clip named.

        The sound is cut when slice_audio runs again: `run(task_id, end="asr_transcribe")`.
        """
        return await self._do(clip_calls.cut_clips(task_id, clips, pieces))

    async def forget_cuts(self, task_id: str, recording: str) -> Message:
        """Have a recording cut at its pauses again. Raises ServiceError (404) where it was not cut
        by hand."""
        return await self._do(clip_calls.forget_cuts(task_id, recording))
