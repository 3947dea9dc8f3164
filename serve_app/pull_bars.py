"""How a download of models is shown: bars in a terminal, a line per file and tenth elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ray_pipeline.hub.pulling import PullProgress


class ShowsPull(Protocol):
    def show(self, progress: PullProgress) -> None: ...


def show_pull(console: Console) -> AbstractContextManager[ShowsPull]:
    return PullBars(console) if console.is_terminal else PullLines(console)


class PullLines:
    """A line when a file begins and for each further tenth of it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tenths: dict[str, int] = {}

    def __enter__(self) -> PullLines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, progress: PullProgress) -> None:
        tenth = int(10 * progress.done / progress.total) if progress.total else 0
        if tenth <= self._tenths.get(progress.file, -1):
            return
        self._tenths[progress.file] = tenth
        place = f"{progress.number}/{progress.num_files} {progress.file}"
        self._console.print(f"{place}: {tenth * 10} %", markup=False)
        self._console.file.flush()


class PullBars:
    """A bar for each file; a context manager whose `show` takes every progress."""

    def __init__(self, console: Console) -> None:
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._progress: Progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> PullBars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, progress: PullProgress) -> None:
        if progress.file not in self._bars:
            title = f"{progress.number}/{progress.num_files} {progress.file}"
            self._bars[progress.file] = self._progress.add_task(title, total=progress.total)
        self._progress.update(self._bars[progress.file], completed=progress.done)
