"""Runs golden files and measures how far the outputs are from the expected ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import numpy as np

from tests.conformance.cases import find_runner, runners
from tests.conformance.golden_io import Case

_SUFFIXES = (".npz", ".pth", ".ckpt")
_PROBLEM_CHARACTERS = 300  # a mismatch of weights names every key


@dataclass(frozen=True)
class Report:
    """One case. `absolute` and `relative` are those of its worst output, by error / tolerance."""

    name: str
    passed: bool
    output: str = ""
    absolute: float = 0.0
    relative: float = 0.0
    tolerance: float = 0.0
    problem: str = ""

    def __str__(self) -> str:
        verdict = "pass" if self.passed else "FAIL"
        line = (
            f"{verdict}  {self.name:<30} max abs {self.absolute:.2e}  max rel {self.relative:.2e}"
            f"  tolerance {self.tolerance:.0e}  ({self.output or '-'})"
        )
        return f"{line}  {shorten(self.problem, _PROBLEM_CHARACTERS)}" if self.problem else line


def run_folder(folder: Path, *, only: str = "") -> Iterator[Report]:
    """A report for every golden file of `folder`, in the order of their names."""
    for path in sorted(folder.iterdir()):
        if path.suffix in _SUFFIXES and only in path.name:
            yield run_file(path)


def run_file(path: Path) -> Report:
    """Never raises: a case that has no code, or whose code fails, is a failed case."""
    try:
        if path.suffix != ".npz":
            return _run_weight_file(path)
        return _run_golden(path)
    except Exception as error:
        return Report(path.name, False, problem=f"{type(error).__name__}: {error}")


def _run_golden(path: Path) -> Report:
    case = Case(str(path))
    runner = find_runner(case.meta["case"], runners())
    if runner is None:
        return Report(path.name, False, problem=f"no code for the kind {case.meta['case']!r}")
    if not case.expected:
        return Report(path.name, False, problem="the file expects no output")
    got = runner(case)
    missing = [name for name in case.expected if name not in got]
    if missing:
        return Report(path.name, False, problem=f"not computed: {', '.join(missing)}")
    return _worst([_compare(path.name, case, name, got[name]) for name in case.expected])


def _compare(file_name: str, case: Case, name: str, got: object) -> Report:
    relative, tolerance, problem = case.compare(name, got)
    want = np.abs(np.asarray(case.expected[name], dtype=np.float64))
    finite = want[np.isfinite(want)]
    exact = case.expected[name].dtype.kind in "iub"
    scale = 1.0 if exact or not finite.size else max(float(finite.max()), 1e-12)
    return Report(file_name, not problem, name, relative * scale, relative, tolerance, problem)


def _worst(reports: list[Report]) -> Report:
    def badness(report: Report) -> tuple[bool, float]:
        return not report.passed, report.relative / max(report.tolerance, 1e-12)

    return max(reports, key=badness)


def _run_weight_file(path: Path) -> Report:
    # Imported here because loading weights needs the model package.
    from tests.conformance.weight_files import check_weight_file

    problem = check_weight_file(path)
    return Report(path.name, not problem, "tensors", problem=problem)
