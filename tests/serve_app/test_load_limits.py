import asyncio

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse

from ray_pipeline.core.errors import InvalidInput
from serve_app.load_limits import MOST_LISTENERS, MOST_UPLOADS, MOST_WATCHERS, PLACES, Reserve

UPLOAD = "/api/v1/task/t/files/upload"


def limited(**bounds: float) -> tuple[Reserve, asyncio.Event]:
    """A service whose uploads and streams last until the event is set."""
    app, over = FastAPI(), asyncio.Event()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def answer(path: str, request: Request) -> PlainTextResponse:
        if not path.startswith("health"):
            await over.wait()
            await request.body()
        return PlainTextResponse("ok")

    return Reserve(app, **bounds), over  # type: ignore[arg-type]


def test_uploads_and_watchers_leave_places_for_the_rest() -> None:
    assert PLACES - MOST_UPLOADS - MOST_WATCHERS - MOST_LISTENERS >= 100


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (UPLOAD, 503, "unavailable"),
        ("/api/v1/task/t/events/stream", 503, "unavailable"),
        ("/v1/audio/speech", 429, "busy"),
        ("/tts", 429, "busy"),
    ],
)
def test_one_too_many_is_told_to_come_again_and_health_answers(
    path: str, status: int, code: str
) -> None:
    async def work() -> None:
        app, over = limited(most_uploads=2, most_watchers=2, most_listeners=2)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            held = [asyncio.create_task(client.post(path)) for _ in range(2)]
            await asyncio.sleep(0.05)
            refused = await client.post(path)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
            assert refused.headers["retry-after"]
            assert (await client.get("/health/live")).status_code == 200
            over.set()
            assert [answer.status_code for answer in await asyncio.gather(*held)] == [200, 200]
            assert (await client.post(path)).status_code == 200

    asyncio.run(work())


def test_an_upload_that_stands_still_is_ended() -> None:
    async def work() -> None:
        app, over = limited(upload_silent_seconds=0.05)
        over.set()
        scope = {"type": "http", "method": "POST", "path": UPLOAD, "headers": [],
                 "query_string": b"", "raw_path": UPLOAD.encode(), "root_path": ""}  # fmt: skip

        async def silent() -> dict[str, object]:
            await asyncio.sleep(30)
            return {"type": "http.disconnect"}

        async def send(message: object) -> None:
            return None

        with pytest.raises(InvalidInput, match="Nothing of the upload came"):
            await app(scope, silent, send)  # type: ignore[arg-type]

    asyncio.run(asyncio.wait_for(work(), 20))
