"""One service, whose steps are hit by every kind of kill at one moment of their lives.

Starting a service and killing it cost most of the time, so as many steps as there are kinds run
side by side, each in a task of its own and each another step: task 0 is one step ahead of task 1,
and so on. Round by round the kinds take turns:

    round   kind            task 0    task 1    task 2   …
    0       step process    step 0
    1       coordinator     step 1    step 0
    2       replica         step 2    step 1    step 0

After the last round each of the eleven steps has been hit once by each kind, and no step was
killed more than once, with as few starts as there are rounds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray_pipeline.core.step_names import StepName
from tests.chaos.databases import new_database
from tests.chaos.killing import KINDS
from tests.chaos.same_results import results_of
from tests.chaos.watched_task import PATIENCE_SECONDS, WatchedTask, is_over
from tests.end_to_end.service import RunningService

# The share of the undisturbed duration after which a running step is hit.
MOMENTS = {"begun": 0.0, "middle": 0.5, "late": 0.9}
ALL_STEPS: tuple[str, ...] = tuple(StepName)
ALL_KINDS: tuple[str, ...] = tuple(KINDS)
# The gate of the service counts CPUs: enough of them that five steps run side by side.
_ENVIRONMENT = {"RAY_OVERRIDE_RESOURCES": '{"CPU": 8}'}


@dataclass(frozen=True)
class Undisturbed:
    """What a task that nobody disturbed holds (`results_of`), and how many seconds each step
    took among as many others as in a pass."""

    results: dict[str, str]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Cell:
    """What became of one step that was hit."""

    state_when_hit: str
    attempt: int
    seconds: float  # from the hit to the end of the step
    failure: str = ""

    def __str__(self) -> str:
        if self.failure:
            return f"**{self.failure}**"
        early = "" if self.state_when_hit == "running" else f", was {self.state_when_hit}"
        return f"{self.attempt}: {self.seconds:.0f} s{early}"


@dataclass
class Pass:
    """`cells` by kind and step; `wrong` has a sentence on each file that differs from the
    undisturbed one, each event that was lost, and whatever kept the pass from its end."""

    database: str
    moment: str
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    tasks: int = 0  # that came to their end
    files: int = 0  # of them all
    wrong: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not self.wrong and not any(cell.failure for cell in self.cells.values())


def undisturbed(
    folder: Path, steps: Sequence[str] = ALL_STEPS, side_by_side: int = 5
) -> Undisturbed:
    """The same rounds without a kill. Raises AssertionError if a step fails, or if two tasks
    that nobody disturbed differ."""
    service = RunningService(folder, _ENVIRONMENT)
    service.start()
    seconds: dict[str, list[float]] = {step: [] for step in steps}
    try:
        tasks = [WatchedTask(service) for _ in range(side_by_side)]
        for due in _rounds(tasks, steps):
            began = time.monotonic()
            for task, step in due:
                task.begin(step)
            for (_, step), ended, at in _ends(due):
                assert ended["state"] == "completed", ended
                seconds[step].append(at - began)
        results = [results_of(task.folder) for task in tasks]
        assert all(each == results[0] for each in results), "undisturbed tasks differ"
        assert not any(task.lost(steps) for task in tasks)
        return Undisturbed(
            results[0], {step: statistics.median(each) for step, each in seconds.items()}
        )
    finally:
        service.stop()


def run_pass(
    folder: Path,
    database: str,
    moment: str,
    expected: Undisturbed,
    steps: Sequence[str] = ALL_STEPS,
    kinds: Sequence[str] = ALL_KINDS,
) -> Pass:
    """Raises nothing of the service: what happened stands in the answer."""
    done = Pass(database, moment)
    with new_database(database) as url:
        service = RunningService(
            folder, {**_ENVIRONMENT, **({"GSV_DATABASE_URL": url} if url else {})}
        )
        try:
            service.start()
            tasks = [WatchedTask(service) for _ in kinds]
            failed: set[WatchedTask] = set()
            for number, due in enumerate(_rounds(tasks, steps)):
                kind = kinds[number % len(kinds)]
                alive = [(task, step) for task, step in due if task not in failed]
                for (task, step), cell in _hit(service, alive, kind, moment, expected).items():
                    done.cells[kind, step] = cell
                    print(f"  {kind}, {step}: {cell}", flush=True)
                    if cell.failure:
                        failed.add(task)
            for task in tasks:
                if task not in failed:
                    _compare(task, expected, steps, done)
        except Exception as error:
            done.wrong.append(f"{type(error).__name__}: {error}"[:2000])
        finally:
            service.stop()
    return done


def _rounds(
    tasks: Sequence[WatchedTask], steps: Sequence[str]
) -> list[list[tuple[WatchedTask, str]]]:
    return [
        [
            (task, steps[number - behind])
            for behind, task in enumerate(tasks)
            if 0 <= number - behind < len(steps)
        ]
        for number in range(len(steps) + len(tasks) - 1)
    ]


def _hit(
    service: RunningService,
    due: Sequence[tuple[WatchedTask, str]],
    kind: str,
    moment: str,
    expected: Undisturbed,
) -> dict[tuple[WatchedTask, str], Cell]:
    """Begins the steps so that all come to the moment together, the longest first."""
    share = MOMENTS[moment]
    needed = {each: share * expected.seconds[each[1]] for each in due}
    moment_at = time.monotonic() + max(needed.values(), default=0.0)
    for task, step in sorted(due, key=lambda each: -needed[each]):
        time.sleep(max(0.0, moment_at - needed[task, step] - time.monotonic()))
        task.begin(step)
    for task, step in due:
        task.wait(step, lambda found: is_over(found) or found["state"] == "running")
    time.sleep(max(0.0, moment_at - time.monotonic()))
    states = {(task, step): task.step(step)["state"] for task, step in due}
    running = sum(state == "running" for state in states.values())
    hit_at = time.monotonic()
    killed = KINDS[kind](service, running)
    cells = {}
    for each, ended, at in _ends(due):
        failure = "" if ended["state"] == "completed" else f"{ended['state']}: {ended['error']}"
        if not failure and running and not killed:
            failure = "nothing was there to kill"
        cells[each] = Cell(states[each], ended["attempt"], max(0.0, at - hit_at), failure)
    return cells


def _ends(
    due: Sequence[tuple[WatchedTask, str]],
) -> list[tuple[tuple[WatchedTask, str], dict[str, Any], float]]:
    """Each task and step, how it ended and when (by the monotonic clock)."""
    waiting, ended = list(due), []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while waiting:
        for each in list(waiting):
            found = each[0].step(each[1])
            late = time.monotonic() > deadline
            if late and not is_over(found):
                found = {**found, "error": f"still so after {PATIENCE_SECONDS:.0f} s"}
            if is_over(found) or late:
                waiting.remove(each)
                ended.append((each, found, time.monotonic()))
        time.sleep(0.1)
    return ended


def _compare(task: WatchedTask, expected: Undisturbed, steps: Sequence[str], done: Pass) -> None:
    made = results_of(task.folder)
    names = sorted(expected.results.keys() | made.keys())
    different = [name for name in names if made.get(name) != expected.results.get(name)]
    done.wrong += [f"{name} differs" for name in different]
    done.wrong += task.lost(steps)
    done.tasks += 1
    done.files += len(made)
