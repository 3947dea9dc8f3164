"""The client for asyncio; the same calls as `Client`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from ray_pipeline.core.task import TaskStatus
from ray_pipeline.core.workspace import atomic_path
from serve_app.checkpoint_schemas import CheckpointsAnswer
from serve_app.client import calls
from serve_app.client.asynchronous_clips import AsyncClips
from serve_app.client.asynchronous_voices import AsyncVoices
from serve_app.client.books import AsyncBooks
from serve_app.client.calls import OVER, Call, EventReader, OnEvent
from serve_app.client.errors import RunFailedError, ServiceError, refused, unreachable
from serve_app.client.speech import AsyncSpeech
from serve_app.model_schemas import ModelAnswer
from serve_app.schemas import (
    CreatedTask,
    EventAnswer,
    FileAnswer,
    Message,
    RunStarted,
    StepAnswer,
    StepStarted,
    TaskAnswer,
    UploadAnswer,
)

T = TypeVar("T")


class AsyncClient(AsyncBooks, AsyncClips, AsyncVoices, AsyncSpeech):
    """`base_url` comes without /api/v1. `http` is for tests that bring their own client."""

    def __init__(
        self,
        base_url: str = calls.DEFAULT_URL,
        *,
        api_key: str | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._http = http or httpx.AsyncClient(
            base_url=base_url, headers=calls.headers(api_key), timeout=calls.TIMEOUT
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    # -- tasks
    async def create(self, name: str, config: Mapping[str, Any] | None = None) -> CreatedTask:
        return await self._do(calls.create(name, config))

    async def task(self, task_id: str) -> TaskAnswer:
        return await self._do(calls.get_task(task_id))

    async def tasks(
        self, *, status: str | None = None, limit: int = 100, after: str | None = None
    ) -> list[TaskAnswer]:
        """Newest first; `after` is the id of the last task of the page before."""
        return await self._do(calls.list_tasks(status, limit, after))

    async def cancel(self, task_id: str) -> Message:
        return await self._do(calls.cancel(task_id))

    async def pause(self, task_id: str) -> Message:
        """End what runs or waits, and keep its job for `resume`."""
        return await self._do(calls.pause(task_id))

    async def resume(self, task_id: str) -> Message:
        return await self._do(calls.resume(task_id))

    async def delete(self, task_id: str) -> Message:
        return await self._do(calls.delete(task_id))

    # -- pretrained models
    async def models(self) -> list[ModelAnswer]:
        """What can be fetched, what of it is missing, how far a download is."""
        return (await self._do(calls.models())).models

    async def pull_model(
        self, name: str, *, source: str | None = None, alone: bool = False
    ) -> ModelAnswer:
        """Have the service fetch a model in the background; `models` says how far it is."""
        return await self._do(calls.pull_model(name, source, alone))

    async def cancel_pull(self, name: str) -> ModelAnswer:
        return await self._do(calls.cancel_pull(name))

    # -- steps
    async def step(
        self, task_id: str, step: str, params: Mapping[str, Any] | None = None
    ) -> StepStarted:
        """Start one step; returns at once."""
        return await self._do(calls.start_step(task_id, step, params))

    async def run(
        self,
        task_id: str,
        *,
        start: str | None = None,
        end: str | None = None,
        params: Mapping[str, Mapping[str, Any]] | None = None,
        force: bool = False,
    ) -> RunStarted:
        """Start all the remaining steps, or those from `start` to `end`, as one job."""
        return await self._do(calls.run(task_id, start, end, params, force))

    async def steps(self, task_id: str) -> list[StepAnswer]:
        return await self._do(calls.steps(task_id))

    async def wait(
        self,
        task_id: str,
        *,
        after: int = 0,
        on_event: OnEvent = lambda event: None,
        raise_on_failure: bool = False,
    ) -> TaskAnswer:
        """Until the task's run is over; `on_event` sees every event after the cursor, in order.

        Use `asyncio.timeout` around it for a limit. Raises UnreachableError when the service
        stays away, and, if asked, RunFailedError for a run that failed or was cancelled.
        """
        await self.task(task_id)  # who does not answer now is not waited for
        reader = EventReader(after)
        async with aclosing(self._live(task_id, reader, on_event)) as changes:
            async for _ in changes:
                if await self._is_over(task_id):
                    break
        while page := await self.events(task_id, after=reader.after):
            for event in filter(reader.accept, page):
                on_event(event)
        done = await self.task(task_id)
        if raise_on_failure and done.status != TaskStatus.COMPLETED:
            raise RunFailedError(done)
        return done

    async def _is_over(self, task_id: str) -> bool:
        """See `Client._is_over`."""
        try:
            return (await self.task(task_id)).status in OVER
        except ServiceError as error:
            if error.is_away:
                return False
            raise

    # -- files
    async def upload(self, task_id: str, paths: Sequence[str | Path]) -> UploadAnswer:
        """Send files; they are read piece by piece, and sent in several requests when there are
        more than one takes."""
        answers = [await self._upload(task_id, batch) for batch in calls.batches(paths)]
        return calls.joined(answers)

    async def _upload(self, task_id: str, paths: Sequence[Path]) -> UploadAnswer:
        with ExitStack() as opened:
            parts = [("file", (path.name, opened.enter_context(path.open("rb")))) for path in paths]
            return await self._do(calls.upload(task_id, parts))

    async def delete_file(self, task_id: str, name: str) -> Message:
        """Remove an uploaded file; what a step made goes with the task."""
        return await self._do(calls.delete_file(task_id, name))

    async def files(self, task_id: str) -> list[FileAnswer]:
        return await self._do(calls.files(task_id))

    async def download(self, task_id: str, name: str, target: str | Path) -> Path:
        """Write one file of the task to `target`, which appears only when it is whole."""
        return await self._save(calls.download_path(task_id, name), target)

    async def download_voice(self, task_id: str, target: str | Path) -> Path:
        """Write the voice that test_inference spoke with last as a zip: weights, reference,
        sample, report, README, and `voice.json` with a sha256 a file. Raises StepNotReadyError
        before test_inference has run."""
        return await self._save(calls.voice_path(task_id), target)

    # -- how the trainings went
    async def checkpoints(self, task_id: str) -> CheckpointsAnswer:
        """The trainings of the task, epoch by epoch: how good they are on the clips that were held
        out, which checkpoint is chosen, and why."""
        return await self._do(calls.checkpoints(task_id))

    # -- what happened
    async def events(
        self,
        task_id: str,
        *,
        after: int = 0,
        limit: int = calls.EVENTS_A_PAGE,
        kinds: Sequence[str] = (),
    ) -> list[EventAnswer]:
        """One page of what happened after the cursor, of all kinds or of some."""
        return await self._do(calls.events(task_id, after, limit, kinds))

    async def logs(self, task_id: str, *, tail: int | None = None, step: str | None = None) -> str:
        return await self._do(calls.logs(task_id, tail, step))

    async def capabilities(self) -> dict[str, Any]:
        return await self._do(calls.capabilities())

    # -- how requests are made
    async def _do(self, call: Call[T]) -> T:
        left = calls.TRIES if call.may_come_twice else 1
        while True:
            left -= 1
            try:
                response = await self._http.request(call.method, call.path, **call.options)
            except httpx.ConnectError as error:
                raise unreachable(self._http.base_url, error) from error
            except httpx.TransportError as error:
                if left == 0:
                    raise unreachable(self._http.base_url, error) from error
                await asyncio.sleep(calls.RECONNECT_SECONDS[0])
                continue
            if left and calls.is_under_way(response):
                await asyncio.sleep(calls.ASK_AGAIN_SECONDS)
                continue
            return call.answer(response)

    async def _save(self, path: str, target: str | Path, **options: Any) -> Path:
        async with self._stream(path, **options) as response:
            with atomic_path(Path(target)) as partial, partial.open("wb") as out:
                async for chunk in response.aiter_bytes():
                    await asyncio.to_thread(out.write, chunk)
        return Path(target)

    @asynccontextmanager
    async def _stream(self, path: str, **options: Any) -> AsyncGenerator[httpx.Response, None]:
        try:
            async with self._http.stream("GET", path, **options) as response:
                if response.is_error:
                    await response.aread()
                    raise refused(response)
                yield response
        except httpx.TransportError as error:
            raise unreachable(self._http.base_url, error) from error

    async def _live(
        self, task_id: str, reader: EventReader, on_event: OnEvent
    ) -> AsyncGenerator[None, None]:
        """Yields whenever the task's state may have changed; see `Client._live`."""
        failures = 0
        path = calls.stream_path(task_id)
        while True:
            yield
            try:
                async with self._stream(path, **reader.request()) as response:
                    async for line in response.aiter_lines():
                        failures = 0
                        event = reader.feed(line)
                        if event is not None:
                            on_event(event)
                        if line.startswith(":") or (event and event.kind == "state"):
                            yield
            except ServiceError as error:
                if not error.is_away or failures == len(calls.RECONNECT_SECONDS):
                    raise
                await asyncio.sleep(calls.RECONNECT_SECONDS[failures])
                failures += 1
