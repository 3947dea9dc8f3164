"""Who writes: one row that names the coordinator, with a number that only rises.

    lease = Lease(store, "host 4711")
    lease.take(is_gone)      the number becomes one more than before; `store` writes under it
    lease.renew()            every few seconds

A coordinator that was cut off from the database, or only slept, and has been replaced meanwhile
cannot write any more: its number is an old one, and every transaction that changes something
looks at the number first, under a lock that the next one's taking waits for (fencing; see
M. Kleppmann, "How to do distributed locking", 2016). DBOS's own tables are not fenced; what they
hold decides nothing.

Whether a holder is alive is judged by its renewals as the waiting one sees them, on the waiting
one's own clock: the clocks of two machines need not agree.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from ray_pipeline.core.errors import Unavailable
from ray_pipeline.store.models import LeaseRow
from ray_pipeline.store.queries import Store

RENEW_SECONDS = 5.0
EXPIRES_SECONDS = 20.0
_LOOK_SECONDS = 0.5


class Lease:
    """`holder` says which process it is, in a form that `is_gone` of `take` understands."""

    def __init__(self, store: Store, holder: str) -> None:
        self._store = store
        self._holder = holder

    def take(
        self,
        is_gone: Callable[[str], bool],
        *,
        expires_seconds: float = EXPIRES_SECONDS,
        timeout_seconds: float = EXPIRES_SECONDS + 10,
    ) -> None:
        """Become the one that writes: at once where the last holder is known to be gone, else
        when it has not renewed for `expires_seconds`.

        Raises Unavailable if another one stays alive.
        """
        deadline = time.monotonic() + timeout_seconds
        seen, since = None, time.monotonic()
        while True:
            with self._store.unfenced_write() as session:
                row = _row(session)
                state = (row.fence, row.beats)
                if state != seen:
                    seen, since = state, time.monotonic()
                expired = time.monotonic() - since >= expires_seconds
                if expired or not row.holder or is_gone(row.holder):
                    row.fence += 1
                    row.holder, row.beats = self._holder, 0
                    fence = row.fence
                    break
            if time.monotonic() > deadline:
                raise Unavailable(
                    "Another coordinator works on the same database.",
                    hint="Stop the other service, or give this one its own GSV_DATA_DIR and "
                    "database.",
                )
            time.sleep(_LOOK_SECONDS)
        self._store.write_under(fence)

    def renew(self) -> None:
        """Raises LeaseLost if somebody else has taken it."""
        with self._store.write() as session:
            _row(session).beats += 1


def _row(session: Session) -> LeaseRow:
    return session.scalars(select(LeaseRow).with_for_update()).one()
