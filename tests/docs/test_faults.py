"""That tests fail without their fixes takes long to show (`python -m tests.chaos.without_fixes`).
That it still can be shown does not."""

from __future__ import annotations

import pytest

from tests.chaos.without_fixes import FIXES, PROJECT, Fix


@pytest.mark.parametrize("fix", FIXES, ids=lambda fix: f"{fix.fault}: {fix.what}")
def test_a_fix_that_is_taken_out_to_prove_its_test_is_where_it_is_looked_for(fix: Fix) -> None:
    assert (PROJECT / fix.file).read_text("utf-8").count(fix.old) == 1
    file, _, test = fix.tests.partition("::")
    assert f"def {test}" in (PROJECT / file).read_text("utf-8")
