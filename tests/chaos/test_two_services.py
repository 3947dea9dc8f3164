"""Two services that start in the same moment, ten times: never a task of the other, and a key of
one opens nothing of the other. With HAProxy, as `gsv start` runs it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.end_to_end.service import RunningService

TIMES, REQUESTS = 10, 50
KEY = "chaos-0123456789abcdef"


def test_two_services_started_at_once_never_answer_for_each_other(tmp_path: Path) -> None:
    for number in range(TIMES):
        folders = [tmp_path / f"{number}-{name}" for name in ("open", "locked")]
        for folder in folders:
            folder.mkdir()
        haproxy = {"RAY_SERVE_ENABLE_HA_PROXY": "1"}
        plain = RunningService(folders[0], haproxy)
        locked = RunningService(folders[1], {**haproxy, "GSV_API_KEY": KEY})
        with ThreadPoolExecutor(2) as both:
            for started in [both.submit(plain.start), both.submit(locked.start)]:
                started.result()
        try:
            _look_at(plain, locked)
        finally:
            plain.stop()
            locked.stop()


def _look_at(plain: RunningService, locked: RunningService) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    own = {}
    for service, headers in ((plain, {}), (locked, key)):
        body = {"task_name": service.folder.name, "config": {"base_model": "nano"}}
        answer = requests.post(
            f"{service.url}/api/v1/task/create", json=body, headers=headers, timeout=60
        )
        own[service.url] = answer.json()["task_id"]
    for _ in range(REQUESTS):  # each on a connection of its own
        for service, headers in ((plain, {}), (locked, key)):
            tasks = requests.get(f"{service.url}/api/v1/tasks", headers=headers, timeout=60).json()
            assert [task["task_id"] for task in tasks] == [own[service.url]]
        refused = requests.get(f"{locked.url}/api/v1/tasks", timeout=60)
        assert refused.status_code == 401
