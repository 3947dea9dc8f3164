import asyncio
import hashlib
import uuid
from pathlib import Path

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from ray_pipeline.core.errors import NotFound
from ray_pipeline.core.workspace import is_partial
from serve_app.file_answers import file_answer
from tests.serve_app.conftest import MakeClient


def send(client: TestClient, task_id: str, *files: tuple[str, bytes]):
    parts = [("file", (name, content, "audio/wav")) for name, content in files]
    return client.post(f"/api/v1/task/{task_id}/files/upload", files=parts)


def inputs(root: Path, task_id: str) -> dict[str, bytes]:
    folder = root / "api_tasks" / task_id / "input_audio"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_upload_is_stored_hashed_and_listed(
    client: TestClient, task_id: str, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 9000  # over two megabytes, so in several pieces
    answer = send(client, task_id, ("talk.wav", content))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert {"message", "filename", "files"} <= body.keys()
    assert (body["filename"], body["size"]) == ("talk.wav", len(content))
    assert body["sha256"] == hashlib.sha256(content).hexdigest()
    assert inputs(tmp_path, task_id) == {"talk.wav": content}
    listed = client.get(f"/api/v1/task/{task_id}/files").json()["files"]
    assert {
        "name": "input_audio/talk.wav",
        "kind": "input",
        "size": len(content),
        "sha256": body["sha256"],
    } in listed


def test_several_files_at_once_and_a_taken_name(
    client: TestClient, task_id: str, tmp_path: Path
) -> None:
    body = send(client, task_id, ("a.wav", b"1"), ("b.wav", b"2"), ("a.wav", b"3")).json()
    assert body["filename"] == "a.wav"
    assert [file["name"] for file in body["files"]] == [
        "input_audio/a.wav",
        "input_audio/b.wav",
        "input_audio/a (2).wav",
    ]
    assert send(client, task_id, ("a.wav", b"4")).json()["filename"] == "a (3).wav"
    assert inputs(tmp_path, task_id)["a (3).wav"] == b"4"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("../../evil.wav", "evil.wav"),
        ("/etc/passwd", "passwd"),
        ("C:\\temp\\voice.wav", "voice.wav"),
        ('say "hello".wav', "say _hello_.wav"),
        ("it's mine.wav", "it's mine.wav"),
        ("two  spaces .wav", "two spaces .wav"),
        ("录音 一.wav", "录音 一.wav"),
        ("🎤 take 1.wav", "🎤 take 1.wav"),
        ("a" * 300 + ".wav", None),
    ],
)
def test_every_name_stays_inside_the_task_and_can_be_downloaded(
    client: TestClient, task_id: str, tmp_path: Path, sent: str, stored: str | None
) -> None:
    answer = send(client, task_id, (sent, b"sound"))
    assert answer.status_code == 200, answer.text
    name = answer.json()["filename"]
    assert stored in (None, name)
    assert inputs(tmp_path, task_id) == {name: b"sound"}
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["api_tasks"]
    back = client.get(f"/api/v1/task/{task_id}/files/download/input_audio/{name}")
    assert back.content == b"sound"


@pytest.mark.parametrize(
    "disposition",
    [
        'form-data; name="file"; filename="录音.wav"',
        "form-data; name=\"file\"; filename*=utf-8''%E5%BD%95%E9%9F%B3.wav",
    ],
)
def test_both_ways_to_write_a_chinese_name_are_understood(
    client: TestClient, task_id: str, disposition: str
) -> None:
    body = f"--X\r\nContent-Disposition: {disposition}\r\n\r\nsound\r\n--X--\r\n"
    answer = client.post(
        f"/api/v1/task/{task_id}/files/upload",
        content=body.encode(),
        headers={"Content-Type": "multipart/form-data; boundary=X"},
    )
    assert answer.json()["filename"] == "录音.wav"


def test_what_is_plainly_no_recording_is_refused_at_once_and_by_name(
    client: TestClient, task_id: str, tmp_path: Path
) -> None:
    pdf, page = b"%PDF-1.7 and so on", b"<html><body>This page was not found.</body></html>" * 9
    files = (("talk.wav", b"RIFF"), ("slides.pdf", pdf), ("page.mp3", page), ("a.txt", page))
    answer = send(client, task_id, *files)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert (
        "slides.pdf is a PDF document, page.mp3 is a web page: no recording"
        in (answer.json()["detail"])
    )
    assert answer.json()["files"] == ["slides.pdf", "page.mp3"]
    assert inputs(tmp_path, task_id) == {}


def test_an_empty_file_is_refused_and_nothing_of_the_upload_is_kept(
    client: TestClient, task_id: str, tmp_path: Path
) -> None:
    answer = send(client, task_id, ("good.wav", b"sound"), ("empty.wav", b""))
    assert answer.status_code == 422
    assert "empty.wav" in answer.json()["detail"]
    assert inputs(tmp_path, task_id) == {}


def test_text_named_wav_is_stored_for_the_convert_step_to_judge(
    client: TestClient, task_id: str
) -> None:
    assert send(client, task_id, ("fake.wav", b"this is no sound")).status_code == 200


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"{}", "application/json"),
        (b"", "multipart/form-data; boundary=X"),
        (b"nonsense", "multipart/form-data; boundary=X"),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=" + "X" * 500),
        (b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\ncut o',
         "multipart/form-data; boundary=X"),
        (b'--X\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--X--\r\n',
         "multipart/form-data; boundary=X"),
        (b'--X\r\nContent-Disposition: form-data; name="file"; filename=".."\r\n\r\nx\r\n--X--\r\n',
         "multipart/form-data; boundary=X"),
        (b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nX-Endless: '
         + b"x" * 100_000 + b"\r\n\r\nx\r\n--X--\r\n",
         "multipart/form-data; boundary=X"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_upload_is_refused_with_a_sentence(
    client: TestClient, task_id: str, tmp_path: Path, content: bytes, content_type: str
) -> None:
    answer = client.post(
        f"/api/v1/task/{task_id}/files/upload",
        content=content,
        headers={"Content-Type": content_type},
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "invalid_input"
    assert inputs(tmp_path, task_id) == {}


def test_a_body_over_the_limit_is_413_by_its_length_and_by_count(
    make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client(max_upload_mb=1)
    task_id = client.post("/api/v1/task/create", json={"task_name": "x"}).json()["task_id"]
    declared = send(client, task_id, ("big.wav", b"x" * 2_000_000))
    start = b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    pieces = iter([start, *([b"x" * 100_000] * 20)])
    counted = client.post(
        f"/api/v1/task/{task_id}/files/upload",
        content=pieces,
        headers={"Content-Type": "multipart/form-data; boundary=X"},
    )
    for answer in (declared, counted):
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"
    assert inputs(tmp_path, task_id) == {}


def test_a_json_body_has_a_limit_of_its_own(client: TestClient) -> None:
    body = {"task_name": "x" * 9_000_000}
    assert client.post("/api/v1/task/create", json=body).status_code == 413
    pieces = iter([b"x" * 1_000_000] * 9)
    headers = {"Content-Type": "application/json"}
    counted = client.post("/api/v1/task/create", content=pieces, headers=headers)
    assert counted.status_code == 413


def test_ranges_and_etags_work(client: TestClient, task_id: str) -> None:
    send(client, task_id, ("a.wav", b"0123456789"))
    url = f"/api/v1/task/{task_id}/files/download/input_audio/a.wav"
    whole = client.get(url)
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    assert whole.headers["accept-ranges"] == "bytes"
    part = client.get(url, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    same = client.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert client.get(url, headers={"Range": "bytes=50-"}).status_code == 416
    assert client.head(url).headers["content-length"] == "10"


def test_a_download_names_a_chinese_file_so_that_browsers_keep_it(
    client: TestClient, task_id: str
) -> None:
    send(client, task_id, ("录音.wav", b"x"))
    url = f"/api/v1/task/{task_id}/files/download/input_audio/录音.wav"
    disposition = client.get(url).headers["content-disposition"]
    assert disposition == "attachment; filename*=utf-8''%E5%BD%95%E9%9F%B3.wav"


def test_a_bare_name_is_looked_for_in_output_first(
    client: TestClient, task_id: str, tmp_path: Path
) -> None:
    root = tmp_path / "api_tasks" / task_id
    (root / "GPT_weights_nano").mkdir()
    (root / "GPT_weights_nano" / "a.ckpt").write_bytes(b"weights")
    (root / "output" / "a.wav").write_bytes(b"voice")
    for name, content in (("a.wav", b"voice"), ("a.ckpt", b"weights")):
        answer = client.get(f"/api/v1/task/{task_id}/files/download/{name}")
        assert answer.content == content


@pytest.mark.parametrize(
    "name",
    ["%2e%2e/%2e%2e/gsv.sqlite3", "..%2f..%2fgsv.sqlite3", "%2fetc%2fpasswd", "a%00b", "..%5c..",
     "input_audio/%2e%2e/%2e%2e/%2e%2e/gsv.sqlite3", "missing.wav"],
)  # fmt: skip
def test_no_download_leaves_the_task(client: TestClient, task_id: str, name: str) -> None:
    answer = client.get(f"/api/v1/task/{task_id}/files/download/{name}")
    assert answer.status_code in (404, 422)
    assert answer.json()["code"] in ("not_found", "invalid_input")


def test_a_link_out_of_the_task_is_not_followed(
    client: TestClient, task_id: str, tmp_path: Path
) -> None:
    (tmp_path / "api_tasks" / task_id / "output" / "x").symlink_to(tmp_path / "gsv.sqlite3")
    answer = client.get(f"/api/v1/task/{task_id}/files/download/output/x")
    assert answer.status_code in (404, 422)


def test_a_file_that_a_step_removes_before_it_is_sent_is_not_found(tmp_path: Path) -> None:
    request = Request({"type": "http", "headers": []})
    with pytest.raises(NotFound, match="not there any more"):
        asyncio.run(file_answer(request, tmp_path / "gone.wav"))


def test_an_upload_can_be_removed_but_not_what_a_step_made(
    client: TestClient, task_id: str, tmp_path: Path
) -> None:
    send(client, task_id, ("a.wav", b"x"))
    assert client.delete(f"/api/v1/task/{task_id}/files/input_audio/a.wav").status_code == 200
    assert inputs(tmp_path, task_id) == {}
    answer = client.delete(f"/api/v1/task/{task_id}/files/task_config.json")
    assert answer.status_code == 422


def test_a_sender_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    from starlette.requests import ClientDisconnect

    from serve_app.uploads import receive_files

    seen: list[bool] = []

    class Broken:
        async def stream(self):
            yield b'--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            yield b"x" * 3_000_000
            seen.extend(is_partial(path) for path in tmp_path.iterdir())
            raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        asyncio.run(receive_files(Broken(), "multipart/form-data; boundary=X", tmp_path))
    assert seen == [True]
    assert list(tmp_path.iterdir()) == []


def start_of_part(name: str) -> bytes:
    disposition = f'Content-Disposition: form-data; name="file"; filename="{name}"'
    return f"\r\n--X\r\n{disposition}\r\n\r\n".encode()


def test_an_upload_whose_task_is_deleted_meanwhile_is_404_and_leaves_nothing(
    client: TestClient, task_id: str, tmp_path: Path
) -> None:
    def body():
        yield start_of_part("a.wav") + b"x" * 3_000_000
        assert client.delete(f"/api/v1/task/{task_id}").status_code == 200
        yield start_of_part("b.wav") + b"x\r\n--X--\r\n"

    answer = client.post(
        f"/api/v1/task/{task_id}/files/upload",
        content=body(),
        headers={"Content-Type": "multipart/form-data; boundary=X"},
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert list((tmp_path / "api_tasks").iterdir()) == []


def test_a_full_disk_is_507_and_says_what_to_do(
    client: TestClient, task_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "api_tasks" / task_id / "input_audio"
    known = uuid.UUID(int=7)
    monkeypatch.setattr(uuid, "uuid4", lambda: known)
    (folder / f".partial-{known.hex}").symlink_to("/dev/full")  # refuses every byte
    answer = send(client, task_id, ("a.wav", b"x" * 3_000_000))
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert "Delete tasks" in answer.json()["detail"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["a" * 300, "output/" + "b" * 300, "c/" * 3000 + "d"], ids=["name", "part", "path"]
)
def test_a_name_that_no_disk_can_hold_is_a_file_that_is_not_there(
    client: TestClient, task_id: str, name: str
) -> None:
    answer = client.get(f"/api/v1/task/{task_id}/files/download/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = client.delete(f"/api/v1/task/{task_id}/files/input_audio/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
