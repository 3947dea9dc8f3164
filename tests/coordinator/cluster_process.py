"""A whole service in a process of its own, to be killed: `python -m … FOLDER [TASK_ID LAST_STEP]`.

It starts a cluster and the coordinator, queues the task's steps if one is named, says `ready`,
and then waits for the end.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


def main() -> None:
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
    import ray

    from ray_pipeline.coordinator.launch import ensure_coordinator
    from tests.coordinator.conftest import settings_in

    folder = Path(sys.argv[1])
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    coordinator = ensure_coordinator(settings_in(folder))
    if sys.argv[2:]:
        task_id, last = sys.argv[2:]
        ray.get(coordinator.run_steps.remote(task_id, to_step=last))
    print("ready", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    main()
