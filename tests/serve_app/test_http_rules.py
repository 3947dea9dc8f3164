import gzip
import json

import pytest
from fastapi.testclient import TestClient

from tests.serve_app.conftest import MakeClient

JSON = "application/json"


def upload(client: TestClient, task_id: str) -> str:
    files = {"file": ("a.wav", b"0123456789")}
    assert client.post(f"/api/v1/task/{task_id}/files/upload", files=files).status_code == 200
    return f"/api/v1/task/{task_id}/files/download/input_audio/a.wav"


# What stands in addresses; nobody is kept under these names.
_NAMES = {
    "clip": "0.wav",
    "filename": "input_audio/talk.wav",
    "voice": "nobody",
    "name": "nobody",
    "number": 1,
    "mood": "default",
    "book_id": "nobody",
    "model": "tts-1",
}
_STATUS = {
    # A task that has not spoken has no voice to take along.
    "/api/v1/task/{task_id}/voice": 409,
    "/api/v1/voices/{voice}": 404,
    "/api/v1/voices/{voice}/versions": 404,
    "/api/v1/voices/{voice}/versions/{number}": 404,
    "/api/v1/voices/{voice}/versions/{number}/archive": 404,
    "/api/v1/voices/{voice}/references/{mood}": 404,
    "/api/v1/voice-aliases/{name}": 404,
    "/api/v1/voice-aliases/{name}/trial": 404,
    **dict.fromkeys(
        (
            "/api/v1/books/{book_id}",
            "/api/v1/books/{book_id}/audio",
            "/api/v1/books/{book_id}/blocks/{number}/audio",
            "/api/v1/books/{book_id}/subtitles",
        ),
        404,
    ),
    # The dialect of api_v2: nothing is asked for, and nobody ends the service.
    **dict.fromkeys(("/tts", "/set_gpt_weights", "/set_sovits_weights", "/set_refer_audio"), 400),
    "/control": 403,
}


def test_head_answers_on_every_path_that_get_answers(client: TestClient, task: str) -> None:
    described = client.get("/openapi.json").json()["paths"]
    paths = [path for path, methods in described.items() if "get" in methods]
    assert len(paths) > 12
    for path in [*paths, "/web/main.js", "/docs"]:
        url = path.format_map(_NAMES | {"task_id": task})
        if url.endswith("/stream"):
            continue  # GET would not end; below
        head, get = client.head(url), client.get(url)
        assert head.status_code == get.status_code == _STATUS.get(path, 200), url
        assert head.content == b""
        assert head.headers["content-type"] == get.headers["content-type"]


def test_head_of_an_endless_stream_ends(client: TestClient, task_id: str) -> None:
    answer = client.head(f"/api/v1/task/{task_id}/events/stream")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content == b""


def test_a_refused_method_names_all_that_the_path_takes(client: TestClient, task_id: str) -> None:
    for path, allowed in {
        f"/api/v1/task/{task_id}": {"GET", "HEAD", "DELETE", "PATCH"},
        f"/api/v1/task/{task_id}/transcripts": {"GET", "HEAD", "PUT"},
        "/api/v1/task/create": {"POST"},
        f"/api/v1/task/{task_id}/files/download/a.wav": {"GET", "HEAD", "DELETE"},
        "/web/main.js": {"GET", "HEAD"},
    }.items():
        # `create` could be the id of a task, which a PATCH renames.
        takes_patch = "PATCH" in allowed or path.endswith("/create")
        answer = client.request("PUT" if takes_patch else "PATCH", path)
        assert answer.status_code == 405, path
        said = {method.strip() for method in answer.headers["allow"].split(",")}
        if path == "/api/v1/task/create":
            said -= {"GET", "HEAD", "DELETE", "PATCH"}
        assert said == allowed, path


def test_a_range_in_another_unit_is_ignored(client: TestClient, task_id: str) -> None:
    answer = client.get(upload(client, task_id), headers={"Range": "items=0-5"})
    assert (answer.status_code, answer.content) == (200, b"0123456789")


@pytest.mark.parametrize(("asked", "status"), [("bytes=abc", 400), ("bytes=50-", 416)])
def test_a_refused_range_is_a_problem_document(
    client: TestClient, task_id: str, asked: str, status: int
) -> None:
    answer = client.get(upload(client, task_id), headers={"Range": asked})
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert asked in answer.json()["detail"]
    assert answer.json()["hint"]
    if status == 416:
        assert answer.headers["content-range"] == "bytes */10"
    page = client.get(
        "/web/main.js", headers={"Range": asked if status == 400 else "bytes=9999999-"}
    )
    assert page.headers["content-type"] == "application/problem+json"


def test_a_compressed_body_is_415_and_says_what_is_taken(client: TestClient, task_id: str) -> None:
    body = gzip.compress(b'{"task_name": "x"}')
    packed = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    for path in ("/api/v1/task/create", f"/api/v1/task/{task_id}/files/upload"):
        answer = client.post(path, content=body, headers=packed)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        assert answer.headers["accept-encoding"] == "identity"
    plain = {"Content-Type": JSON, "Content-Encoding": "identity"}
    answer = client.post("/api/v1/task/create", content=b"{}", headers=plain)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("charset", "said"),
    [
        ("gbk", f"{JSON}; charset=gbk"),
        ("shift_jis", f"{JSON}; charset=Shift_JIS"),
        ("utf-16", JSON),
        ("utf-8-sig", JSON),
        ("utf-8", None),
    ],
)
def test_json_is_read_in_its_charset_and_without_a_type(
    client: TestClient, charset: str, said: str | None
) -> None:
    body = json.dumps({"task_name": "声音"}, ensure_ascii=False).encode(charset)
    headers = {"Content-Type": said} if said else {}
    answer = client.post("/api/v1/task/create", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["task_name"] == "声音"


@pytest.mark.parametrize("said", [JSON, f"{JSON}; charset=klingon", f"{JSON}; charset=rot13"])
def test_json_in_a_charset_that_is_not_said_is_refused_with_a_hint(
    client: TestClient, said: str
) -> None:
    body = '{"task_name": "录音"}'.encode("gbk")
    answer = client.post("/api/v1/task/create", content=body, headers={"Content-Type": said})
    assert (answer.status_code, answer.json()["field"]) == (422, "body")
    assert "UTF-8" in answer.json()["hint"]


def test_a_body_of_endless_fields_costs_little_and_is_answered_shortly(client: TestClient) -> None:
    wide = {f"field_{number}": 1 for number in range(100_000)}
    for body in (wide, {"task_name": "x", "config": wide}):
        answer = client.post("/api/v1/task/create", json=body)
        assert answer.status_code == 422
        assert len(answer.content) < 2_000
        assert "100,000 members" in answer.json()["detail"]


def test_many_wrong_rows_and_long_names_are_answered_shortly(
    client: TestClient, task_id: str
) -> None:
    rows = [{"clip": "", "wrong": 1, "text": 5} for _ in range(10_000)]
    url = f"/api/v1/task/{task_id}/transcripts"
    few = client.put(url, json={"transcripts": rows})
    long = client.post("/api/v1/task/create", json={"task_name": "x", "y" * 5_000_000: 1})
    config = {"task_name": "x", "config": {"y" * 5_000_000: 1}}
    longer = client.post("/api/v1/task/create", json=config)
    for answer in (few, long, longer):
        assert answer.status_code == 422
        assert len(answer.content) < 30_000


def test_a_body_that_nests_too_deep_is_refused(client: TestClient) -> None:
    body = b"[" * 200_000
    answer = client.post("/api/v1/task/create", content=body, headers={"Content-Type": JSON})
    assert (answer.status_code, answer.json()["field"]) == (422, "body")


def test_no_answer_is_guessed_at(make_client: MakeClient) -> None:
    client = make_client(api_key="0123456789abcdef0123")
    for path in ("/", "/docs", "/web/main.js", "/health/live", "/nowhere", "/api/v1/tasks"):
        assert client.get(path).headers["x-content-type-options"] == "nosniff", path
