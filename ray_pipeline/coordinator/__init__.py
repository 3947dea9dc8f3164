"""The one that owns task state: starts steps, watches them, cancels and recovers them.

`handle.py` is the door for everybody else (no DBOS, no database in it). Inside:

    actor.py          the named Ray actor; its methods are the interface
    planning.py       from a request to a job: what may run, and how it is called off
    task_data.py      a task itself, its uploads and transcripts
    jobs.py           the durable workflow that runs a job's steps in order
    attempts.py       the life of one attempt at a step, and what it reports
    ledger.py         a change of state: one transaction, after which the overview is right
    gate.py           lets steps in, first come first served, as resources allow
    step_actor.py     where a step's function runs
    actor_progress.py how a step's workers report
    watch.py          wakes those who wait for events
    task_log.py       training.log
    file_index.py     which files a task has
    start_up.py       what must hold before anything starts
"""

from ray_pipeline.coordinator.handle import (
    COORDINATOR_NAME,
    NAMESPACE,
    CoordinatorSettings,
    ensure_coordinator,
    find_coordinator,
)

__all__ = [
    "COORDINATOR_NAME",
    "NAMESPACE",
    "CoordinatorSettings",
    "ensure_coordinator",
    "find_coordinator",
]
