"""Eleven progress bars in a terminal, fed by a task's events."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ray_pipeline.core.task import EventKind, RunState, StepName
from serve_app.schemas import EventAnswer

_MARK = {
    RunState.QUEUED: "[dim]…[/]",
    RunState.RUNNING: "[cyan]▶[/]",
    RunState.COMPLETED: "[green]✓[/]",
    RunState.FAILED: "[red]✗[/]",
    RunState.CANCELLED: "[yellow]■[/]",
    RunState.SKIPPED: "[dim]↷[/]",
    RunState.INTERRUPTED: "[yellow]⟳[/]",
    RunState.PAUSED: "[yellow]⏸[/]",
}


class StepBars:
    """A context manager; `show` takes every event of the task, old ones included."""

    def __init__(self, console: Console | None = None, *, logs: bool = False) -> None:
        self._console = console or Console()
        self._logs = logs
        self._progress = Progress(
            TextColumn("{task.fields[mark]}"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}[/]"),
            console=self._console,
        )
        self._bars: dict[StepName, TaskID] = {
            step: self._progress.add_task(step.value, total=1.0, start=False, mark=" ", note="")
            for step in StepName
        }

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, event: EventAnswer) -> None:
        if event.step is None:
            return
        if event.kind is EventKind.STATE:
            self._show_state(event.step, event.data)
        elif event.kind is EventKind.PROGRESS:
            self._show_progress(event.step, event.data)
        elif event.kind is EventKind.METRIC:
            self._note(event.step, metrics_in_words(event.data))
        elif event.kind is EventKind.WARNING:
            self._say(f"[yellow]{event.step}: {escape(str(event.data.get('message', '')))}[/]")
        elif self._logs:
            self._say(f"[dim]{event.step}: {escape(str(event.data.get('message', '')))}[/]")

    def _show_state(self, step: StepName, data: dict[str, Any]) -> None:
        state, bar = RunState(data["state"]), self._bars[step]
        if state is RunState.RUNNING:
            self._progress.reset(bar, start=True, mark=_MARK[state], note="")
        elif state.satisfies_needs:
            self._progress.update(bar, completed=1.0, mark=_MARK[state], note="")
            self._progress.stop_task(bar)
        else:
            self._progress.update(bar, mark=_MARK[state])
            if state.is_over:
                self._progress.stop_task(bar)
        message = (data.get("error") or {}).get("message")
        if message:
            self._say(f"[red]{step}: {escape(str(message))}[/]")

    def _show_progress(self, step: StepName, data: dict[str, Any]) -> None:
        self._progress.update(self._bars[step], completed=float(data.get("fraction", 0.0)))
        self._note(step, str(data.get("message", "")))

    def _note(self, step: StepName, note: str) -> None:
        room = max(10, self._console.width - 82)
        self._progress.update(self._bars[step], note=escape(note[:room]))

    def _say(self, line: str) -> None:
        self._progress.console.print(line, highlight=False)


def metrics_in_words(data: dict[str, Any]) -> str:
    """Such as `epoch 3: loss_mel 12.4, loss_kl 1.03`."""
    values = data.get("values", {})
    words = ", ".join(
        f"{name.rpartition('/')[2]} {value:.3g}"
        for name, value in values.items()
        if isinstance(value, int | float)
    )
    epoch = data.get("epoch")
    return f"epoch {epoch}: {words}" if epoch is not None else words
