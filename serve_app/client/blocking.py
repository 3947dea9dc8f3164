"""The client for ordinary code."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from ray_pipeline.core.task import TaskStatus
from ray_pipeline.core.workspace import atomic_path
from serve_app.checkpoint_schemas import CheckpointsAnswer
from serve_app.client import calls
from serve_app.client.blocking_clips import BlockingClips
from serve_app.client.blocking_voices import BlockingVoices
from serve_app.client.books import BlockingBooks
from serve_app.client.calls import OVER, Call, EventReader, OnEvent
from serve_app.client.errors import RunFailedError, ServiceError, refused, unreachable
from serve_app.client.speech import BlockingSpeech
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


class Client(BlockingBooks, BlockingClips, BlockingVoices, BlockingSpeech):
    """`base_url` comes without /api/v1. `http` is for tests that bring their own httpx.Client."""

    def __init__(
        self,
        base_url: str = calls.DEFAULT_URL,
        *,
        api_key: str | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        self._http = http or httpx.Client(
            base_url=base_url, headers=calls.headers(api_key), timeout=calls.TIMEOUT
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # -- tasks
    def create(self, name: str, config: Mapping[str, Any] | None = None) -> CreatedTask:
        return self._do(calls.create(name, config))

    def task(self, task_id: str) -> TaskAnswer:
        return self._do(calls.get_task(task_id))

    def tasks(
        self, *, status: str | None = None, limit: int = 100, after: str | None = None
    ) -> list[TaskAnswer]:
        """Newest first; `after` is the id of the last task of the page before."""
        return self._do(calls.list_tasks(status, limit, after))

    def cancel(self, task_id: str) -> Message:
        return self._do(calls.cancel(task_id))

    def pause(self, task_id: str) -> Message:
        """End what runs or waits, and keep its job for `resume`."""
        return self._do(calls.pause(task_id))

    def resume(self, task_id: str) -> Message:
        return self._do(calls.resume(task_id))

    def delete(self, task_id: str) -> Message:
        return self._do(calls.delete(task_id))

    # -- pretrained models
    def models(self) -> list[ModelAnswer]:
        """What can be fetched, what of it is missing, how far a download is."""
        return (self._do(calls.models())).models

    def pull_model(
        self, name: str, *, source: str | None = None, alone: bool = False
    ) -> ModelAnswer:
        """Have the service fetch a model in the background; `models` says how far it is."""
        return self._do(calls.pull_model(name, source, alone))

    def cancel_pull(self, name: str) -> ModelAnswer:
        return self._do(calls.cancel_pull(name))

    # -- steps
    def step(self, task_id: str, step: str, params: Mapping[str, Any] | None = None) -> StepStarted:
        """Start one step; returns at once."""
        return self._do(calls.start_step(task_id, step, params))

    def run(
        self,
        task_id: str,
        *,
        start: str | None = None,
        end: str | None = None,
        params: Mapping[str, Mapping[str, Any]] | None = None,
        force: bool = False,
    ) -> RunStarted:
        """Start all the remaining steps, or those from `start` to `end`, as one job.

        `params` are by step name.
        """
        return self._do(calls.run(task_id, start, end, params, force))

    def steps(self, task_id: str) -> list[StepAnswer]:
        return self._do(calls.steps(task_id))

    def wait(
        self,
        task_id: str,
        *,
        timeout: float = 86_400,
        after: int = 0,
        on_event: OnEvent = lambda event: None,
        raise_on_failure: bool = False,
    ) -> TaskAnswer:
        """Until the task's run is over; `on_event` sees every event after the cursor, in order.

        A broken connection is taken up again where it ended. Raises TimeoutError after
        `timeout` seconds (the task goes on), UnreachableError when the service stays away, and,
        if asked, RunFailedError for a run that failed or was cancelled.
        """
        self.task(task_id)  # who does not answer now is not waited for
        reader = EventReader(after)
        deadline = time.monotonic() + timeout
        with closing(self._live(task_id, reader, on_event)) as changes:
            for _ in changes:
                if self._is_over(task_id):
                    break
                if time.monotonic() > deadline:
                    raise TimeoutError(f"task {task_id} is not over after {timeout:g} s")
        while page := self.events(task_id, after=reader.after):
            for event in filter(reader.accept, page):
                on_event(event)
        done = self.task(task_id)
        if raise_on_failure and done.status != TaskStatus.COMPLETED:
            raise RunFailedError(done)
        return done

    def _is_over(self, task_id: str) -> bool:
        """False while the service is away: for how long that is borne, the stream decides."""
        try:
            return self.task(task_id).status in OVER
        except ServiceError as error:
            if error.is_away:
                return False
            raise

    # -- files
    def upload(self, task_id: str, paths: Sequence[str | Path]) -> UploadAnswer:
        """Send files; they are read piece by piece, and sent in several requests when there are
        more than one takes."""
        answers = [self._upload(task_id, batch) for batch in calls.batches(paths)]
        return calls.joined(answers)

    def _upload(self, task_id: str, paths: Sequence[Path]) -> UploadAnswer:
        with ExitStack() as opened:
            parts = [("file", (path.name, opened.enter_context(path.open("rb")))) for path in paths]
            return self._do(calls.upload(task_id, parts))

    def delete_file(self, task_id: str, name: str) -> Message:
        """Remove an uploaded file; what a step made goes with the task."""
        return self._do(calls.delete_file(task_id, name))

    def files(self, task_id: str) -> list[FileAnswer]:
        return self._do(calls.files(task_id))

    def download(self, task_id: str, name: str, target: str | Path) -> Path:
        """Write one file of the task to `target`, which appears only when it is whole."""
        return self._save(calls.download_path(task_id, name), target)

    def download_voice(self, task_id: str, target: str | Path) -> Path:
        """Write the voice that test_inference spoke with last as a zip: weights, reference,
        sample, report, README, and `voice.json` with a sha256 a file. Raises StepNotReadyError
        before test_inference has run."""
        return self._save(calls.voice_path(task_id), target)

    # -- how the trainings went
    def checkpoints(self, task_id: str) -> CheckpointsAnswer:
        """The trainings of the task, epoch by epoch: how good they are on the clips that were held
        out, which checkpoint is chosen, and why."""
        return self._do(calls.checkpoints(task_id))

    # -- what happened
    def events(
        self,
        task_id: str,
        *,
        after: int = 0,
        limit: int = calls.EVENTS_A_PAGE,
        kinds: Sequence[str] = (),
    ) -> list[EventAnswer]:
        """One page of what happened after the cursor, of all kinds or of some."""
        return self._do(calls.events(task_id, after, limit, kinds))

    def logs(self, task_id: str, *, tail: int | None = None, step: str | None = None) -> str:
        return self._do(calls.logs(task_id, tail, step))

    def capabilities(self) -> dict[str, Any]:
        return self._do(calls.capabilities())

    # -- how requests are made
    def _do(self, call: Call[T]) -> T:
        left = calls.TRIES if call.may_come_twice else 1
        while True:
            left -= 1
            try:
                response = self._http.request(call.method, call.path, **call.options)
            except httpx.ConnectError as error:
                raise unreachable(self._http.base_url, error) from error
            except httpx.TransportError as error:
                if left == 0:
                    raise unreachable(self._http.base_url, error) from error
                time.sleep(calls.RECONNECT_SECONDS[0])
                continue
            if left and calls.is_under_way(response):
                time.sleep(calls.ASK_AGAIN_SECONDS)
                continue
            return call.answer(response)

    def _save(self, path: str, target: str | Path, **options: Any) -> Path:
        with (
            self._stream(path, **options) as response,
            atomic_path(Path(target)) as partial,
            partial.open("wb") as out,
        ):
            for chunk in response.iter_bytes():
                out.write(chunk)
        return Path(target)

    @contextmanager
    def _stream(self, path: str, **options: Any) -> Iterator[httpx.Response]:
        try:
            with self._http.stream("GET", path, **options) as response:
                if response.is_error:
                    response.read()
                    raise refused(response)
                yield response
        except httpx.TransportError as error:
            raise unreachable(self._http.base_url, error) from error

    def _live(
        self, task_id: str, reader: EventReader, on_event: OnEvent
    ) -> Generator[None, None, None]:
        """Yields whenever the task's state may have changed: at the start, at state events,
        and when the stream is silent or was cut off."""
        failures = 0
        while True:
            yield
            try:
                with self._stream(calls.stream_path(task_id), **reader.request()) as response:
                    for line in response.iter_lines():
                        failures = 0
                        event = reader.feed(line)
                        if event is not None:
                            on_event(event)
                        if line.startswith(":") or (event and event.kind == "state"):
                            yield
            except ServiceError as error:
                if not error.is_away or failures == len(calls.RECONNECT_SECONDS):
                    raise
                time.sleep(calls.RECONNECT_SECONDS[failures])
                failures += 1
