"""One service, whose steps are hit by every kind of kill at one moment of their lives.

Starting a service and killing it cost most of the time, so as many steps as there are kinds run
side by side, each in a task of its own and each another step: task 0 is one step ahead of task 1,
and so on. Round by round the kinds take turns:

    round   kind            task 0    task 1    task 2   …
    0       step process    step 0
    1       coordinator     step 1    step 0
    2       replica         step 2    step 1    step 0

Each step waits at the moment until all of the round are there (`holding.py`); whoever lives after
the hit is let go on. After the last round each of the eleven steps has been hit once by each kind,
and no step was killed more than once, with as few starts as there are rounds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray_pipeline.core.step_names import StepName
from tests.chaos.databases import new_database
from tests.chaos.holding import Holds, order
from tests.chaos.killing import KINDS
from tests.chaos.same_results import results_of
from tests.chaos.watched_task import PATIENCE_SECONDS, WatchedTask, is_over
from tests.end_to_end.service import RunningService

ALL_STEPS: tuple[str, ...] = tuple(StepName)
ALL_KINDS: tuple[str, ...] = tuple(KINDS)
# Whoever lives goes on; only what lost its own process is tried anew.
_ATTEMPTS = {"coordinator": 1, "replica": 1}
# The gate of the service counts CPUs: enough of them that five steps run side by side. And beside
# other work, Ray's low priority would make minutes of seconds.
_ENVIRONMENT = {"RAY_OVERRIDE_RESOURCES": '{"CPU": 8}', "RAY_worker_niceness": "0"}


@dataclass(frozen=True)
class Cell:
    """What became of one step that was hit."""

    attempt: int
    seconds: float  # from the hit to the end of the step
    failure: str = ""

    def __str__(self) -> str:
        return f"**{self.failure}**" if self.failure else f"{self.attempt}: {self.seconds:.0f} s"


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
) -> dict[str, str]:
    """What a task holds after the same rounds without a kill (`results_of`). Raises
    AssertionError if a step fails, or if two tasks that nobody disturbed differ."""
    service = RunningService(folder, _ENVIRONMENT)
    service.start()
    try:
        tasks = [WatchedTask(service) for _ in range(side_by_side)]
        for due in _rounds(tasks, steps):
            for task, step in due:
                task.begin(step)
            for _, ended, _ in _ends(due):
                assert ended["state"] == "completed", ended
        results = [results_of(task.folder) for task in tasks]
        assert all(each == results[0] for each in results), "undisturbed tasks differ"
        assert not any(task.lost(steps) for task in tasks)
        return results[0]
    finally:
        service.stop()


def run_pass(
    folder: Path,
    database: str,
    moment: str,
    expected: dict[str, str],
    steps: Sequence[str] = ALL_STEPS,
    kinds: Sequence[str] = ALL_KINDS,
) -> Pass:
    """Raises nothing of the service: what happened stands in the answer."""
    done, holds = Pass(database, moment), Holds(folder / "orders")
    with new_database(database) as url:
        environment = {**_ENVIRONMENT, **holds.environment}
        if url:
            environment["GSV_DATABASE_URL"] = url
        service = RunningService(folder, environment)
        try:
            service.start()
            tasks = [WatchedTask(service) for _ in kinds]
            failed: set[WatchedTask] = set()
            for number, due in enumerate(_rounds(tasks, steps)):
                kind = kinds[number % len(kinds)]
                alive = [(task, step) for task, step in due if task not in failed]
                for (task, step), cell in _hit(service, alive, kind, moment, holds).items():
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
            holds.release()
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
    holds: Holds,
) -> dict[tuple[WatchedTask, str], Cell]:
    holds.order(order(step, moment) for _, step in due)
    for task, step in due:
        task.begin(step)
    for task, step in due:
        _wait_until_held(task, step, order(step, moment), holds)
    hit_at = time.monotonic()
    killed = KINDS[kind](service, len(due))
    holds.release()
    cells = {}
    for each, ended, at in _ends(due):
        failure = "" if ended["state"] == "completed" else f"{ended['state']}: {ended['error']}"
        if not failure and due and not killed:
            failure = "nothing was there to kill"
        if not failure and ended["attempt"] != _ATTEMPTS.get(kind, 2):
            failure = f"attempt {ended['attempt']} completed it"
        cells[each] = Cell(ended["attempt"], max(0.0, at - hit_at), failure)
    return cells


def _wait_until_held(task: WatchedTask, step: str, wanted: str, holds: Holds) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds.is_held(wanted):
        found = task.step(step)
        # It may have passed by between the two looks.
        assert not is_over(found) or holds.is_held(wanted), f"{step} did not come by: {found}"
        assert time.monotonic() < deadline, f"{step} is not there: {found}"
        time.sleep(0.1)


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


def _compare(task: WatchedTask, expected: dict[str, str], steps: Sequence[str], done: Pass) -> None:
    made = results_of(task.folder)
    names = sorted(expected.keys() | made.keys())
    different = [name for name in names if made.get(name) != expected.get(name)]
    done.wrong += [f"{name} differs" for name in different]
    done.wrong += task.lost(steps)
    done.tasks += 1
    done.files += len(made)
