"""Every part killed in every step, at three moments, on both databases; see `kill_matrix.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.kill_matrix import MOMENTS, run_pass, table, undisturbed
from tests.chaos.killing import KINDS


@pytest.fixture(scope="module")
def expected(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, str], dict[str, float]]:
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize("moment", list(MOMENTS))
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_kill_in_each_step_loses_nothing_and_changes_no_result(
    kind: str,
    database: str,
    moment: str,
    expected: tuple[dict[str, str], dict[str, float]],
    tmp_path: Path,
) -> None:
    done = run_pass(tmp_path, kind, database, moment, expected)
    assert done.is_good, f"\n{table([done])}"
