"""Calls as clients mean them. What is made up seldom keeps a voice or cuts a clip; with these
first, every operation is seen to do what it is for, and what is made up afterwards finds more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from tests.chaos.calling import Findings, schema_of
from tests.coordinator.sliced_recording import FIRST, SECOND
from tests.library.voice_files import mini_pair, recording

_PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Meant:
    """`path` is the description's; `asked` is what `requests` takes beside it."""

    method: str
    path: str
    names: dict[str, str] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)


def call_as_meant(url: str, findings: Findings, calls: Sequence[Meant]) -> dict[str, str]:
    """Looks at each answer; returns those of calls that were refused."""
    schema, refused = schema_of(url), {}
    for meant in calls:
        path = meant.path.format(**{name: quote(value) for name, value in meant.names.items()})
        answer = requests.request(meant.method, f"{url}{path}", timeout=300, **meant.asked)
        case = schema[meant.path][meant.method].Case(path_parameters=dict(meant.names))
        findings.look_at(case, answer)
        if answer.status_code >= 300:
            refused[f"{meant.method} {meant.path}"] = f"{answer.status_code} {answer.text[:500]}"
    return refused


def on_a_task(task_id: str) -> list[Meant]:
    """On one that `write_sliced` has cut, and whose clips have texts."""
    task = "/api/v1/task/{task_id}"

    def call(method: str, path: str, names: dict[str, str] | None = None, **asked: Any) -> Meant:
        return Meant(method, task + path, {"task_id": task_id, **(names or {})}, asked)

    halves = [{"end": 0.9, "text": "On"}, {"start": 1.0, "text": "e."}]
    return [
        call("POST", "/files/upload", files={"file": ("more.txt", b"One.")}),
        call("DELETE", "/files/{filename}", {"filename": "input_audio/more.txt"}),
        call("PUT", "/transcripts", json={"transcripts": [{"clip": FIRST, "text": "One more."}]}),
        call("PUT", "/transcripts/{clip}", {"clip": SECOND}, json={"text": "Two more."}),
        call("PUT", "/transcripts.list", data=f"{FIRST}|me|EN|One, corrected.\n".encode()),
        call("POST", "/cuts", json={"clips": [FIRST], "pieces": halves}),
        call("DELETE", "/cuts/{recording}", {"recording": "a.wav"}),
        call("POST", "/step/{step}", {"step": "convert_audio"}, json={}),
    ]


def on_voices(folder: Path) -> list[Meant]:
    """Keeps `ben`, changes it and lets it go; of its other version nothing is left either."""
    voices, files = "/api/v1/voices", [*mini_pair(folder), recording(folder)]

    def call(method: str, path: str, name: dict[str, str], **asked: Any) -> Meant:
        return Meant(method, path, name, asked)

    def form(**fields: str) -> dict[str, Any]:
        sent = [("file", (path.name, path.read_bytes())) for path in files]
        return {"data": {"reference_text": "One.", "reference_language": "en", **fields},
                "files": sent}  # fmt: skip

    ben, alias = {"voice": "ben"}, "/api/v1/voice-aliases/{name}"
    return [
        call("POST", voices, {}, **form(name="ben", language="en")),
        call("POST", f"{voices}/{{voice}}/versions", ben, **form(note="again")),
        call("POST", f"{voices}/{{voice}}/promote", ben, json={"version": 2}),
        call("POST", f"{voices}/{{voice}}/rollback", ben),
        call("GET", f"{voices}/{{voice}}/references/{{mood}}", ben | {"mood": "default"}),
        call("PUT", alias, {"name": "reader"}, json={"voice": "ben"}),
        call("DELETE", alias, {"name": "reader"}),
        call("DELETE", f"{voices}/{{voice}}/versions/{{number}}", ben | {"number": "2"}),
        call("DELETE", f"{voices}/{{voice}}", ben),
        call("POST", "/api/v1/detect", {}, files={"file": ("talk.flac", files[-1].read_bytes())}),
    ]


def of_speaking(voice: str) -> list[Meant]:
    """Needs engines."""
    said = {"text": "Good day.", "text_lang": "en", "ref_audio_path": voice}
    return [
        Meant("POST", "/v1/audio/speech", {}, {"json": {"input": "Good day.", "voice": voice}}),
        Meant("POST", "/tts", {}, {"json": said}),
        Meant("GET", "/tts", {}, {"params": said}),
        Meant("GET", "/set_gpt_weights", {}, {"params": {"weights_path": voice}}),
        Meant("GET", "/set_sovits_weights", {}, {"params": {"weights_path": voice}}),
        Meant("GET", "/set_refer_audio", {}, {"params": {"refer_audio_path": voice}}),
    ]


def on_books(url: str, voice: str) -> list[Meant]:
    """Has one book spoken to its end, and another begun. Needs engines."""
    books = "/api/v1/books"

    def begun(text: str) -> dict[str, Any]:
        body = {"title": "A tale", "voice": voice, "input": text}
        answer = requests.post(f"{url}{books}", json=body, timeout=300)
        answer.raise_for_status()
        return {"book_id": answer.json()["book_id"]}

    def call(method: str, path: str, book: dict[str, Any]) -> Meant:
        return Meant(method, f"{books}/{{book_id}}{path}", book)

    done, long = begun("Good day."), begun("It was dark and stormy. " * 500)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while requests.get(f"{url}{books}/{done['book_id']}", timeout=60).json()["state"] != "done":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    body = {"title": "Another", "voice": voice, "input": "Good day."}
    return [
        Meant("POST", books, {}, {"json": body}),
        call("GET", "", done),
        call("GET", "/audio", done),
        call("GET", "/subtitles", done),
        call("POST", "/cancel", long),
        call("POST", "/resume", long),
        call("DELETE", "", long),
    ]
