"""The database: tasks, jobs, runs, events, files, transcripts.

    upgrade(url)                     bring the tables up to date (the coordinator, at start)
    Store(url)                       queries; anybody may ask
    Store.change(task_id)            one transaction on one task; only the coordinator writes

It stores what it is told and knows no rule of the pipeline.
"""

from ray_pipeline.store.changes import NewEvent, TaskChange
from ray_pipeline.store.engine import make_engine
from ray_pipeline.store.migrate import upgrade
from ray_pipeline.store.queries import Job, Store

__all__ = ["Job", "NewEvent", "Store", "TaskChange", "make_engine", "upgrade"]
