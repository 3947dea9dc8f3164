"""What a piece of work costs the process that does it (Linux)."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


class Cost:
    """Processor time of all threads and peak memory over the level before, in a block.

    Memory counts everything that is resident, so libraries that the block loads are in it.
    """

    def __enter__(self) -> Cost:
        _CLEAR_REFS.write_text(_RESET_PEAK)
        self._idle_mb = megabytes("VmRSS")
        self._start = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu_seconds = time.process_time() - self._start
        self.peak_mb = megabytes("VmHWM") - self._idle_mb


def megabytes(field: str) -> float:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise KeyError(field)


def in_own_process(module: str, *arguments: str) -> dict[str, Any]:
    """The JSON that `python -m module arguments…` prints last. Raises CalledProcessError."""
    command = [sys.executable, "-m", module, *arguments]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    result: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return result
