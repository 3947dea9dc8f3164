"""Memory of a whole service while something happens."""

from __future__ import annotations

import threading

import psutil

from serve_app.daemon import Service


class MemoryWatch:
    """The peak over all processes of the service, sampled while the block runs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._over = threading.Event()
        self.before = self.peak = 0.0

    def __enter__(self) -> MemoryWatch:
        self.before = self.peak = self._now()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def growth_mb(self) -> float:
        return self.peak - self.before

    def _sample(self) -> None:
        while not self._over.wait(0.3):
            self.peak = max(self.peak, self._now())

    def _now(self) -> float:
        return sum(_pss(process) for process in self._service.processes()) / 1e6


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
