"""Being the only coordinator of a database, and ending when one is not any more."""

from __future__ import annotations

import json
import logging
import platform
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ray_pipeline.core.errors import PipelineError
from ray_pipeline.store import Lease, LeaseLost
from ray_pipeline.store.lease import RENEW_SECONDS

_log = logging.getLogger(__name__)


def this_process() -> str:
    """Says where this process lives, so that another one on the same machine can look."""
    me = psutil.Process()
    return json.dumps({"place": _place(), "pid": me.pid, "started": me.create_time()})


def is_gone(holder: str) -> bool:
    """Whether a process named by `this_process` is known to have ended; of one in another place
    nobody here knows."""
    try:
        named: dict[str, Any] = json.loads(holder)
        if named["place"] != _place():
            return False
        alive = psutil.Process(named["pid"])
        # The number may have been given out anew; clocks that are set shift the time a little.
        same = abs(alive.create_time() - named["started"]) < 5
        return not same or alive.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except (ValueError, KeyError, TypeError, psutil.Error):
        return False


def _place() -> list[str]:
    """The machine since it was switched on, and the container: where process numbers are ours."""
    namespace = ""
    with suppress(OSError):  # no such thing but on Linux
        namespace = str(Path("/proc/self/ns/pid").readlink())
    with suppress(OSError):
        namespace += Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return [platform.node(), namespace]


def keep(
    lease: Lease, on_lost: Callable[[], None], *, interval_seconds: float = RENEW_SECONDS
) -> threading.Thread:
    """Renew the lease from a thread, for as long as the process lives; `on_lost` is called once
    another one has it. While the database is away nothing is lost: nobody can take it either."""

    def renew() -> None:
        while True:
            time.sleep(interval_seconds)
            try:
                lease.renew()
            except LeaseLost:
                on_lost()
                return
            except PipelineError as error:
                _log.warning("the lease was not renewed: %s", error)
            except Exception:
                _log.exception("the lease was not renewed")

    thread = threading.Thread(target=renew, daemon=True, name="lease")
    thread.start()
    return thread
