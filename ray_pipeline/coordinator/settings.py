"""What the coordinator is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ray_pipeline.core.workspace import tasks_folder


@dataclass(frozen=True, kw_only=True)
class CoordinatorSettings:
    """`data_dir` and `models_dir` are absolute and seen by every node under the same path.

    `database_url` is SQLAlchemy's: `sqlite:////data/gsv.sqlite3` or
    `postgresql+psycopg://user@host/name`. `steps` names the table of steps.
    `max_jobs` is how many tasks may be under way at once (0: twice the cluster's CPUs).
    """

    data_dir: Path
    models_dir: Path
    database_url: str
    steps: str = "ray_pipeline.pipeline:STEPS"
    max_jobs: int = 0

    @property
    def tasks_dir(self) -> Path:
        return tasks_folder(self.data_dir)
