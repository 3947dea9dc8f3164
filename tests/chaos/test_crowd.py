"""Hundreds watch and some ask, for minutes (`GSV_CHAOS_MINUTES`, 30 by default)."""

from __future__ import annotations

import os
from pathlib import Path

from tests.chaos.crowd import ENVIRONMENT, MOST_GROWTH_MB, PARTS, gather_crowd
from tests.end_to_end.service import RunningService


def test_nothing_grows_and_nobody_is_refused_while_hundreds_watch(tmp_path: Path) -> None:
    service = RunningService(tmp_path, ENVIRONMENT)
    service.start()
    try:
        crowd = gather_crowd(service, 60 * float(os.environ.get("GSV_CHAOS_MINUTES", "30")))
    finally:
        service.stop()
    print(f"\n{crowd}")
    assert crowd.errors == []
    assert crowd.events_heard > 0
    for part in PARTS:
        assert crowd.growth_mb(part) < MOST_GROWTH_MB, part
