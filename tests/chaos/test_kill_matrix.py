"""Every part killed in every step, at three moments, on both databases; see `kill_pass.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.holding import MOMENTS
from tests.chaos.kill_matrix import table
from tests.chaos.kill_pass import run_pass, undisturbed


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_kill_in_each_step_loses_nothing_and_changes_no_result(
    database: str, moment: str, expected: dict[str, str], tmp_path: Path
) -> None:
    done = run_pass(tmp_path, database, moment, expected)
    assert done.is_good, f"\n{table([done])}"
