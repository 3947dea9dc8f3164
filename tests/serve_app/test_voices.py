"""Kept voices through the API: from a task, from files, from an archive; and what comes after."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from fastapi.testclient import TestClient

from ray_pipeline.core.workspace import Workspace
from ray_pipeline.library.files import files_folder
from ray_pipeline.library.keeping import incoming_folder
from tests.library.voice_files import SPEECH, TEXT, mini_pair, nano_pair, noise
from tests.serve_app.local_coordinator import LocalCoordinator

pytestmark = pytest.mark.slow

VOICES = "/api/v1/voices"
ALIASES = "/api/v1/voice-aliases"
Pair = tuple[Path, Path]


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return mini_pair(tmp_path_factory.mktemp("mini"))


def sent(*paths: Path) -> list[tuple[str, Any]]:
    return [("file", (path.name, path.read_bytes())) for path in paths]


def import_voice(
    client: TestClient, mini: Pair, name: str = "amy", **fields: str
) -> httpx.Response:
    answer = client.post(VOICES, data={"name": name, **fields}, files=sent(*mini))
    return answer  # type: ignore[return-value]


@pytest.fixture
def amy(client: TestClient, mini: Pair) -> dict[str, Any]:
    answer = import_voice(client, mini, consent="Amy agreed.", owner="Amy")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def kept_files(tmp_path: Path) -> int:
    return len(list(files_folder(tmp_path).glob("*/*")))


@pytest.fixture
def trained(client: TestClient, task: str, tmp_path: Path, coordinator: LocalCoordinator) -> str:
    """A task of the base nano as its trainings and test_inference would leave it."""
    workspace = Workspace(tmp_path / "api_tasks" / task)
    gpt, sovits = nano_pair(tmp_path / "untrained")
    places = {
        workspace.gpt_weights("nano") / "my_speaker-e1.ckpt": gpt,
        workspace.sovits_weights("nano") / "my_speaker_e1_s1.pth": sovits,
    }
    for place, source in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        source.replace(place)
    noise(workspace.sliced / "0.wav", 5)
    return task


def test_a_trained_voice_outlives_its_task(
    client: TestClient, trained: str, coordinator: LocalCoordinator, tmp_path: Path
) -> None:
    wanted = {"name": "我的声音", "task_id": trained, "consent": "Yes.", "params": {"top_k": 7}}
    wanted["params"] |= {"ref_audio": "0.wav"}  # type: ignore[operator]
    answer = client.post(VOICES, json=wanted)
    assert answer.status_code == 200, answer.text
    voice = answer.json()
    assert (voice["name"], voice["language"], voice["base_model"]) == ("我的声音", "en", "nano")
    assert client.delete(f"/api/v1/task/{trained}").status_code == 200
    assert not (tmp_path / "api_tasks" / trained).exists()
    _, version, _ = coordinator.store.resolve_voice("我的声音", 0.5)
    shown = client.get(f"{VOICES}/我的声音/versions/1").json()
    assert shown["gpt"]["sha256"] == version.gpt.sha256
    assert shown["settings"] == {"top_k": 7}
    assert (shown["lineage"]["task_id"], shown["lineage"]["exp_name"]) == (trained, "my_speaker")
    assert set(shown["lineage"]["steps"]) >= {"convert_audio", "asr_transcribe"}
    assert shown["references"][0]["text"] == "a" * 30
    sound = client.get(f"{VOICES}/我的声音/references/default")
    assert (sound.status_code, sound.headers["content-type"]) == (200, "audio/x-wav")
    assert client.get(f"{VOICES}/{voice['voice_id']}").json() == voice


def test_a_task_that_is_not_trained_says_which_steps_are_missing(
    client: TestClient, task: str
) -> None:
    answer = client.post(VOICES, json={"name": "early", "task_id": task})
    assert (answer.status_code, answer.json()["code"]) == (409, "step_not_ready")
    assert answer.json()["missing"]
    answer = client.post(VOICES, json={"name": "x", "task_id": "none"})
    assert answer.status_code == 404
    assert client.get(VOICES).json() == {"voices": []}


def test_a_voice_that_was_trained_elsewhere_is_imported(
    client: TestClient, amy: dict[str, Any], tmp_path: Path
) -> None:
    assert (amy["name"], amy["base_model"], amy["current"]) == ("amy", "mini", 1)
    assert (amy["consent"], amy["owner"], amy["language"]) == ("Amy agreed.", "Amy", "en")
    assert client.get(VOICES).json() == {"voices": [amy]}
    assert kept_files(tmp_path) == 2
    assert list(incoming_folder(tmp_path).iterdir()) == []


def test_an_upload_of_a_pth_a_ckpt_and_a_recording_is_a_voice(
    client: TestClient, tmp_path: Path
) -> None:
    pair = nano_pair(tmp_path / "pair")
    said = {"name": "nan", "reference_text": TEXT, "reference_language": "en", "note": "a gift"}
    answer = client.post(VOICES, data=said, files=sent(*pair, SPEECH / "LJ001-0016.flac"))
    assert answer.status_code == 200, answer.text
    version = client.get(f"{VOICES}/nan/versions").json()["versions"][0]
    assert version["references"][0]["text"] == TEXT
    assert (version["note"], version["lineage"]["source"]) == ("a gift", "import")


def test_a_name_is_taken_once_and_another_version_is_asked_for(
    client: TestClient, amy: dict[str, Any], mini: Pair
) -> None:
    again = import_voice(client, mini)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert "versions" in again.json()["hint"]
    added = client.post(f"{VOICES}/amy/versions", files=sent(*mini), data={"note": "2nd"})
    assert added.status_code == 200, added.text
    assert (added.json()["number"], added.json()["note"]) == (2, "2nd")
    assert client.get(f"{VOICES}/amy").json()["current"] == 1
    now = client.post(f"{VOICES}/amy/versions", files=sent(*mini), data={"promote": "true"})
    assert now.json()["number"] == 3
    assert client.get(f"{VOICES}/amy").json()["current"] == 3


def test_recordings_are_added_by_mood_in_a_version_of_their_own(
    client: TestClient, amy: dict[str, Any], tmp_path: Path
) -> None:
    happy, calm = noise(tmp_path / "happy.wav", 4), noise(tmp_path / "calm.wav", 5)
    said = [
        {"file": "happy.wav", "mood": "开心", "text": "Hi!", "language": "en"},
        {"file": "calm.wav", "mood": "default"},
    ]
    form = {"references": json.dumps(said)}
    answer = client.post(f"{VOICES}/amy/versions", data=form, files=sent(happy, calm))
    assert answer.status_code == 200, answer.text
    assert [each["mood"] for each in answer.json()["references"]] == ["default", "开心"]
    assert client.get(f"{VOICES}/amy/versions/1").json()["references"] == []
    sound = client.get(f"{VOICES}/amy/references/开心?version=2")
    assert sound.content == happy.read_bytes()
    assert client.get(f"{VOICES}/amy/references/开心").status_code == 404
    for wrong in ({}, {"references": json.dumps(said[:1])}, {"references": "x"}, {"settings": "["}):
        refused = client.post(f"{VOICES}/amy/versions", data=wrong, files=sent(happy, calm))
        assert refused.status_code == 422, refused.text
    nothing = client.post(f"{VOICES}/amy/versions", files=[("note", (None, "nothing new"))])
    assert (nothing.status_code, "nothing new" in nothing.json()["detail"]) == (422, True)


def test_a_version_is_promoted_and_rolled_back(
    client: TestClient, amy: dict[str, Any], mini: Pair
) -> None:
    assert client.post(f"{VOICES}/amy/rollback").status_code == 409
    client.post(f"{VOICES}/amy/versions", files=sent(*mini))
    promoted = client.post(f"{VOICES}/amy/promote", json={"version": 2}).json()
    assert (promoted["current"], promoted["previous"]) == (2, 1)
    assert client.post(f"{VOICES}/amy/rollback").json()["current"] == 1
    assert client.post(f"{VOICES}/amy/promote", json={"version": 9}).status_code == 404
    assert client.post(f"{VOICES}/amy/promote", json={}).status_code == 422


@pytest.mark.parametrize("number", [10**9, 2**31, 2**63, 10**30])
def test_a_version_with_a_number_that_no_database_takes_is_refused(
    client: TestClient, amy: dict[str, Any], number: int
) -> None:
    for answer in (
        client.post(f"{VOICES}/amy/promote", json={"version": number}),
        client.put(f"{ALIASES}/star", json={"voice": "amy", "version": number}),
        client.put(f"{ALIASES}/star", json={"voice": "amy", "canary_version": number}),
        client.get(f"{VOICES}/amy/versions/{number}"),
        client.get(f"{VOICES}/amy/references/default?version={number}"),
    ):
        assert answer.status_code == 422, answer.text


def test_a_voice_is_renamed_and_taken_out_of_use(
    client: TestClient, amy: dict[str, Any], mini: Pair, coordinator: LocalCoordinator
) -> None:
    import_voice(client, mini, "berta")
    assert client.patch(f"{VOICES}/amy", json={"name": "berta"}).status_code == 409
    assert client.patch(f"{VOICES}/amy", json={"name": "a/b"}).status_code == 422
    renamed = client.patch(f"{VOICES}/amy", json={"name": "amélie", "language": "中文"}).json()
    assert (renamed["name"], renamed["language"]) == ("amélie", "all_zh")
    assert client.get(f"{VOICES}/amy").status_code == 404
    off = {"disabled": True, "reason": "She withdrew her consent."}
    assert client.patch(f"{VOICES}/amélie", json={"disabled": True}).status_code == 422
    assert client.patch(f"{VOICES}/amélie", json=off).json()["disabled_reason"] == off["reason"]
    for path in ("references/default", "versions/1/archive"):
        gone = client.get(f"{VOICES}/amélie/{path}")
        assert (gone.status_code, gone.json()["code"]) == (410, "voice_disabled")
        assert gone.json()["reason"] == off["reason"]
    back = client.patch(f"{VOICES}/amélie", json={"disabled": False}).json()
    assert back["disabled_reason"] == ""
    assert coordinator.store.resolve_voice("amélie", 0.5)[0].name == "amélie"


def test_a_voice_goes_out_as_an_archive_and_comes_back(
    client: TestClient, amy: dict[str, Any], tmp_path: Path
) -> None:
    archive = client.get(f"{VOICES}/amy/versions/1/archive")
    assert archive.headers["content-type"] == "application/zip"
    assert 'filename="amy-1.zip"' in archive.headers["content-disposition"]
    assert client.get(f"{VOICES}/amy/versions/2/archive").status_code == 404
    files = {"file": ("amy.zip", archive.content)}
    assert client.post(VOICES, files=files).status_code == 409, "its own name is taken"
    again = client.post(VOICES, files=files, data={"name": "amy2"})
    assert again.status_code == 200, again.text
    first = client.get(f"{VOICES}/amy/versions/1").json()
    second = client.get(f"{VOICES}/amy2/versions/1").json()
    assert first["gpt"] == second["gpt"]
    assert kept_files(tmp_path) == 2
    assert client.delete(f"{VOICES}/amy2").status_code == 200
    assert kept_files(tmp_path) == 2
    assert client.delete(f"{VOICES}/amy").json()["name"] == "amy"
    assert kept_files(tmp_path) == 0
    assert client.post(VOICES, files=files).json()["name"] == "amy"


def test_what_nobody_should_load_is_refused_and_leaves_nothing(
    client: TestClient, mini: Pair, tmp_path: Path
) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, (f"touch {tmp_path / 'proof'}",)

    evil, garbage = tmp_path / "evil.pth", tmp_path / "garbage.ckpt"
    torch.save({"weight": Evil()}, evil)
    garbage.write_bytes(b"no weights at all")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("voice.json", b" " * 20_000_000)
    (tmp_path / "bomb.zip").write_bytes(bomb.getvalue())
    for files, code in [
        (sent(evil, garbage), "bad_model_file"),
        (sent(mini[0]), "invalid_input"),
        (sent(mini[0], mini[1], mini[0]), "invalid_input"),
        (sent(tmp_path / "bomb.zip"), "invalid_input"),
        (sent(tmp_path / "bomb.zip", mini[0]), "invalid_input"),
        ([("file", ("page.html", b"<!DOCTYPE html><html></html>"))], "invalid_input"),
    ]:
        answer = client.post(VOICES, data={"name": "bad"}, files=files)
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
        assert answer.json()["hint"]
    assert not (tmp_path / "proof").exists()
    assert client.get(VOICES).json() == {"voices": []}
    assert kept_files(tmp_path) == 0
    assert list(incoming_folder(tmp_path).iterdir()) == []


@pytest.mark.parametrize("base", ["mini", "nano", "v2"])
def test_a_base_model_that_cannot_imitate_says_so(
    client: TestClient, tmp_path: Path, base: str
) -> None:
    form = {"name": "zero", "base_model": base}
    answer = client.post(VOICES, data=form, files=sent(noise(tmp_path / "r.wav", 4)))
    assert answer.status_code == (501 if base == "v2" else 422)
    assert base in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "a b", "task_id": "t"}, "name"),
        ({"name": "a@1", "task_id": "t"}, "name"),
        ({"name": "a"}, "task_id"),
        ({"name": "a", "task_id": "t", "volume": 11}, "volume"),
        ({"name": "a", "task_id": "t", "language": "klingon"}, "language"),
        ({"name": "a", "task_id": "t", "consent": "x" * 5000}, "consent"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, body: dict[str, Any], field: str) -> None:
    answer = client.post(VOICES, json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_body_that_is_neither_json_nor_a_form_is_refused(client: TestClient) -> None:
    for content, kind in [(b"{", "application/json"), (b"x", "multipart/form-data"), (b"", "")]:
        headers = {"Content-Type": kind} if kind else {}
        assert client.post(VOICES, content=content, headers=headers).status_code == 422
    large = client.post(VOICES, content=b" " * 8_000_001)
    assert large.status_code == 413


def test_a_request_that_comes_twice_is_done_once(client: TestClient, mini: Pair) -> None:
    headers = {"Idempotency-Key": "import-1"}
    form: dict[str, Any] = {"data": {"name": "amy"}, "files": sent(*mini), "headers": headers}
    first, again = client.post(VOICES, **form), client.post(VOICES, **form)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"]
    other = client.post(VOICES, **{**form, "data": {"name": "berta"}})
    assert other.status_code == 422


def test_an_alias_means_a_voice_and_shares_out_its_requests(
    client: TestClient, amy: dict[str, Any], mini: Pair, coordinator: LocalCoordinator
) -> None:
    client.post(f"{VOICES}/amy/versions", files=sent(*mini))
    body = {"voice": "amy", "canary_version": 2, "canary_share": 0.25}
    put = client.put(f"{ALIASES}/讲述者", json=body)
    assert put.status_code == 200, put.text
    assert (put.json()["voice"], put.json()["canary_share"]) == ("amy", 0.25)
    assert client.get(f"{ALIASES}/讲述者").json() == put.json()
    assert client.get(ALIASES).json() == {"aliases": [put.json()]}
    assert client.get(f"{VOICES}/amy").json()["aliases"] == ["讲述者"]
    numbers = [coordinator.store.resolve_voice("讲述者", c)[1].number for c in (0.1, 0.9)]
    assert numbers == [2, 1]
    for wrong, status in [
        ({"voice": "amy", "canary_share": 0.5}, 422),
        ({"voice": "amy", "canary_version": 2, "canary_share": 1.5}, 422),
        ({"voice": "amy", "version": 9}, 404),
        ({"voice": "nobody"}, 404),
    ]:
        assert client.put(f"{ALIASES}/讲述者", json=wrong).status_code == status
    assert client.put(f"{ALIASES}/amy", json={"voice": "amy"}).status_code == 409
    assert client.put(f"{ALIASES}/a b", json={"voice": "amy"}).status_code == 422
    assert client.delete(f"{ALIASES}/讲述者").status_code == 200
    assert client.get(f"{ALIASES}/讲述者").status_code == 404
