import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from PIL import Image

from ray_pipeline.audio.wav import write_int16
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace, sha256_of

CLIP = "a b.wav_0000000000_0000032000.wav"


@pytest.fixture
def workspace(tmp_path: Path, task_id: str) -> Workspace:
    """A task with one clip: a second of a rising ramp."""
    workspace = Workspace(tmp_path / "api_tasks" / task_id)
    _add(workspace, StepName.SLICE_AUDIO, np.linspace(0, 16_000, 32_000).astype(np.int16))
    return workspace


def _add(workspace: Workspace, step: StepName, samples: np.ndarray) -> None:
    folder = workspace.sliced if step is StepName.SLICE_AUDIO else workspace.denoised
    write_int16(folder / CLIP, samples)
    manifest = Manifest(step)
    source = workspace.sliced / CLIP
    inputs = {workspace.relative(source): sha256_of(source)}
    manifest.add(ClipEntry(CLIP, "k", inputs=inputs, outputs=[f"{folder.name}/{CLIP}"]))
    manifest.save(workspace)


def test_a_clip_is_played_whole_and_in_ranges(
    client: TestClient, task_id: str, workspace: Workspace
) -> None:
    url = f"/api/v1/task/{task_id}/clips/{CLIP}/audio"
    whole = client.get(url)
    assert soundfile.info(io.BytesIO(whole.content)).frames == 32_000
    assert whole.headers["content-type"] in ("audio/x-wav", "audio/wav", "audio/vnd.wave")
    part = client.get(url, headers={"Range": "bytes=44-143"})
    assert (part.status_code, part.content) == (206, whole.content[44:144])
    unchanged = client.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert unchanged.status_code == 304


def test_the_outline_shows_the_lowest_and_highest_of_each_part(
    client: TestClient, task_id: str, workspace: Workspace
) -> None:
    url = f"/api/v1/task/{task_id}/clips/{CLIP}/waveform"
    answer = client.get(url, params={"points": 4}).json()
    assert answer["seconds"] == 1.0
    assert np.allclose(
        answer["peaks"], np.array([[0, 1], [1, 2], [2, 3], [3, 4]]) / 8.192, atol=1e-3
    )
    assert client.get(url, params={"points": 0}).status_code == 422


def test_the_outline_is_a_picture_for_who_asks_for_one(
    client: TestClient, task_id: str, workspace: Workspace
) -> None:
    url = f"/api/v1/task/{task_id}/clips/{CLIP}/waveform"
    asked = client.get(url, params={"format": "png", "width": 64, "height": 32})
    assert asked.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(asked.content)) as image:
        assert image.size == (64, 32)
    browser = client.get(url, headers={"Accept": "image/avif,image/png,*/*;q=0.8"})
    assert browser.headers["content-type"] == "image/png"
    for wrong in ({"width": 5000}, {"height": 0}, {"format": "gif"}):
        assert client.get(url, params=wrong).status_code == 422


@pytest.mark.parametrize("form", ["json", "png"])
def test_an_outline_that_a_client_has_is_not_sent_again(
    client: TestClient, task_id: str, workspace: Workspace, form: str
) -> None:
    url = f"/api/v1/task/{task_id}/clips/{CLIP}/waveform?format={form}"
    known = {"If-None-Match": client.get(url).headers["etag"]}
    again = client.get(url, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{url}&width=100&points=100", headers=known).status_code == 200
    _add(workspace, StepName.DENOISE_AUDIO, np.zeros(32_000, np.int16))
    assert client.get(url, headers=known).status_code == 200


def test_the_denoised_clip_is_heard_where_it_is_fresh(
    client: TestClient, task_id: str, workspace: Workspace
) -> None:
    url = f"/api/v1/task/{task_id}/clips/{CLIP}/waveform"
    _add(workspace, StepName.DENOISE_AUDIO, np.zeros(32_000, np.int16))
    assert client.get(url, params={"points": 1}).json()["peaks"] == [[0, 0]]
    write_int16(workspace.sliced / CLIP, np.full(32_000, 8192, np.int16))  # sliced again since
    assert client.get(url, params={"points": 1}).json()["peaks"] == [[0.25, 0.25]]


@pytest.mark.parametrize("clip", ["none.wav", "..%2F..%2Ftask_config.json"])
def test_what_is_no_clip_is_not_found(
    client: TestClient, task_id: str, workspace: Workspace, clip: str
) -> None:
    for view in ("audio", "waveform"):
        assert client.get(f"/api/v1/task/{task_id}/clips/{clip}/{view}").status_code == 404
