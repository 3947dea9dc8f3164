"""Kills parts of a service in each of the eleven steps and compares what comes out in the end.

    python -m tests.chaos.kill_matrix --kinds everything coordinator --databases sqlite \\
        --moments begun --table /tmp/table.md --folder /tmp/chaos

A pass is one service, started by `gsv start`, and one task, whose eleven steps are done one after
the other; each is killed once, at the same moment of its life. A task that nobody disturbed comes
first: its files are what all others are held against. The table is written after each pass.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from ray_pipeline.core.step_names import StepName
from tests.chaos.databases import new_database
from tests.chaos.killing import KINDS
from tests.chaos.same_results import results_of
from tests.end_to_end.service import PROJECT, RunningService

# The share of the undisturbed duration after which a running step is hit.
MOMENTS = {"begun": 0.0, "middle": 0.5, "late": 0.9}
SPEECH = PROJECT / "tests/data/speech_en"
CONFIG = {"language": "en", "base_model": "nano", "exp_name": "me", "batch_size": 2}
ALL_STEPS: tuple[str, ...] = tuple(StepName)
PARAMS: dict[str, dict[str, Any]] = {
    StepName.TRAIN_SOVITS: {"max_steps": 20},
    StepName.TRAIN_GPT: {"max_steps": 20},
    StepName.TEST_INFERENCE: {"target_text": "Good day."},
}
_PATIENCE_SECONDS = 1200.0


@dataclass
class Cell:
    """What became of one step that was hit."""

    step: str
    killed: int  # processes
    state_when_hit: str
    attempts: int
    seconds: float  # from the hit to the end of the step
    failure: str = ""

    def __str__(self) -> str:
        if self.failure:
            return f"**{self.failure}**"
        late = "" if self.state_when_hit == "running" else f", was {self.state_when_hit}"
        return f"ok, attempt {self.attempts}, {self.seconds:.0f} s{late}"


@dataclass
class Pass:
    """`differences` are files that are not those of the undisturbed task; empty: all equal."""

    kind: str
    database: str
    moment: str
    cells: list[Cell] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    number_of_files: int = 0
    failure: str = ""

    @property
    def is_good(self) -> bool:
        failed = [cell for cell in self.cells if cell.failure]
        return not (failed or self.differences or self.lost or self.failure)


class Task:
    """A task of the service, over HTTP, by a client that outlives the service."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self.task_id = self._call(
            "POST", "/task/create", json={"task_name": "chaos", "config": CONFIG}
        )["task_id"]
        for path in (SPEECH / "LJ001-0002.flac", SPEECH / "LJ001-0037.flac"):
            self._upload(path.name, path.read_bytes())
        lines = (SPEECH / "transcripts.list").read_text().splitlines(keepends=True)
        chosen = [line for line in lines if line.startswith(("LJ001-0002", "LJ001-0037"))]
        self._upload("transcripts.list", "".join(chosen).encode())

    @property
    def folder(self) -> Path:
        return self._service.data_dir / "api_tasks" / str(self.task_id)

    def begin(self, step: str) -> None:
        body = {"params": PARAMS.get(step, {})}
        self._call("POST", f"/task/{self.task_id}/step/{step}", json=body)

    def step(self, step: str) -> dict[str, Any]:
        steps = self._call("GET", f"/task/{self.task_id}/steps")["steps"]
        found: dict[str, Any] = next(each for each in steps if each["step"] == step)
        return found

    def wait(self, step: str, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_it(found := self.step(step)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{step}: {found['state']} after {_PATIENCE_SECONDS:.0f} s")
            time.sleep(0.1)
        return found

    def lost(self, steps: Sequence[str]) -> list[str]:
        """Sentences on what was told twice, never, or out of order."""
        events = self._service.events(str(self.task_id))
        found = []
        numbers = [event["seq"] for event in events]
        if numbers != sorted(set(numbers)):
            found.append("the numbers of events do not rise")
        for step in {StepName.TRAIN_SOVITS, StepName.TRAIN_GPT}.intersection(steps):
            told = [
                event["data"]["epoch"]
                for event in events
                if event["kind"] == "metric" and event["step"] == step
            ]
            # How many there are follows from the steps that were asked for.
            if not told or told != list(range(1, len(told) + 1)):
                found.append(f"{step} told the epochs {told}")
        return found

    def _upload(self, name: str, content: bytes) -> None:
        self._call("POST", f"/task/{self.task_id}/files/upload", files={"file": (name, content)})

    def _call(self, method: str, path: str, **body: Any) -> Any:
        """Asks again while nobody answers."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                answer = requests.request(
                    method, f"{self._service.url}/api/v1{path}", timeout=60, **body
                )
                if answer.status_code < 500:
                    answer.raise_for_status()
                    return answer.json()
                reason = f"{answer.status_code} {answer.text[:200]}"
            except requests.ConnectionError as error:
                reason = str(error)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path}: {reason}")
            time.sleep(0.5)


def is_over(step: dict[str, Any]) -> bool:
    return step["state"] in ("completed", "failed", "cancelled")


def undisturbed(
    folder: Path, steps: Sequence[str] = ALL_STEPS
) -> tuple[dict[str, str], dict[str, float]]:
    """The results of a task that nothing happened to, and how long its steps took in seconds."""
    service = RunningService(folder)
    service.start()
    try:
        task = Task(service)
        seconds = {}
        for step in steps:
            task.begin(step)
            started = time.monotonic()
            ended = task.wait(step, is_over)
            seconds[str(step)] = time.monotonic() - started
            assert ended["state"] == "completed", ended
        assert task.lost(steps) == []
        return results_of(task.folder), seconds
    finally:
        service.stop()


def run_pass(
    folder: Path,
    kind: str,
    database: str,
    moment: str,
    expected: tuple[dict[str, str], dict[str, float]],
    steps: Sequence[str] = ALL_STEPS,
) -> Pass:
    """One service, these steps, a kill in each. Raises nothing of the service: what happened
    stands in the answer."""
    results, seconds = expected
    done = Pass(kind, database, moment)
    with new_database(database) as url:
        service = RunningService(folder, {"GSV_DATABASE_URL": url} if url else None)
        service.start()
        try:
            task = Task(service)
            for step in steps:
                done.cells.append(_hit(service, task, step, done, seconds[step]))
                print(f"  {step}: {done.cells[-1]}", flush=True)
                if done.cells[-1].failure:
                    break
            else:
                made = results_of(task.folder)
                done.number_of_files = len(made)
                names = sorted(results.keys() | made.keys())
                done.differences = [name for name in names if made.get(name) != results.get(name)]
                done.lost = task.lost(steps)
        except Exception as error:
            done.failure = f"{type(error).__name__}: {error}"[:300]
        finally:
            service.stop()
    return done


def _hit(service: RunningService, task: Task, step: str, done: Pass, seconds: float) -> Cell:
    task.begin(step)
    task.wait(step, lambda found: is_over(found) or found["state"] == "running")
    time.sleep(MOMENTS[done.moment] * seconds)
    state = task.step(step)["state"]
    hit_at = time.monotonic()
    killed = KINDS[done.kind](service)
    try:
        ended = task.wait(step, is_over)
    except (TimeoutError, requests.RequestException) as error:
        return Cell(step, killed, state, 0, time.monotonic() - hit_at, str(error))
    failure = "" if ended["state"] == "completed" else f"{ended['state']}: {ended['error']}"
    if not killed:
        failure = failure or "nothing was there to kill"
    return Cell(step, killed, state, ended["attempt"], time.monotonic() - hit_at, failure)


def table(passes: Iterable[Pass]) -> str:
    lines = [
        "| killed | database | moment | " + " | ".join(f"`{step}`" for step in StepName)
        + " | results | lost |",
        "| --- " * (len(StepName) + 5) + "|",
    ]  # fmt: skip
    for each in passes:
        cells = [str(cell) for cell in each.cells] + ["not reached"] * (
            len(StepName) - len(each.cells)
        )
        if each.failure:
            results = f"**{each.failure}**"
        elif each.differences:
            results = f"**differ: {', '.join(each.differences[:5])}**"
        else:
            results = f"{each.number_of_files} files equal" if each.number_of_files else "**none**"
        lost = "; ".join(each.lost) or "nothing"
        row = [each.kind, each.database, each.moment, *cells, results, lost]
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--moments", nargs="+", default=list(MOMENTS), choices=list(MOMENTS))
    parser.add_argument("--steps", nargs="+", default=ALL_STEPS, choices=ALL_STEPS)
    parser.add_argument("--folder", type=Path, required=True, help="an empty one, for services")
    parser.add_argument("--table", type=Path, required=True, help="the file to write")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)

    def new_folder(name: str) -> Path:
        folder = asked.folder / name.replace(" ", "-")
        folder.mkdir()
        return folder

    expected = undisturbed(new_folder("undisturbed"), asked.steps)
    print({step: round(seconds, 1) for step, seconds in expected[1].items()}, flush=True)
    passes: list[Pass] = []
    for moment in asked.moments:
        for database in asked.databases:
            for kind in asked.kinds:
                print(f"{kind}, {database}, {moment}", flush=True)
                folder = new_folder(f"{kind}-{database}-{moment}")
                passes.append(run_pass(folder, kind, database, moment, expected, asked.steps))
                asked.table.write_text(table(passes))
    print(table(passes))
    sys.exit(0 if all(each.is_good for each in passes) else 1)


if __name__ == "__main__":
    main()
