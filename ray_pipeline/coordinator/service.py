"""The coordinator's work, wherever it lives.

In production it is inside the Ray actor (`actor.py`) with the runner that starts processes; in
tests of the rules and of the HTTP side it stands alone, and nobody runs what is planned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from ray_pipeline.books.book import Book, Progress
from ray_pipeline.coordinator.interface import (
    AboutVoice,
    Cancellation,
    Coordinator,
    Pause,
    PlannedJob,
)
from ray_pipeline.core.errors import NotFound, pipeline_error_in
from ray_pipeline.core.hand_cuts import Piece
from ray_pipeline.core.options import parse_task_config
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import FileRecord, KeptAnswer, StepRun, Task, Transcript
from ray_pipeline.core.trials import Outcome
from ray_pipeline.core.voices import VoiceAlias, VoiceRecord, VoiceVersion
from ray_pipeline.hub.downloads import Download
from ray_pipeline.library.draft import Draft

if TYPE_CHECKING:
    from ray_pipeline.coordinator.parts import Parts

P = ParamSpec("P")
R = TypeVar("R")


class Runner(Protocol):
    """Runs planned jobs. Every call may block; none belongs on an event loop."""

    def enqueue(self, job: PlannedJob) -> None: ...

    def stop(self, job_id: str | None, runs: list[StepRun]) -> None: ...

    def go_on(self, job_id: str) -> None: ...

    def health(self) -> dict[str, Any]: ...


class CoordinatorService(Coordinator):
    """Every method is quick; the work of a job happens beside them, in the runner."""

    def __init__(self, parts: Parts, runner: Runner) -> None:
        self._parts = parts
        self._runner = runner

    async def create_task(self, name: str, config: dict[str, Any]) -> Task:
        return await self._ask(self._parts.tasks.create_task, name, parse_task_config(config))

    async def rename_task(self, task_id: str, name: str) -> Task:
        return await self._ask(self._parts.tasks.rename_task, task_id, name)

    async def delete_task(self, task_id: str, undo_seconds: float = 0) -> None:
        await self.cancel(task_id)
        if undo_seconds > 0:
            at = datetime.now(UTC) + timedelta(seconds=undo_seconds)
            await self._ask(self._parts.tasks.delete_later, task_id, at)
        else:
            await self._ask(self._parts.tasks.delete_task, task_id)

    async def restore_task(self, task_id: str) -> bool:
        return await self._ask(self._parts.tasks.keep, task_id)

    async def start_step(self, task_id: str, step: str, params: dict[str, Any]) -> StepRun:
        job = await self._ask(self._parts.planner.plan_step, task_id, step_name(step), params)
        await self._hand_over(job)
        assert job.first_run is not None
        return job.first_run

    async def run_steps(
        self,
        task_id: str,
        from_step: str | None = None,
        to_step: str | None = None,
        params: dict[str, dict[str, Any]] | None = None,
        force: bool = False,
    ) -> PlannedJob:
        job = await self._ask(
            self._parts.planner.plan_steps,
            task_id,
            step_name(from_step) if from_step else None,
            step_name(to_step) if to_step else None,
            {step_name(name): values for name, values in (params or {}).items()},
            force,
        )
        await self._hand_over(job)
        return job

    async def cancel(self, task_id: str) -> Cancellation:
        cancellation = await self._ask(self._parts.halting.cancel, task_id)
        if cancellation.cancelled:
            await self._ask(self._runner.stop, cancellation.job_id, cancellation.runs)
        return cancellation

    async def pause(self, task_id: str) -> Pause:
        pause = await self._ask(self._parts.halting.pause, task_id)
        if pause.changed:
            await self._ask(self._runner.stop, pause.job_id, pause.runs)
        return pause

    async def resume(self, task_id: str) -> Pause:
        pause = await self._ask(self._parts.halting.resume, task_id)
        if pause.job_id is not None:
            await self._ask(self._runner.go_on, pause.job_id)
        return pause

    async def register_file(self, task_id: str, name: str) -> FileRecord:
        return await self._ask(self._parts.tasks.register_file, task_id, name)

    async def remove_file(self, task_id: str, name: str) -> None:
        await self._ask(self._parts.tasks.remove_file, task_id, name)

    async def put_transcripts(
        self, task_id: str, transcripts: list[Transcript], based_on: list[Transcript] | None = None
    ) -> int:
        return await self._ask(self._parts.tasks.put_transcripts, task_id, transcripts, based_on)

    async def cut_clips(
        self, task_id: str, clips: Sequence[str], pieces: Sequence[Piece]
    ) -> list[str]:
        return await self._ask(self._parts.cutting.cut, task_id, clips, pieces)

    async def forget_cuts(self, task_id: str, recording: str) -> None:
        await self._ask(self._parts.cutting.forget, task_id, recording)

    async def start_download(
        self, name: str, source: str | None = None, alone: bool = False
    ) -> list[Download]:
        return await self._ask(self._parts.downloads.start, name, source, alone=alone)

    async def cancel_download(self, name: str) -> Download | None:
        return await self._ask(self._parts.downloads.cancel, name)

    async def downloads(self) -> list[Download]:
        return self._parts.downloads.all()

    async def create_voice(self, name: str, draft: Draft, about: AboutVoice) -> VoiceRecord:
        return await self._ask(self._parts.voices.create, name, draft, about)

    async def add_voice_version(self, voice: str, draft: Draft, promote: bool) -> VoiceVersion:
        return await self._ask(self._parts.voices.add_version, voice, draft, promote=promote)

    async def update_voice(self, voice: str, changes: dict[str, str]) -> VoiceRecord:
        return await self._ask(self._parts.voices.update, voice, changes)

    async def promote_voice(self, voice: str, version: int) -> VoiceRecord:
        return await self._ask(self._parts.store.promote_version, voice, version)

    async def roll_back_voice(self, voice: str) -> VoiceRecord:
        return await self._ask(self._parts.store.roll_back_version, voice)

    async def delete_voice(self, voice: str) -> VoiceRecord:
        return await self._ask(self._parts.voices.delete, voice)

    async def delete_voice_version(self, voice: str, number: int) -> VoiceRecord:
        return await self._ask(self._parts.voices.delete_version, voice, number)

    async def put_voice_alias(self, alias: VoiceAlias) -> VoiceAlias:
        return await self._ask(self._parts.voices.put_alias, alias)

    async def delete_voice_alias(self, name: str) -> None:
        await self._ask(self._parts.store.delete_alias, name)

    async def start_book(self, book: Book) -> Progress:
        return await self._ask(self._parts.books.start, book)

    async def cancel_book(self, book_id: str) -> Progress:
        return await self._ask(self._parts.books.cancel, book_id)

    async def resume_book(self, book_id: str) -> Progress:
        return await self._ask(self._parts.books.resume, book_id)

    async def delete_book(self, book_id: str) -> None:
        await self._ask(self._parts.books.delete, book_id)

    async def count_spoken(self, alias: str, version: int, outcome: Outcome) -> None:
        await self._ask(self._parts.voices.count_spoken, alias, version, outcome)

    async def begin_request(self, key: str, digest: str) -> KeptAnswer | None:
        return await self._ask(self._parts.store.kept_answers.begin, key, digest)

    async def finish_request(self, key: str, answer: KeptAnswer | None) -> None:
        kept = self._parts.store.kept_answers
        if answer is None:
            await self._ask(kept.give_up, key)
        else:
            await self._ask(kept.finish, key, answer)

    async def wait_for_events(self, task_id: str, after: int, timeout_seconds: float) -> int:
        newest_event = self._parts.store.newest_event
        with self._parts.watch.subscribe(task_id) as waiter:
            newest = await self._ask(newest_event, task_id)
            if newest > after:
                return newest
            with suppress(TimeoutError):
                await asyncio.wait_for(waiter.come.wait(), timeout_seconds)
            if waiter.newest > after:
                return waiter.newest
            # Time is up; or the task was deleted meanwhile, which this says.
            return await self._ask(newest_event, task_id)

    async def health(self) -> dict[str, Any]:
        return await self._ask(self._runner.health)

    async def _hand_over(self, job: PlannedJob) -> None:
        if not job.is_over:
            await self._ask(self._runner.enqueue, job)

    async def _ask(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        # The database and the disk may take their time; the event loop answers others meanwhile.
        try:
            return await asyncio.to_thread(function, *args, **kwargs)
        except OSError as error:
            raise pipeline_error_in(error) or error from None


def step_name(name: str) -> StepName:
    """Raises NotFound for a name that is none of the eleven."""
    try:
        return StepName(name)
    except ValueError:
        known = ", ".join(step.value for step in StepName)
        raise NotFound(f"There is no step {name!r}.", hint=f"The steps are: {known}.") from None
