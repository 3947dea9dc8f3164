"""Eleven steps over HTTP with real Serve, Data and Train, driven by the client of years ago."""

import numpy as np
import pytest
import requests
import soundfile
from ray.util.state import list_actors

from ray_pipeline.core.step_names import StepName

pytestmark = pytest.mark.end_to_end

# Two workers, a network of nano's size, and few steps: what a laptop does in minutes.
CONFIG = {
    "exp_name": "my_speaker",
    "language": "en",
    "batch_size": 2,
    "epochs_s2": 3,
    "epochs_s1": 3,
    "gpu_id": "0-1",
    "base_model": "nano",
}
PARAMS = {StepName.TRAIN_SOVITS: {"max_steps": 6}, StepName.TRAIN_GPT: {"max_steps": 6}}
FEATURES = [step for step in StepName if step.startswith("extract_")]


@pytest.fixture(scope="module")
def task_id(service, uploads):
    from tests.older_client import TrainingClient

    client = TrainingClient(f"{service.url}/api/v1")
    task_id = client.create_task("语音克隆测试", CONFIG)["task_id"]
    for path in uploads:
        assert client.upload_audio(task_id, path)["filename"] == path.name
    for step in StepName:
        started = client.execute_step(task_id, step, PARAMS.get(step))
        assert started["step"] == step, started
        final = client.wait_for_completion(task_id, timeout=1200, pause=0.5)
        assert final["status"] == "completed", (step, final)
    return task_id


@pytest.fixture(scope="module")
def steps(service, task_id):
    answer = requests.get(f"{service.url}/api/v1/task/{task_id}/steps").json()
    return {step["step"]: step for step in answer["steps"]}


@pytest.fixture(scope="module")
def actors(service, task_id):
    """Every actor the cluster has had, as Ray's own state API tells."""
    capabilities = requests.get(f"{service.url}/api/v1/capabilities").json()
    # Its default of 30 s is short for a busy machine.
    address = capabilities["cluster"]["dashboard"]
    return list_actors(address=address, limit=1000, detail=True, timeout=180)


def test_the_older_client_completes_all_eleven_steps(service, task_id, steps):
    task = requests.get(f"{service.url}/api/v1/task/{task_id}").json()
    assert (task["status"], task["progress"]) == ("completed", 100)
    assert [step["state"] for step in steps.values()] == ["completed"] * 11


def test_the_voice_can_be_downloaded_and_is_sound(service, task_id, steps, tmp_path):
    name = steps["test_inference"]["result"]["file"]
    answer = requests.get(f"{service.url}/api/v1/task/{task_id}/files/download/{name}")
    assert answer.status_code == 200
    path = tmp_path / "voice.wav"
    path.write_bytes(answer.content)
    wav, rate = soundfile.read(path)
    assert rate == 32000
    assert np.isfinite(wav).all()
    assert len(wav) > 0.3 * rate


def test_each_step_ran_in_a_named_actor(task_id, actors):
    names = {actor.name for actor in actors}
    assert {f"step:{task_id}:{step}:1" for step in StepName} <= names


@pytest.mark.parametrize("step", FEATURES)
def test_two_actors_extracted_each_kind_of_features(step, actors):
    workers = {actor.actor_id for actor in actors if (actor.name or "").startswith(f"{step}:")}
    assert len(workers) >= 2


def test_two_workers_trained_on_disjoint_clips(steps):
    for step in ("train_sovits", "train_gpt"):
        result = steps[step]["result"]
        assert result["workers"] == 2
        first, second = (set(clips) for clips in result["clips_by_rank"])
        assert first
        assert second
        assert first.isdisjoint(second)


def test_losses_of_every_epoch_are_events(service, task_id):
    metrics = [event for event in service.events(task_id) if event["kind"] == "metric"]
    for step, name in (("train_sovits", "sovits/loss_mel"), ("train_gpt", "gpt/loss")):
        values = [event["data"]["values"] for event in metrics if event["step"] == step]
        # Those of who listened to the checkpoints come besides.
        losses = [value[name] for value in values if name in value]
        assert losses
        assert np.isfinite(losses).all()


def test_the_log_reads_as_what_happened(service, task_id):
    logs = requests.get(f"{service.url}/api/v1/task/{task_id}/logs").json()["logs"]
    for step in StepName:
        assert f"[{step}]" in logs


def test_weights_and_features_lie_where_the_original_has_them(service, task_id):
    root = service.data_dir / "api_tasks" / task_id
    experiment = root / "experiments/my_speaker"
    for pattern in ("4-cnhubert/*.pt", "5-wav32k/*", "7-sv_cn/*.pt"):
        assert len(list(experiment.glob(pattern))) == 4, pattern
    assert (experiment / "2-name2text.txt").read_text().count("\n") == 4
    assert list(root.glob("SoVITS_weights_nano/my_speaker_e*_s*.pth"))
    assert list(root.glob("GPT_weights_nano/my_speaker-e*.ckpt"))


def test_a_step_done_again_computes_nothing(service, client, task_id):
    client.execute_step(task_id, "extract_audio_features")
    final = client.wait_for_completion(task_id, timeout=1200, pause=0.2)
    assert final["status"] == "completed"
    answer = requests.get(f"{service.url}/api/v1/task/{task_id}/steps").json()["steps"]
    step = next(step for step in answer if step["step"] == "extract_audio_features")
    assert step["attempt"] == 2
    assert (step["result"]["unchanged"], step["result"]["workers"]) == (4, 0)
    assert not any(later["stale"] for later in answer)
