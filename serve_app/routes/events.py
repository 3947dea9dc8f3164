"""Events: read from a cursor, or watch them live.

Both live forms resume from a cursor, so a connection that breaks loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from ray_pipeline.core.errors import NotFound, Unavailable
from ray_pipeline.core.task import Event, EventKind
from serve_app.dependencies import Services, ServicesDep, StoreDep, TaskDep, TaskId
from serve_app.errors import problem_responses
from serve_app.schemas import EventAnswer, EventsAnswer

router = APIRouter(tags=["events"])

KEEP_ALIVE_SECONDS = 15.0
_RETRY_SECONDS = 1.0
_PAGE = 500
_POLICY_VIOLATION = 1008

_BEYOND = 2**63  # what no database counts to

Cursor = Annotated[int, Query(ge=0, lt=_BEYOND, description="only events with a greater `seq`")]


@router.get("/task/{task_id}/events", responses=problem_responses(404))
def list_events(
    task: TaskDep,
    store: StoreDep,
    after: Cursor = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="events on a page")] = 1000,
    kind: Annotated[
        list[EventKind] | None, Query(description="only these kinds; repeatable")
    ] = None,
) -> EventsAnswer:
    """State changes, progress, metrics, log lines and warnings, oldest first."""
    events = store.events(task.task_id, after=after, limit=limit, kinds=kind or None)
    return EventsAnswer(
        events=[EventAnswer.of(event) for event in events],
        next=events[-1].seq if events else after,
    )


@router.get(
    "/task/{task_id}/events/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "server-sent events; `id` is the cursor, `data` one event as JSON",
            "content": {
                "text/event-stream": {"example": 'id: 7\ndata: {"seq": 7, "kind": "progress"}\n\n'}
            },
        },
        **problem_responses(404),
    },
)
async def stream_events(
    task: TaskDep,
    services: ServicesDep,
    after: Cursor = 0,
    last_event_id: Annotated[
        int | None, Header(ge=0, lt=_BEYOND, description="the cursor; wins over `after`")
    ] = None,
) -> StreamingResponse:
    """The same, live. `Last-Event-ID` wins over `after`, so browsers resume by themselves."""
    start = after if last_event_id is None else last_event_id
    return StreamingResponse(
        _server_sent(services, task.task_id, start),
        media_type="text/event-stream",
        # Proxies must pass each event on at once.
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _server_sent(services: Services, task_id: str, after: int) -> AsyncIterator[str]:
    yield ": watching\n\n"
    with suppress(NotFound):  # the task was deleted while somebody watched: the stream ends
        async for event in live_events(services, task_id, after):
            if event is None:
                yield ": still here\n\n"
            else:
                yield f"id: {event.seq}\ndata: {EventAnswer.of(event).model_dump_json()}\n\n"


@router.websocket("/task/{task_id}/events/ws")
async def watch_events(
    websocket: WebSocket, task_id: TaskId, services: ServicesDep, after: Cursor = 0
) -> None:
    """The same as a WebSocket: one JSON event a message, from `after` on."""
    await websocket.accept()
    sender = asyncio.create_task(_send_events(websocket, services, task_id, after))
    # Only someone who reads notices that the other side has gone.
    reader = asyncio.create_task(_read_until_gone(websocket))
    try:
        await asyncio.wait([sender, reader], return_when=asyncio.FIRST_COMPLETED)
    finally:
        reader.cancel()
        if not sender.done():
            sender.cancel()
        # What ended the sender, such as a database that is away, ends the connection too: a
        # client comes again then, where it would wait for ever at a silent one.
        with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await sender


async def _read_until_gone(websocket: WebSocket) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await websocket.receive_text()


async def _send_events(websocket: WebSocket, services: Services, task_id: str, after: int) -> None:
    try:
        async for event in live_events(services, task_id, after):
            if event is not None:
                await websocket.send_text(EventAnswer.of(event).model_dump_json())
    except NotFound as error:
        await websocket.close(_POLICY_VIOLATION, reason=error.message)


async def live_events(services: Services, task_id: str, after: int) -> AsyncIterator[Event | None]:
    """Events as they happen; None whenever there was none for a while.

    Raises NotFound as soon as the task does not exist (any more).
    """
    while True:
        events = await _events_after(services, task_id, after)
        for event in events:
            yield event
            after = event.seq
        # Less than a page was all there was. What came since is noticed by who waits for it.
        if len(events) < _PAGE and not await _something_new(services, task_id, after):
            yield None


async def _events_after(services: Services, task_id: str, after: int) -> list[Event]:
    async def read() -> list[Event]:
        return await asyncio.to_thread(services.store.events, task_id, after=after, limit=_PAGE)

    return await services.shared.ask(("events", task_id, after), read)


async def _something_new(services: Services, task_id: str, after: int) -> bool:
    async def wait() -> int:
        return await services.coordinator.wait_for_events(task_id, after, KEEP_ALIVE_SECONDS)

    try:
        newest = await services.shared.ask(("newest", task_id, after), wait)
    except (NotFound, Unavailable):
        await asyncio.sleep(_RETRY_SECONDS)  # it restarts in seconds; the stream lives on
        return False
    return newest > after
