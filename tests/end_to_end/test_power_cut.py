"""The whole service dies in the middle of a training. Nothing may be lost."""

import time

import pytest
import requests

pytestmark = pytest.mark.end_to_end

CONFIG = {"language": "en", "base_model": "nano", "exp_name": "me", "batch_size": 2}
# Three epochs. What is denoised in another test is not needed here.
PARAMS = {"train_sovits": {"max_steps": 30}, "denoise_audio": {"enabled": False}}
# For machines that do much else: what is waited for comes, or the task fails.
PATIENCE_SECONDS = 1200


def get(service, task_id, rest):
    return requests.get(f"{service.url}/api/v1/task/{task_id}{rest}", timeout=30).json()


def epochs_of(service, task_id):
    events = service.events(task_id)
    told = [event["data"] for event in events if event["kind"] == "metric"]
    # Who listened to a checkpoint afterwards tells its epoch once more.
    return [data["epoch"] for data in told if not any("judged/" in name for name in data["values"])]


def wait_for_epoch(service, task_id, epoch):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while epoch not in epochs_of(service, task_id):
        task = get(service, task_id, "")
        assert task["status"] != "failed", task
        assert time.monotonic() < deadline, task
        time.sleep(0.3)


def test_a_killed_cluster_takes_its_training_up_again(service, client, uploads):
    task_id = client.create_task("power cut", CONFIG)["task_id"]
    for path in uploads:
        client.upload_audio(task_id, path)
    body = {"to": "train_sovits", "params": PARAMS}
    requests.post(f"{service.url}/api/v1/task/{task_id}/run", json=body).raise_for_status()
    wait_for_epoch(service, task_id, 1)
    before = {step["step"]: step for step in get(service, task_id, "/steps")["steps"]}
    assert before["train_sovits"]["state"] == "running"

    assert service.kill() > 5
    service.start()

    final = client.wait_for_completion(task_id, timeout=PATIENCE_SECONDS, pause=0.5)
    assert final["status"] == "completed", final
    after = {step["step"]: step for step in get(service, task_id, "/steps")["steps"]}
    for step, run in before.items():
        if run["state"] == "completed":
            assert after[step]["started_at"] == run["started_at"]
    assert after["train_sovits"]["attempt"] == before["train_sovits"]["attempt"] + 1
    epochs = epochs_of(service, task_id)
    assert epochs == [1, 2, 3], "an epoch was told twice or never"
