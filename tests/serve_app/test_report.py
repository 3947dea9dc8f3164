import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.quality.report import DataReport
from serve_app.report_desk import ReportDesk, diagnose_here
from tests.serve_app.local_coordinator import LocalCoordinator
from tests.serve_app.speech_task import transcribe, write_clips


@pytest.fixture
def workspace(tmp_path: Path, task_id: str) -> Workspace:
    """The task has three clips of speech."""
    return write_clips(tmp_path, task_id)


def test_a_task_without_clips_has_no_report_yet(client: TestClient, task_id: str) -> None:
    answer = client.get(f"/api/v1/task/{task_id}/report")
    assert (answer.status_code, answer.json()["missing"]) == (409, ["slice_audio"])
    assert client.get("/api/v1/task/none/report").status_code == 404


def test_the_report_follows_the_users_edits(
    client: TestClient, task_with_audio: str, workspace: Workspace, coordinator: LocalCoordinator
) -> None:
    transcribe(coordinator, task_with_audio)
    url = f"/api/v1/task/{task_with_audio}"
    answer = client.get(f"{url}/report")
    assert (answer.status_code, answer.json()["state"]) == (200, "ready")
    report = answer.json()["report"]
    assert (report["num_clips"], report["num_used"]) == (3, 3)
    assert report["clips"][0]["measures"]["lufs"] < -10
    assert client.get(f"{url}/report").json()["report"] == report

    client.put(f"{url}/transcripts/1.wav", json={"include": False})
    after = client.get(f"{url}/report").json()["report"]
    assert (after["num_used"], after["key"] != report["key"]) == (2, True)
    assert after["clips"][1]["left_out"][0]["reason"] == "It is not included."


def test_who_asks_while_it_is_made_does_not_start_it_twice(workspace: Workspace) -> None:
    started: list[int] = []

    async def ask_three_times() -> list[Any]:
        may_end = asyncio.Event()

        async def slow(workspace: Workspace, rows: list[Transcript]) -> DataReport:
            started.append(1)
            await may_end.wait()
            return await diagnose_here(workspace, rows)

        desk = ReportDesk(slow, patience_seconds=0.01)
        early = await asyncio.gather(desk.report(workspace, []), desk.report(workspace, []))
        may_end.set()
        patient = ReportDesk(slow)
        return [*early, await patient.report(workspace, []), await desk.report(workspace, [])]

    first, second, third, fourth = asyncio.run(ask_three_times())
    assert (first, second) == (None, None)
    assert third.num_clips == 3
    assert fourth == third
    assert len(started) == 2  # one a desk


def test_a_failure_reaches_who_asks_and_is_not_kept(workspace: Workspace) -> None:
    (workspace.sliced / "1.wav").write_bytes(b"no sound")

    async def ask() -> None:
        desk = ReportDesk(diagnose_here)
        for _ in range(2):
            with pytest.raises(Exception, match=r"1\.wav cannot be read"):
                await desk.report(workspace, [])

    asyncio.run(ask())
