"""Speech from the deployment `Voices`, over the death of a replica.

Pieces of an order are the same whoever makes them, so a stream that broke off goes on with the
piece that was being said: what its listener has heard of it is left out.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

from ray.exceptions import ActorDiedError, ActorUnavailableError, RayError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle, DeploymentResponseGenerator

from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import Busy, Unavailable, pipeline_error_in
from ray_pipeline.speaking.order import Finished, Part, PieceEnd, Sound, SpeechOrder, Started

_log = logging.getLogger(__name__)

# Replicas that die one after another at the same place: the text may be what kills them.
_MOST_DEATHS = 3
_DEATHS = (ActorDiedError, ActorUnavailableError, DeploymentUnavailableError)


@dataclass
class _Heard:
    """What of an order came so far. `piece` is being said, `of_piece` samples of it are through."""

    piece: int
    num_pieces: int | None = None
    of_piece: int = 0
    samples: int = 0
    pieces: int = 0
    deaths: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def is_whole(self) -> bool:
        return self.num_pieces is not None and self.piece >= self.num_pieces

    def finished(self) -> Finished:
        return Finished(self.samples / SAMPLE_RATE, self.pieces, self.digest.hexdigest())


class RemoteSpeaker:
    """`handle` is that of a deployment with the methods of `Voices`."""

    def __init__(self, handle: DeploymentHandle) -> None:
        self._stats, self._check = handle.stats, handle.check
        self._speak = handle.options(method_name="speak", stream=True)

    async def speak(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        """Raises what the engine raises, and Unavailable when replicas keep dying."""
        heard = _Heard(order.start_piece)
        while not heard.is_whole:
            begun = heard.num_pieces is not None
            asked = replace(order, start_piece=heard.piece, promised=order.promised or begun)
            stream = cast(DeploymentResponseGenerator[Part], self._speak.remote(asked))
            try:
                async for part in _new_parts(stream, heard):
                    yield part
                break
            except _DEATHS as error:
                heard.deaths += 1
                _log.warning("a replica of Voices is gone, at piece %d: %s", heard.piece, error)
                if heard.deaths >= _MOST_DEATHS:
                    raise Unavailable(
                        f"What speaks has died {heard.deaths} times while it said this.",
                        hint="Try again; if it dies each time, try a shorter text, and look into "
                        "the service's log.",
                    ) from error
                await asyncio.sleep(0.1)
            except BackPressureError:
                raise Busy(
                    "More speech is asked for than can wait.",
                    hint="Try again in some seconds.",
                    retry_after_s=5,
                ) from None
            except RayError as error:
                raise pipeline_error_in(error) or error.__cause__ or error from None
            finally:
                stream.cancel()
        yield heard.finished()

    async def check(self, order: SpeechOrder) -> None:
        """As `SpeechEngine.check`."""
        try:
            await self._check.remote(order)
        except (*_DEATHS, BackPressureError) as error:
            raise Unavailable("What speaks does not answer now.", hint="Try again.") from error
        except RayError as error:
            raise pipeline_error_in(error) or error.__cause__ or error from None

    async def stats(self) -> dict[str, Any]:
        """Of one replica."""
        try:
            found: dict[str, Any] = await self._stats.remote()
        except (*_DEATHS, BackPressureError) as error:
            raise Unavailable("What speaks does not answer now.", hint="Try again.") from error
        return found


async def _new_parts(
    stream: DeploymentResponseGenerator[Part], heard: _Heard
) -> AsyncIterator[Part]:
    """The parts of one stream that its listener has not heard, but for the closing one."""
    skip = heard.of_piece
    async for part in stream:
        if isinstance(part, Started):
            if heard.num_pieces is None:
                heard.num_pieces = part.num_pieces
                yield part
        elif isinstance(part, Sound):
            wav, skip = part.wav[skip:], max(0, skip - len(part.wav))
            if len(wav):
                heard.digest.update(wav.astype("<f4", copy=False).tobytes())
                heard.samples += len(wav)
                heard.of_piece += len(wav)
                yield replace(part, wav=wav)
        elif isinstance(part, PieceEnd):
            heard.piece, heard.of_piece, skip = part.piece + 1, 0, 0
            heard.pieces += 1
            heard.deaths = 0
            yield part
