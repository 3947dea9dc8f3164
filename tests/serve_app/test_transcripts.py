import pytest
from fastapi.testclient import TestClient

from ray_pipeline.task import Transcript
from tests.serve_app.local_coordinator import LocalCoordinator


@pytest.fixture
def url(client: TestClient, task_with_audio: str, coordinator: LocalCoordinator) -> str:
    coordinator.do(task_with_audio, "convert_audio")
    coordinator.do(task_with_audio, "slice_audio")
    heard = [
        Transcript(clip="a.wav", text="hallo", language="en", source="whisper", confidence=0.4),
        Transcript(clip="b.wav", text="there", language="en", source="whisper", confidence=0.9),
    ]
    coordinator.do(task_with_audio, "asr_transcribe", transcripts=heard)
    return f"/api/v1/task/{task_with_audio}/transcripts"


def test_an_edit_changes_only_what_it_names(client: TestClient, url: str) -> None:
    edits = [{"clip": "a.wav", "text": "Hello"}, {"clip": "b.wav", "include": False}]
    rows = client.put(url, json={"transcripts": edits}).json()["transcripts"]
    assert rows == client.get(url).json()["transcripts"]
    first, second = rows
    assert (first["text"], first["source"], first["confidence"]) == ("Hello", "user", None)
    assert (second["text"], second["include"], second["source"]) == ("there", False, "whisper")


def test_an_edit_of_an_unknown_clip_is_refused(client: TestClient, url: str) -> None:
    answer = client.put(url, json={"transcripts": [{"clip": "c.wav", "text": "x"}]})
    assert answer.status_code == 422
    assert "c.wav" in answer.json()["detail"]


def test_an_edit_based_on_an_old_reading_is_refused(client: TestClient, url: str) -> None:
    etag = client.get(url).headers["etag"]
    edit = {"transcripts": [{"clip": "a.wav", "text": "Hello"}]}
    assert client.put(url, json=edit, headers={"If-Match": etag}).status_code == 200
    assert client.put(url, json=edit, headers={"If-Match": etag}).status_code == 409
