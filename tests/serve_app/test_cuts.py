"""Clips trimmed, split and merged over HTTP, by the client and on the command line."""

import asyncio
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ray_pipeline.core.hand_cuts import clip_name
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from serve_app import cli
from serve_app.client import AsyncClient, Client, ServiceError
from tests.coordinator.sliced_recording import FIRST, SECOND, THIRD, write_sliced
from tests.serve_app.local_coordinator import LocalCoordinator


@pytest.fixture
def cut_task(task_with_audio: str, tmp_path: Path, coordinator: LocalCoordinator) -> str:
    write_sliced(Workspace(tmp_path / "api_tasks" / task_with_audio))
    coordinator.do(task_with_audio, "convert_audio")
    coordinator.do(task_with_audio, "slice_audio")
    heard = [
        Transcript(clip=clip, text=text, language="en", source="whisper")
        for clip, text in ((FIRST, "One."), (SECOND, "Two."), (THIRD, "Three."))
    ]
    coordinator.do(task_with_audio, "asr_transcribe", transcripts=heard)
    return task_with_audio


def test_a_clip_is_split_and_put_together_again(client: TestClient, cut_task: str) -> None:
    url = f"/api/v1/task/{cut_task}"
    body = {
        "clips": [FIRST],
        "pieces": [{"end": 0.9, "text": " On "}, {"start": 1.0, "text": "e."}],
    }
    halves = client.post(f"{url}/cuts", json=body).json()["clips"]
    assert halves == [clip_name("a.wav", 0, 28_800), clip_name("a.wav", 32_000, 64_000)]
    rows = client.get(f"{url}/transcripts").json()["transcripts"]
    assert [(row["clip"], row["text"]) for row in rows[:2]] == [
        (halves[0], "On"),
        (halves[1], "e."),
    ]
    assert rows[0]["timing"] is None  # until the sound is cut
    stale = {step["step"]: step["stale"] for step in client.get(f"{url}/steps").json()["steps"]}
    assert (stale["convert_audio"], stale["slice_audio"], stale["asr_transcribe"]) == (
        False,
        True,
        True,
    )
    known = {"recording": "a.wav", "clips": [*halves, SECOND, THIRD]}
    assert client.get(f"{url}/cuts").json() == {"cuts": [known]}

    client.post(f"{url}/cuts", json={"clips": halves, "pieces": [{"text": "One."}]})
    assert client.get(f"{url}/cuts").json()["cuts"][0]["clips"] == [FIRST, SECOND, THIRD]
    assert client.delete(f"{url}/cuts/a.wav").status_code == 200
    assert client.delete(f"{url}/cuts/a.wav").status_code == 404
    assert client.get(f"{url}/cuts").json() == {"cuts": []}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"clips": [FIRST, THIRD], "pieces": [{}]}, "not neighbours"),
        ({"clips": [FIRST], "pieces": [{"end": 9}]}, "leaves the room"),
        ({"clips": [FIRST], "pieces": [{"text": "a|b"}]}, "contains '|'"),
        ({"clips": ["nobody.wav"], "pieces": [{}]}, "not clips of one recording"),
        ({"clips": [], "pieces": [{}]}, "clips"),
        ({"clips": [FIRST], "pieces": [{"start": "NaN"}]}, "pieces"),
    ],
)
def test_cuts_that_make_no_sense_are_refused(
    client: TestClient, cut_task: str, body: dict[str, object], says: str
) -> None:
    answer = client.post(f"/api/v1/task/{cut_task}/cuts", json=body)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert client.get(f"/api/v1/task/{cut_task}/cuts").json() == {"cuts": []}


def test_the_clients_cut_and_forget(url: str, cut_task: str) -> None:
    with Client(url) as client:
        [new] = client.cut_clips(cut_task, [SECOND], [{"start": 0.5}])
        assert client.transcript(cut_task, new).text == "Two."
        assert client.cuts(cut_task)[0].clips == [FIRST, new, THIRD]

    async def later() -> None:
        async with AsyncClient(url) as client:
            assert await client.cut_clips(cut_task, [new], [{"start": -0.5}]) == [SECOND]
            assert (await client.cuts(cut_task))[0].recording == "a.wav"
            await client.forget_cuts(cut_task, "a.wav")
            with pytest.raises(ServiceError) as refused:
                await client.forget_cuts(cut_task, "a.wav")
            assert refused.value.status == 404

    asyncio.run(later())


def gsv(url: str, *arguments: str) -> str:
    done = CliRunner().invoke(cli.app, ["--url", url, "cut", *arguments], env={"COLUMNS": "160"})
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_the_command_line_trims_splits_and_merges(url: str, cut_task: str) -> None:
    new = gsv(url, "trim", cut_task, FIRST, "--end", "1.5").strip()
    assert new == clip_name("a.wav", 0, 48_000)
    parts = gsv(url, "split", cut_task, new, "--at", "1", "--text", "O", "--text", "ne.").split()
    assert parts == [clip_name("a.wav", 0, 32_000), clip_name("a.wav", 32_000, 48_000)]
    merged = gsv(url, "merge", cut_task, *parts, SECOND).strip()
    assert merged == clip_name("a.wav", 0, 128_000)
    with Client(url) as client:
        assert client.transcript(cut_task, merged).text == "O ne. Two."
    assert "a.wav" in gsv(url, "list", cut_task)
    assert "at its pauses" in gsv(url, "forget", cut_task, "a.wav")
    asked = ["--url", url, "cut", "split", cut_task, FIRST, "--at", "1", "--text", "O"]
    assert "2 parts and 1 texts" in str(CliRunner().invoke(cli.app, asked).exception)
