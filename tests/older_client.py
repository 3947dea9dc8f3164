"""The client that users of the older single-process service wrote, years ago. It must work
unchanged, so nothing here is adapted to this service; only the pause between two polls is
a parameter."""

import time

import requests


class TrainingClient:
    def __init__(self, base_url="http://localhost:8000/api/v1"):
        self.base_url = base_url

    def create_task(self, task_name, config):
        return requests.post(
            f"{self.base_url}/task/create", json={"task_name": task_name, "config": config}
        ).json()

    def upload_audio(self, task_id, audio_file_path):
        with open(audio_file_path, "rb") as f:  # noqa: PTH123
            return requests.post(
                f"{self.base_url}/task/{task_id}/files/upload", files={"file": f}
            ).json()

    def execute_step(self, task_id, step_name, params=None):
        return requests.post(
            f"{self.base_url}/task/{task_id}/step/{step_name}", json={"params": params or {}}
        ).json()

    def get_task_status(self, task_id):
        return requests.get(f"{self.base_url}/task/{task_id}").json()

    def wait_for_completion(self, task_id, timeout=3600, pause=10):
        start = time.time()
        while time.time() - start < timeout:
            s = self.get_task_status(task_id)
            if s["status"] in ["completed", "failed"]:
                return s
            time.sleep(pause)
        raise TimeoutError("任务执行超时")
