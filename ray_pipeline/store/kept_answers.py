"""Answers that are given again to who asks the same again (Idempotency-Key), kept for a day."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from ray_pipeline.core.errors import Conflict, InvalidInput
from ray_pipeline.core.task import KeptAnswer
from ray_pipeline.store.models import KeptAnswerRow

KEPT_FOR = timedelta(days=1)
# Who asked is dead by then: no request that starts something takes so long.
IN_FLIGHT_FOR = timedelta(minutes=5)

Write = Callable[[], AbstractContextManager[Session]]


class KeptAnswers:
    def __init__(self, write: Write) -> None:
        self._write = write

    def begin(self, key: str, digest: str, *, now: datetime | None = None) -> KeptAnswer | None:
        """The answer that a request with this key got before, or None: then it is this one's
        turn, and `finish` or `give_up` follows.

        `digest` stands for all that the request says. Raises InvalidInput when the key came with
        another request, Conflict while the first one is under way.
        """
        now = now or datetime.now(UTC)
        with self._write() as session:
            session.execute(delete(KeptAnswerRow).where(KeptAnswerRow.begun_at < now - KEPT_FOR))
            row = session.get(KeptAnswerRow, key, with_for_update=True)
            if row is None:
                session.add(KeptAnswerRow(key=key, digest=digest, begun_at=now))
                return None
            if row.digest != digest:
                raise InvalidInput(
                    "This Idempotency-Key was sent with another request before.",
                    hint="Make a new key for each request; send the old one only to repeat it.",
                    field="header.Idempotency-Key",
                )
            if row.status is not None:
                return KeptAnswer(status=row.status, body=row.body or "")
            if row.begun_at > now - IN_FLIGHT_FOR:
                raise Conflict(
                    "The first request with this Idempotency-Key is still under way.",
                    hint="Send it again in a second.",
                    in_flight=True,
                )
            row.begun_at = now
            return None

    def finish(self, key: str, answer: KeptAnswer) -> None:
        with self._write() as session:
            row = session.get(KeptAnswerRow, key)
            if row is not None:
                row.status, row.body = answer.status, answer.body

    def give_up(self, key: str) -> None:
        """Nothing was done: the same key may be tried again."""
        with self._write() as session:
            row = session.get(KeptAnswerRow, key)
            if row is not None and row.status is None:
                session.delete(row)
