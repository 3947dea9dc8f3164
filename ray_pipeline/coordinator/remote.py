"""The coordinator of another process.

What can go wrong on the way (the actor restarts, an error comes back wrapped) is turned into
errors of `ray_pipeline.core.errors` here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from ray_pipeline.books.book import Book, Progress
from ray_pipeline.coordinator.interface import (
    AboutVoice,
    Cancellation,
    Coordinator,
    Pause,
    PlannedJob,
)
from ray_pipeline.core.errors import Unavailable, pipeline_error_in
from ray_pipeline.core.hand_cuts import Piece
from ray_pipeline.core.task import FileRecord, KeptAnswer, StepRun, Task, Transcript
from ray_pipeline.core.trials import Outcome
from ray_pipeline.core.voices import VoiceAlias, VoiceRecord, VoiceVersion
from ray_pipeline.hub.downloads import Download
from ray_pipeline.library.draft import Draft

P = ParamSpec("P")
R = TypeVar("R")


class RemoteCoordinator(Coordinator):
    def __init__(self, handle: Any) -> None:
        """`handle` is that of the Ray actor, as `ensure_coordinator` returns it."""
        self._handle = handle

    async def create_task(self, name: str, config: dict[str, Any]) -> Task:
        return await self._ask(Coordinator.create_task, name, config)

    async def rename_task(self, task_id: str, name: str) -> Task:
        return await self._ask(Coordinator.rename_task, task_id, name)

    async def delete_task(self, task_id: str, undo_seconds: float = 0) -> None:
        await self._ask(Coordinator.delete_task, task_id, undo_seconds)

    async def restore_task(self, task_id: str) -> bool:
        return await self._ask(Coordinator.restore_task, task_id)

    async def start_step(self, task_id: str, step: str, params: dict[str, Any]) -> StepRun:
        return await self._ask(Coordinator.start_step, task_id, step, params)

    async def run_steps(
        self,
        task_id: str,
        from_step: str | None = None,
        to_step: str | None = None,
        params: dict[str, dict[str, Any]] | None = None,
        force: bool = False,
    ) -> PlannedJob:
        return await self._ask(Coordinator.run_steps, task_id, from_step, to_step, params, force)

    async def cancel(self, task_id: str) -> Cancellation:
        return await self._ask(Coordinator.cancel, task_id)

    async def pause(self, task_id: str) -> Pause:
        return await self._ask(Coordinator.pause, task_id)

    async def resume(self, task_id: str) -> Pause:
        return await self._ask(Coordinator.resume, task_id)

    async def register_file(self, task_id: str, name: str) -> FileRecord:
        return await self._ask(Coordinator.register_file, task_id, name)

    async def remove_file(self, task_id: str, name: str) -> None:
        await self._ask(Coordinator.remove_file, task_id, name)

    async def put_transcripts(
        self, task_id: str, transcripts: list[Transcript], based_on: list[Transcript] | None = None
    ) -> int:
        return await self._ask(Coordinator.put_transcripts, task_id, transcripts, based_on)

    async def cut_clips(
        self, task_id: str, clips: Sequence[str], pieces: Sequence[Piece]
    ) -> list[str]:
        return await self._ask(Coordinator.cut_clips, task_id, clips, pieces)

    async def forget_cuts(self, task_id: str, recording: str) -> None:
        await self._ask(Coordinator.forget_cuts, task_id, recording)

    async def start_download(
        self, name: str, source: str | None = None, alone: bool = False
    ) -> list[Download]:
        return await self._ask(Coordinator.start_download, name, source, alone)

    async def cancel_download(self, name: str) -> Download | None:
        return await self._ask(Coordinator.cancel_download, name)

    async def downloads(self) -> list[Download]:
        return await self._ask(Coordinator.downloads)

    async def create_voice(self, name: str, draft: Draft, about: AboutVoice) -> VoiceRecord:
        return await self._ask(Coordinator.create_voice, name, draft, about)

    async def add_voice_version(self, voice: str, draft: Draft, promote: bool) -> VoiceVersion:
        return await self._ask(Coordinator.add_voice_version, voice, draft, promote)

    async def update_voice(self, voice: str, changes: dict[str, str]) -> VoiceRecord:
        return await self._ask(Coordinator.update_voice, voice, changes)

    async def promote_voice(self, voice: str, version: int) -> VoiceRecord:
        return await self._ask(Coordinator.promote_voice, voice, version)

    async def roll_back_voice(self, voice: str) -> VoiceRecord:
        return await self._ask(Coordinator.roll_back_voice, voice)

    async def delete_voice(self, voice: str) -> VoiceRecord:
        return await self._ask(Coordinator.delete_voice, voice)

    async def delete_voice_version(self, voice: str, number: int) -> VoiceRecord:
        return await self._ask(Coordinator.delete_voice_version, voice, number)

    async def put_voice_alias(self, alias: VoiceAlias) -> VoiceAlias:
        return await self._ask(Coordinator.put_voice_alias, alias)

    async def delete_voice_alias(self, name: str) -> None:
        await self._ask(Coordinator.delete_voice_alias, name)

    async def start_book(self, book: Book) -> Progress:
        return await self._ask(Coordinator.start_book, book)

    async def cancel_book(self, book_id: str) -> Progress:
        return await self._ask(Coordinator.cancel_book, book_id)

    async def resume_book(self, book_id: str) -> Progress:
        return await self._ask(Coordinator.resume_book, book_id)

    async def delete_book(self, book_id: str) -> None:
        await self._ask(Coordinator.delete_book, book_id)

    async def count_spoken(self, alias: str, version: int, outcome: Outcome) -> None:
        await self._ask(Coordinator.count_spoken, alias, version, outcome)

    async def begin_request(self, key: str, digest: str) -> KeptAnswer | None:
        return await self._ask(Coordinator.begin_request, key, digest)

    async def finish_request(self, key: str, answer: KeptAnswer | None) -> None:
        await self._ask(Coordinator.finish_request, key, answer)

    async def wait_for_events(self, task_id: str, after: int, timeout_seconds: float) -> int:
        return await self._ask(Coordinator.wait_for_events, task_id, after, timeout_seconds)

    async def health(self) -> dict[str, Any]:
        return await self._ask(Coordinator.health)

    async def _ask(
        self,
        method: Callable[Concatenate[Coordinator, P], Awaitable[R]],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> R:
        """Call the method of the same name in the actor; its types are those of the protocol."""
        from ray.exceptions import RayActorError, RayTaskError

        try:
            answer: R = await getattr(self._handle, method.__name__).remote(*arguments, **named)
        except RayTaskError as error:
            raise pipeline_error_in(error) or error from None
        except RayActorError as error:
            raise Unavailable(
                "The coordinator is restarting.", hint="Ask again in a few seconds."
            ) from error
        return answer
