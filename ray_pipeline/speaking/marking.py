"""Speech with the watermark: each sound is marked as it comes, before anybody hears it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from ray_pipeline.audio.watermark import Watermark
from ray_pipeline.speaking.order import Finished, Part, PieceEnd, Sound


async def marked(
    parts: AsyncGenerator[Part], mark: Watermark, lock: asyncio.Lock
) -> AsyncGenerator[Part]:
    """The same parts with marked sounds, and their digest. Sounds of a piece begin and end at the
    same samples each time it is said, so that a stream goes on elsewhere as it began. `lock` is
    shared by all who use `mark`."""
    digest = hashlib.sha256()
    async with aclosing(parts):
        async for part in parts:
            if isinstance(part, Sound):
                async with lock:
                    wav = await asyncio.to_thread(mark.put, part.wav)
                digest.update(wav.astype("<f4", copy=False).tobytes())
                yield replace(part, wav=wav)
            elif isinstance(part, PieceEnd):
                yield replace(part, facts={**part.facts, "watermark": True})
            elif isinstance(part, Finished):
                yield replace(part, digest=digest.hexdigest())
            else:
                yield part
