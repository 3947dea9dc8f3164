"""What a process that only reports to the coordinator has to load."""

from __future__ import annotations

import subprocess
import sys


def test_the_handle_of_the_coordinator_costs_a_reporting_process_no_database() -> None:
    """Ray loads the class of an actor in every process that asks for its handle."""
    code = (
        "import sys, ray_pipeline.coordinator.actor; "
        "print([name for name in ('sqlalchemy', 'alembic', 'dbos') if name in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"
