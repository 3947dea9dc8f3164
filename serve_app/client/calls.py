"""The service's routes as data, so that the blocking and the asynchronous client share them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from ray_pipeline.core.task import TaskStatus
from serve_app.checkpoint_schemas import CheckpointsAnswer
from serve_app.client.errors import foreign, refused
from serve_app.model_schemas import ModelAnswer, ModelsAnswer
from serve_app.schemas import (
    CreatedTask,
    EventAnswer,
    EventsAnswer,
    FileAnswer,
    FilesAnswer,
    LogsAnswer,
    Message,
    RunStarted,
    StepAnswer,
    StepsAnswer,
    StepStarted,
    TaskAnswer,
    UploadAnswer,
)

DEFAULT_URL = "http://127.0.0.1:8000"
OVER = (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED)
# Uploads may be slow. A live stream says something every 15 s, if only a comment.
TIMEOUT = httpx.Timeout(60, connect=10, write=600)
RECONNECT_SECONDS = (0.2, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0)
EVENTS_A_PAGE = 1000
IDEMPOTENCY_KEY = "Idempotency-Key"
TRIES = 3  # of a request whose connection broke
FILES_A_REQUEST = 500  # under the service's limit, and under the 1,024 files a process may open
ASK_AGAIN_SECONDS = 1.0  # the service itself waits before it says that a report is being made

T = TypeVar("T")
OnEvent = Callable[[EventAnswer], None]


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request and how to read its answer; `options` are httpx's own."""

    method: str
    path: str
    parse: Callable[[Any], T]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def may_come_twice(self) -> bool:
        """Whether it can be sent again after a broken connection: what was read is read again,
        and what was done is known by its key. Open files have been read already."""
        once = IDEMPOTENCY_KEY in self.options.get("headers", {}) and "files" not in self.options
        return self.method == "GET" or once

    def answer(self, response: httpx.Response) -> T:
        """What a response says whose body has been read. Raises ServiceError for a refusal, and
        for what this service does not answer."""
        if response.is_error:
            raise refused(response)
        try:
            return self.parse(response.json())
        except (ValueError, TypeError) as error:  # no JSON, or another shape
            raise foreign(response) from error


def once_headers() -> dict[str, str]:
    """The service does a thing once for each of these."""
    return {IDEMPOTENCY_KEY: str(uuid.uuid4())}


def headers(api_key: str | None) -> dict[str, str]:
    """Those of every request: the key, and that a paused task may be called so."""
    return {"GSV-Knows": "paused"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})


def task_path(task_id: str, rest: str = "") -> str:
    return f"/api/v1/task/{quote(task_id, safe='')}{rest}"


def download_path(task_id: str, name: str) -> str:
    return task_path(task_id, f"/files/download/{quote(name)}")


def voice_path(task_id: str) -> str:
    return task_path(task_id, "/voice")


def stream_path(task_id: str) -> str:
    return task_path(task_id, "/events/stream")


def create(name: str, config: Mapping[str, Any] | None) -> Call[CreatedTask]:
    body = {"task_name": name, "config": dict(config or {})}
    return Call("POST", "/api/v1/task/create", CreatedTask.model_validate, doing(body))


def doing(body: dict[str, Any]) -> dict[str, Any]:
    return {"json": body, "headers": once_headers()}


def get_task(task_id: str) -> Call[TaskAnswer]:
    return Call("GET", task_path(task_id), TaskAnswer.model_validate)


def list_tasks(status: str | None, limit: int, after: str | None) -> Call[list[TaskAnswer]]:
    wanted = {"status": status, "limit": limit, "after": after}
    params = {name: value for name, value in wanted.items() if value is not None}

    def parse(found: Any) -> list[TaskAnswer]:
        return [TaskAnswer.model_validate(task) for task in found]

    return Call("GET", "/api/v1/tasks", parse, {"params": params})


def cancel(task_id: str) -> Call[Message]:
    return Call("POST", task_path(task_id, "/cancel"), Message.model_validate)


def pause(task_id: str) -> Call[Message]:
    return Call("POST", task_path(task_id, "/pause"), Message.model_validate)


def resume(task_id: str) -> Call[Message]:
    return Call("POST", task_path(task_id, "/resume"), Message.model_validate)


def models() -> Call[ModelsAnswer]:
    return Call("GET", "/api/v1/models", ModelsAnswer.model_validate)


def model_path(name: str) -> str:
    return f"/api/v1/models/{quote(name, safe='')}/pull"


def pull_model(name: str, source: str | None, alone: bool) -> Call[ModelAnswer]:
    body = {"source": source, "alone": alone}
    return Call("POST", model_path(name), ModelAnswer.model_validate, doing(body))


def cancel_pull(name: str) -> Call[ModelAnswer]:
    return Call("DELETE", model_path(name), ModelAnswer.model_validate)


def delete(task_id: str) -> Call[Message]:
    return Call("DELETE", task_path(task_id), Message.model_validate)


def start_step(task_id: str, step: str, params: Mapping[str, Any] | None) -> Call[StepStarted]:
    path = task_path(task_id, f"/step/{quote(step, safe='')}")
    body = {"params": dict(params or {})}
    return Call("POST", path, StepStarted.model_validate, doing(body))


def run(
    task_id: str,
    start: str | None,
    end: str | None,
    params: Mapping[str, Mapping[str, Any]] | None,
    force: bool,
) -> Call[RunStarted]:
    body = {"from": start, "to": end, "params": dict(params or {}), "force": force}
    return Call("POST", task_path(task_id, "/run"), RunStarted.model_validate, doing(body))


def steps(task_id: str) -> Call[list[StepAnswer]]:
    return Call(
        "GET", task_path(task_id, "/steps"), lambda data: StepsAnswer.model_validate(data).steps
    )


def files(task_id: str) -> Call[list[FileAnswer]]:
    return Call(
        "GET", task_path(task_id, "/files"), lambda data: FilesAnswer.model_validate(data).files
    )


def batches(paths: Sequence[str | Path]) -> list[list[Path]]:
    """The files by request: the service takes a thousand in one, and each is open while it is
    sent. An upload of no file is one request, which the service refuses with a sentence."""
    found = [Path(path) for path in paths]
    starts = range(0, max(1, len(found)), FILES_A_REQUEST)
    return [found[start : start + FILES_A_REQUEST] for start in starts]


def joined(answers: list[UploadAnswer]) -> UploadAnswer:
    """The answers to all batches of one upload as one."""
    if len(answers) == 1:
        return answers[0]
    stored = [file for answer in answers for file in answer.files]
    return answers[0].model_copy(
        update={"message": f"Stored {len(stored)} files.", "files": stored}
    )


def delete_file(task_id: str, name: str) -> Call[Message]:
    path = task_path(task_id, f"/files/{quote(name)}")
    return Call("DELETE", path, Message.model_validate)


def upload(task_id: str, parts: list[tuple[str, Any]]) -> Call[UploadAnswer]:
    """`parts` as httpx takes them: ("file", (name, open file))."""
    path = task_path(task_id, "/files/upload")
    return Call(
        "POST", path, UploadAnswer.model_validate, {"files": parts, "headers": once_headers()}
    )


def events(task_id: str, after: int, limit: int, kinds: Sequence[str]) -> Call[list[EventAnswer]]:
    return Call(
        "GET",
        task_path(task_id, "/events"),
        lambda data: EventsAnswer.model_validate(data).events,
        {"params": {"after": after, "limit": limit, "kind": list(kinds)}},
    )


def logs(task_id: str, tail: int | None, step: str | None) -> Call[str]:
    wanted = {"tail": tail, "step": step}
    params = {name: value for name, value in wanted.items() if value is not None}
    return Call(
        "GET",
        task_path(task_id, "/logs"),
        lambda data: LogsAnswer.model_validate(data).logs,
        {"params": params},
    )


def checkpoints(task_id: str) -> Call[CheckpointsAnswer]:
    return Call("GET", task_path(task_id, "/checkpoints"), CheckpointsAnswer.model_validate)


def capabilities() -> Call[dict[str, Any]]:
    return Call("GET", "/api/v1/capabilities", dict)


def is_under_way(response: httpx.Response) -> bool:
    """Whether the first try of the same request is still being worked on."""
    if response.status_code != 409:
        return False
    try:
        return bool(response.json().get("in_flight"))
    except (ValueError, AttributeError):
        return False


class EventReader:
    """Server-sent events, line by line; `after` is the cursor to go on from."""

    def __init__(self, after: int) -> None:
        self.after = after
        self._data: list[str] = []

    def request(self) -> dict[str, Any]:
        """httpx's options for a connection that goes on where the last one ended."""
        self._data = []
        return {"headers": {"Accept": "text/event-stream", "Last-Event-ID": str(self.after)}}

    def feed(self, line: str) -> EventAnswer | None:
        if line.startswith("data:"):
            self._data.append(line[5:].strip())
            return None
        if line or not self._data:
            return None
        event = EventAnswer.model_validate_json("\n".join(self._data))
        self._data = []
        return event if self.accept(event) else None

    def accept(self, event: EventAnswer) -> bool:
        """Whether the event is new; moves the cursor."""
        if event.seq <= self.after:
            return False
        self.after = event.seq
        return True
