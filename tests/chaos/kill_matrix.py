"""Kills parts of a service in each of the eleven steps and compares what comes out in the end.

    python -m tests.chaos.kill_matrix --databases sqlite --moments begun \\
        --table /tmp/table.md --folder /tmp/chaos

Tasks that nobody disturbed come first: their files are what all others are held against. They are
kept in the folder (`undisturbed.json`), so that a second call with the same folder goes on at once.
The table is written after each pass; `kill_pass.py` says what a pass is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.chaos.holding import MOMENTS
from tests.chaos.kill_pass import ALL_KINDS, ALL_STEPS, Pass, run_pass, undisturbed


def table(passes: Iterable[Pass]) -> str:
    """A row for each kind of a pass; then what all tasks of each pass came to."""
    lines = [
        "| killed | database | moment | " + " | ".join(f"`{step}`" for step in ALL_STEPS) + " |",
        "| --- " * (len(ALL_STEPS) + 3) + "|",
    ]
    told = []
    for each in passes:
        for kind in sorted({kind for kind, _ in each.cells}, key=ALL_KINDS.index):
            cells = [str(each.cells.get((kind, step), "not reached")) for step in ALL_STEPS]
            row = [kind, each.database, each.moment, *cells]
            lines.append("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |")
        told.append(
            f"{each.database}, {each.moment}: {len(each.cells)} kills; {each.tasks} tasks came to "
            f"their end with {each.files} files; wrong: {'; '.join(each.wrong) or 'nothing'}"
        )
    return "\n".join([*lines, "", *told]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--kinds", nargs="+", default=list(ALL_KINDS), choices=list(ALL_KINDS))
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--moments", nargs="+", default=MOMENTS, choices=MOMENTS)
    parser.add_argument("--steps", nargs="+", default=ALL_STEPS, choices=ALL_STEPS)
    parser.add_argument("--folder", type=Path, required=True, help="for services")
    parser.add_argument("--table", type=Path, required=True, help="the file to write")
    asked = parser.parse_args()

    def new_folder(name: str) -> Path:
        folder: Path = asked.folder / name
        folder.mkdir(parents=True)
        return folder

    kept = asked.folder / "undisturbed.json"
    if kept.exists():
        expected = json.loads(kept.read_text())
    else:
        expected = undisturbed(new_folder("undisturbed"), asked.steps, len(asked.kinds))
        kept.write_text(json.dumps(expected))
    passes: list[Pass] = []
    for moment in asked.moments:
        for database in asked.databases:
            print(f"{database}, {moment}", flush=True)
            folder = new_folder(f"{database}-{moment}")
            passes.append(run_pass(folder, database, moment, expected, asked.steps, asked.kinds))
            asked.table.write_text(table(passes))
    print(table(passes))
    sys.exit(0 if all(each.is_good for each in passes) else 1)


if __name__ == "__main__":
    main()
