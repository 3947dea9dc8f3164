"""A file as an answer: whole or in ranges, or 304 for a client that has it already."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import FileResponse, Response

from ray_pipeline.core.errors import NotFound

FILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"*/*": {}}, "description": "the file; its type is that of its name"},
    206: {"content": {"*/*": {}}, "description": "the part that `Range` asked for"},
    304: {"description": "unchanged since the `ETag` in `If-None-Match`"},
}


async def file_answer(
    request: Request,
    path: Path,
    *,
    inline: bool = False,
    name: str | None = None,
    media_type: str | None = None,
) -> Response:
    """`name` is what the client may save it as, `path`'s own if it is not given; `inline` lets a
    browser play the file in place of saving it; `media_type` is guessed by the name if it is not
    given. Raises NotFound for one that a step has replaced or removed meanwhile."""
    try:
        status = await asyncio.to_thread(os.stat, path)
    except FileNotFoundError:
        raise NotFound(f"{path.name} is not there any more.", hint="Read the list again.") from None
    response = FileResponse(
        path,
        filename=name or path.name,
        media_type=media_type,
        stat_result=status,
        content_disposition_type="inline" if inline else "attachment",
    )
    response.headers["Cache-Control"] = "no-cache"
    if is_unchanged(request.headers.get("if-none-match"), response.headers["etag"]):
        kept = {name: response.headers[name] for name in ("etag", "last-modified")}
        return Response(status_code=304, headers=kept)
    return response


def is_unchanged(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags
