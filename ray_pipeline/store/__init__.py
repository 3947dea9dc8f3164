"""The database: tasks, jobs, runs, events, files, transcripts, kept voices.

    upgrade(url)                     bring the tables up to date (the coordinator, at start)
    Store(url)                       queries; anybody may ask
    Store.change(task_id)            one transaction on one task; only the coordinator writes

It stores what it is told and knows no rule of the pipeline.
"""

from ray_pipeline.store.changes import KnownFile, NewEvent, TaskChange
from ray_pipeline.store.engine import make_engine
from ray_pipeline.store.lease import Lease
from ray_pipeline.store.migrate import upgrade
from ray_pipeline.store.queries import LeaseLost, Store
from ray_pipeline.store.records import JobRecord, PlannedStep

__all__ = [
    "JobRecord",
    "KnownFile",
    "Lease",
    "LeaseLost",
    "NewEvent",
    "PlannedStep",
    "Store",
    "TaskChange",
    "make_engine",
    "upgrade",
]
