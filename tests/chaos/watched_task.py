"""A task of a service that is killed: its client outlives the service, and asks again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import requests

from ray_pipeline.core.step_names import StepName
from tests.end_to_end.service import PROJECT, RunningService

PATIENCE_SECONDS = 900.0
_SPEECH = PROJECT / "tests/data/speech_en"
_CLIPS = ("LJ001-0002", "LJ001-0037")
_CONFIG = {"language": "en", "base_model": "nano", "exp_name": "me", "batch_size": 2}
_PARAMS: dict[str, dict[str, Any]] = {
    StepName.TRAIN_SOVITS: {"max_steps": 12},
    StepName.TRAIN_GPT: {"max_steps": 12},
    StepName.TEST_INFERENCE: {"target_text": "Good day."},
}


class WatchedTask:
    """Two clips with their texts, ready for the first step."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self.task_id = self._call(
            "POST", "/task/create", json={"task_name": "chaos", "config": _CONFIG}
        )["task_id"]
        for name in _CLIPS:
            self._upload(f"{name}.flac", (_SPEECH / f"{name}.flac").read_bytes())
        lines = (_SPEECH / "transcripts.list").read_text().splitlines(keepends=True)
        chosen = [line for line in lines if line.startswith(_CLIPS)]
        self._upload("transcripts.list", "".join(chosen).encode())

    @property
    def folder(self) -> Path:
        return self._service.data_dir / "api_tasks" / str(self.task_id)

    def begin(self, step: str) -> None:
        body = {"params": _PARAMS.get(step, {})}
        self._call("POST", f"/task/{self.task_id}/step/{step}", json=body)

    def step(self, step: str) -> dict[str, Any]:
        steps = self._call("GET", f"/task/{self.task_id}/steps")["steps"]
        found: dict[str, Any] = next(each for each in steps if each["step"] == step)
        return found

    def wait(self, step: str, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_it(found := self.step(step)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{step}: {found['state']} after {PATIENCE_SECONDS:.0f} s")
            time.sleep(0.1)
        return found

    def lost(self, steps: Sequence[str]) -> list[str]:
        """Sentences on what was told twice, never, or out of order."""
        events = self._service.events(str(self.task_id))
        found = []
        numbers = [event["seq"] for event in events]
        if numbers != sorted(set(numbers)):
            found.append("the numbers of events do not rise")
        for step in {StepName.TRAIN_SOVITS, StepName.TRAIN_GPT}.intersection(steps):
            told = [
                event["data"]["epoch"]
                for event in events
                if event["kind"] == "metric"
                and event["step"] == step
                # Who listened to a checkpoint afterwards tells its epoch once more.
                and not any("judged/" in name for name in event["data"]["values"])
            ]
            # How many there are follows from the steps that were asked for.
            if not told or told != list(range(1, len(told) + 1)):
                found.append(f"{step} told the epochs {told}")
        return found

    def _upload(self, name: str, content: bytes) -> None:
        self._call("POST", f"/task/{self.task_id}/files/upload", files={"file": (name, content)})

    def _call(self, method: str, path: str, **body: Any) -> Any:
        """Asks again while nobody answers."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = requests.request(
                    method, f"{self._service.url}/api/v1{path}", timeout=60, **body
                )
                if answer.status_code < 500:
                    answer.raise_for_status()
                    return answer.json()
                reason = f"{answer.status_code} {answer.text[:200]}"
            except (requests.ConnectionError, requests.Timeout) as error:
                reason = str(error)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path}: {reason}")
            time.sleep(0.5)


def is_over(step: dict[str, Any]) -> bool:
    return step["state"] in ("completed", "failed", "cancelled")
