"""The data doctor's report as a page in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Column, Table

if TYPE_CHECKING:
    from rich.console import Console

    from ray_pipeline.quality.report import ClipReport, DataReport, LeftOut

_COLOURS = {"A": "green", "B": "green", "C": "yellow", "D": "red"}
_MARKS = {"bad": "[red]bad[/]", "check": "[yellow]listen[/]", "good": "[green]good[/]"}
_ORDER = list(_MARKS)


def print_report(
    console: Console, task_name: str, report: DataReport, *, everything: bool = False
) -> None:
    """Grade, what to do, the clips with findings (worst first), what is left out and why."""
    console.print(f"[bold]{escape(task_name)}[/]")
    console.print(f"[{_COLOURS[report.grade]}]{report.summary}[/]")
    console.print(" · ".join(_facts(report)))
    _print_list(console, "What to do", [*report.advice, *report.not_measured])
    shown = [clip for clip in report.clips if clip.used and (everything or clip.findings)]
    _print_clips(console, sorted(shown, key=lambda clip: _ORDER.index(clip.verdict)))
    left_out = [item for clip in report.clips for item in clip.left_out]
    _print_left_out(console, "Clips that training leaves out", left_out)
    _print_left_out(console, "Recordings that gave no clip", report.recordings)


def _facts(report: DataReport) -> list[str]:
    facts = [f"{report.seconds / 60:.1f} min in {report.num_clips} clips"]
    if report.lufs is not None:
        facts.append(f"{report.lufs:.0f} LUFS")
    if report.snr_db is not None:
        facts.append(f"{report.snr_db:.0f} dB above the noise")
    if report.true_sample_rate_hz is not None:
        facts.append(f"as good as {report.true_sample_rate_hz / 1000:.0f} kHz")
    return facts


def _print_list(console: Console, title: str, sentences: Sequence[str]) -> None:
    if not sentences:
        return
    console.print(f"\n[bold]{title}[/]")
    table = Table(box=None, show_header=False, padding=(0, 1))
    for sentence in sentences:
        table.add_row("•", escape(sentence))
    console.print(table)


def _print_clips(console: Console, clips: Sequence[ClipReport]) -> None:
    if not clips:
        return
    console.print("\n[bold]Clips[/]")
    table = Table("", Column("clip", no_wrap=True), Column("s", justify="right"), "why", box=None)
    for clip in clips:
        why = " ".join(finding.message for finding in clip.findings)
        table.add_row(_MARKS[clip.verdict], escape(clip.clip), f"{clip.seconds:.1f}", escape(why))
    console.print(table)


def _print_left_out(console: Console, title: str, items: Sequence[LeftOut]) -> None:
    if not items:
        return
    console.print(f"\n[bold]{title}[/]")
    table = Table(Column("name", no_wrap=True), "by", "why", box=None)
    for item in items:
        table.add_row(escape(item.name), item.step, escape(item.reason))
    console.print(table)
