"""A task's progress where no bars can be drawn: in a pipe, a file, a CI log."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console

from ray_pipeline.core.task import EventKind, RunState, StepName
from serve_app.schemas import EventAnswer
from serve_app.step_bars import StepBars, metrics_in_words

_PARTS = 10


class ShowsEvents(Protocol):
    def show(self, event: EventAnswer) -> None: ...


def show_steps(console: Console, *, logs: bool = False) -> AbstractContextManager[ShowsEvents]:
    """Bars in a terminal, lines elsewhere."""
    return (StepBars if console.is_terminal else StepLines)(console, logs=logs)


class StepLines:
    """A context manager; `show` takes every event of the task and prints a line for each change
    of a step's state, each further tenth of its work, each warning and, if asked, each log
    line."""

    def __init__(self, console: Console, *, logs: bool = False) -> None:
        self._console = console
        self._logs = logs
        self._tenths: dict[StepName, int] = {}
        self._metrics: dict[StepName, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def show(self, event: EventAnswer) -> None:
        if event.step is None:
            return
        if event.kind is EventKind.STATE:
            self._show_state(event, event.step)
        elif event.kind is EventKind.PROGRESS:
            self._show_progress(event, event.step)
        elif event.kind is EventKind.METRIC:
            self._metrics[event.step] = metrics_in_words(event.data)
        elif event.kind is EventKind.WARNING or self._logs:
            self._say(event, str(event.data.get("message", "")))

    def _show_state(self, event: EventAnswer, step: StepName) -> None:
        state = RunState(event.data["state"])
        if state is RunState.RUNNING:
            self._tenths.pop(step, None)
        message = (event.data.get("error") or {}).get("message")
        self._say(event, f"{state.value}: {message}" if message else state.value)

    def _show_progress(self, event: EventAnswer, step: StepName) -> None:
        tenth = int(float(event.data.get("fraction", 0.0)) * _PARTS + 1e-6)
        if tenth > self._tenths.get(step, -1):
            self._tenths[step] = tenth
            said: list[Any] = [event.data.get("message"), self._metrics.get(step)]
            notes = ", ".join(str(note) for note in said if note)
            self._say(event, f"{tenth * 100 // _PARTS} % {notes}".strip())

    def _say(self, event: EventAnswer, sentence: str) -> None:
        clock = event.time.astimezone().strftime("%H:%M:%S")
        self._console.print(f"{clock} {event.step}: {sentence}", markup=False)
        self._console.file.flush()  # whoever follows the file sees it now
