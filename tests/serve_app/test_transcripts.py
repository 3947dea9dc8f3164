from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ray_pipeline.core.errors import Conflict
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.transcripts.list_file import parse_list
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


def test_one_clip_is_edited_without_minding_edits_of_others(client: TestClient, url: str) -> None:
    first, second = client.get(url).json()["transcripts"]
    assert client.put(f"{url}/b.wav", json={"include": False}).status_code == 200
    answer = client.put(f"{url}/a.wav", json={"text": "Hi"}, headers={"If-Match": first["etag"]})
    assert (answer.status_code, answer.json()["text"]) == (200, "Hi")
    assert answer.headers["etag"] == client.get(f"{url}/a.wav").headers["etag"]
    old = {"If-Match": second["etag"]}
    assert client.put(f"{url}/b.wav", json={"text": "x"}, headers=old).status_code == 409
    assert client.get(f"{url}/b.wav").json()["text"] == "there"


def test_the_clip_must_exist_and_its_language_be_known(client: TestClient, url: str) -> None:
    assert client.get(f"{url}/c.wav").status_code == 404
    assert client.put(f"{url}/c.wav", json={"text": "x"}).status_code == 404
    answer = client.put(f"{url}/a.wav", json={"language": "tlh"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_an_edit_makes_later_steps_stale_and_no_earlier_one(
    client: TestClient, url: str, coordinator: LocalCoordinator, task_with_audio: str
) -> None:
    coordinator.do(task_with_audio, "extract_text_features")
    client.put(f"{url}/a.wav", json={"text": "Hello"})
    steps = client.get(f"/api/v1/task/{task_with_audio}/steps").json()["steps"]
    assert [step["step"] for step in steps if step["stale"]] == ["extract_text_features"]


def test_an_edit_computed_from_an_old_row_is_refused_by_the_coordinator(
    client: TestClient, url: str, coordinator: LocalCoordinator, task_with_audio: str
) -> None:
    old = coordinator.store.transcripts(task_with_audio)[0]
    client.put(f"{url}/a.wav", json={"include": False})
    with pytest.raises(Conflict, match=r"a\.wav has changed"):
        coordinator.tasks.put_transcripts(task_with_audio, [replace(old, text="x")], [old])


def test_the_list_can_be_downloaded_and_read_again(client: TestClient, url: str) -> None:
    client.put(f"{url}/b.wav", json={"include": False})
    answer = client.get(f"{url}.list")
    assert "my_speaker.list" in answer.headers["content-disposition"]
    rows, problems = parse_list(answer.text)
    assert [(row.file_name, row.language, row.text) for row in rows] == [("a.wav", "en", "hallo")]
    assert not problems


def test_a_corrected_list_changes_the_clips_it_names_and_no_other(
    client: TestClient, url: str
) -> None:
    corrected = client.get(f"{url}.list").text.replace("hallo", "Hello")
    corrected += "c.wav|me|EN|of another task\nb.wav|me|XX|there\n"
    answer = client.put(f"{url}.list", content=corrected.encode())
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["rows"], answer.json()["changed"]) == (2, 1)
    line, unknown = answer.json()["problems"]
    assert line.startswith("Line 4 was not used: The language 'XX'")
    assert "c.wav" in unknown
    first, second = client.get(url).json()["transcripts"]
    assert (first["text"], first["source"], first["speaker"]) == ("Hello", "user", "")
    assert (second["text"], second["source"], second["confidence"]) == ("there", "whisper", 0.9)


def test_rows_that_contradict_each_other_change_nothing(client: TestClient, url: str) -> None:
    body = "x/a.wav|me|EN|Hello\ny/a.wav|me|EN|Hi\nb.wav|me|EN|There\n"
    answer = client.put(f"{url}.list", content=body.encode()).json()
    assert (answer["rows"], answer["changed"]) == (1, 1)
    assert [problem[:6] for problem in answer["problems"]] == ["Line 1", "Line 2"]
    first, second = client.get(url).json()["transcripts"]
    assert (first["text"], second["text"]) == ("hallo", "There")


def test_a_list_of_another_encoding_is_taken_with_a_remark_or_refused(
    client: TestClient, url: str
) -> None:
    body = "a.wav|me|JA|今日はいい天気ですね。\n".encode("cp932")
    answer = client.put(f"{url}.list", content=body)
    assert "was read as Shift-JIS" in answer.json()["problems"][0]
    assert client.get(f"{url}/a.wav").json()["text"] == "今日はいい天気ですね。"
    refused = client.put(f"{url}.list", content=body.replace(b"|JA|", b"|EN|"))
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    assert "The list is not UTF-8" in refused.json()["detail"]


def test_blanks_of_any_kind_in_an_edit_are_spaces(client: TestClient, url: str) -> None:
    edit = {"text": " page\u00a05\u2028of\t10\n", "speaker": "an\u3000na"}
    answer = client.put(f"{url}/a.wav", json=edit).json()
    assert (answer["text"], answer["speaker"]) == ("page 5 of 10", "an na")


@pytest.mark.parametrize("field", ["text", "speaker"])
def test_what_no_list_can_hold_is_refused_even_of_a_clip_that_is_left_out(
    client: TestClient, url: str, field: str
) -> None:
    client.put(f"{url}/a.wav", json={"include": False})
    answer = client.put(f"{url}/a.wav", json={field: "this|that"})
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_list_that_fits_nothing_is_refused(client: TestClient, url: str) -> None:
    for body in (b"talk.wav|me|EN|Hello", b"", b"\x00\xff\x00"):
        answer = client.put(f"{url}.list", content=body)
        assert answer.status_code == 422
        assert answer.json()["hint"]
    answer = client.put(f"{url}.list", content=b"a.wav, Hello")
    assert "Line 1 was not used: it has 0 of the three |" in answer.json()["detail"]


def test_the_first_text_of_a_clip_includes_it(
    client: TestClient, url: str, coordinator: LocalCoordinator, task_with_audio: str
) -> None:
    silent = Transcript(clip="a.wav", text="", language="en", include=False, source="")
    coordinator.tasks.put_transcripts(task_with_audio, [silent])
    assert not client.put(f"{url}/a.wav", json={"text": "x", "include": False}).json()["include"]
    coordinator.tasks.put_transcripts(task_with_audio, [silent])
    assert client.put(f"{url}/a.wav", json={"text": "Hello"}).json()["include"]


def test_each_clip_tells_when_it_is_spoken(
    client: TestClient, url: str, task_with_audio: str, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "api_tasks" / task_with_audio)
    cut, heard = Manifest(StepName.SLICE_AUDIO), Manifest(StepName.ASR_TRANSCRIBE)
    cut.add(ClipEntry("a.wav", "k", details={"source": "talk.wav", "start": 3200, "end": 67_200}))
    heard.add(ClipEntry("a.wav", "k", details={"segments": [[0.2, 1.9]]}))
    cut.save(workspace)
    heard.save(workspace)
    timing = {"recording": "talk.wav", "start": 0.1, "end": 2.1, "speech": [[0.2, 1.9]]}
    first, second = client.get(url).json()["transcripts"]
    assert (first["timing"], second["timing"]) == (timing, None)
    edit = {"transcripts": [{"clip": "a.wav", "text": "Hello"}]}
    assert client.put(url, json=edit).json()["transcripts"][0]["timing"] == timing
    assert client.get(f"{url}/a.wav").json()["timing"] == timing
    assert client.put(f"{url}/a.wav", json={"text": "Hi"}).json()["timing"] == timing
