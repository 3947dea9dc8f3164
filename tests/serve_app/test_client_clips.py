import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from PIL import Image

from benchmarks.local_server import serving
from serve_app.client import AsyncClient, Client, ServiceError
from serve_app.report_desk import ReportDesk, diagnose_here
from tests.serve_app.conftest import MakeClient
from tests.serve_app.speech_task import CLIPS

pytestmark = pytest.mark.slow


def test_an_edit_by_an_old_etag_is_a_conflict(url: str, task: str) -> None:
    with Client(url) as client:
        read = client.transcript(task, CLIPS[2])
        edited = client.edit_transcript(task, CLIPS[2], etag=read.etag, text="你好", language="zh")
        assert (edited.text, edited.language, edited.include) == ("你好", "zh", True)
        with pytest.raises(ServiceError) as refused:
            client.edit_transcript(task, CLIPS[2], etag=read.etag, include=False)
        assert (refused.value.status, refused.value.code) == (409, "conflict")
        assert client.transcript(task, CLIPS[2]) == edited
        assert not client.edit_transcript(task, CLIPS[2], etag=edited.etag, include=False).include


def test_a_list_goes_there_and_back(url: str, task: str, tmp_path: Path) -> None:
    with Client(url) as client:
        path = client.download_list(task, tmp_path / "me.list")
        lines = path.read_text("utf-8").splitlines()
        assert [line.split("|")[0] for line in lines] == sorted(CLIPS)
        path.write_text(lines[0].replace("aaa", "b", 1) + "\n", "utf-8")
        taken = client.upload_list(task, path)
        assert (taken.rows, taken.changed, taken.problems) == (1, 1, [])
        assert client.transcript(task, CLIPS[0]).text.startswith("b")


def test_a_clip_is_heard_and_seen(url: str, task: str, tmp_path: Path) -> None:
    with Client(url) as client:
        sound = soundfile.info(client.download_clip(task, CLIPS[2], tmp_path / "c.wav"))
        outline = client.waveform(task, CLIPS[2], points=50)
        assert (outline.seconds, len(outline.peaks)) == (round(sound.duration, 4), 50)
        drawn = client.download_picture(task, CLIPS[2], tmp_path / "c.png", width=90, height=40)
        with Image.open(drawn) as image:
            assert (image.format, image.size) == ("PNG", (90, 40))
        with pytest.raises(ServiceError) as refused:
            client.download_clip(task, "none.wav", tmp_path / "none.wav")
    assert refused.value.status == 404
    assert not (tmp_path / "none.wav").exists()


def test_the_report_is_waited_for(
    make_client: MakeClient, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_client().app
    impatient = ReportDesk(diagnose_here, patience_seconds=0)
    app.state.services = replace(app.state.services, reports=impatient)
    monkeypatch.setattr("serve_app.client.calls.ASK_AGAIN_SECONDS", 0.05)
    with serving(app) as url, Client(url) as client:
        with pytest.raises(TimeoutError):
            client.report(task, timeout=-1)
        assert client.report(task).num_clips == len(CLIPS)


def test_the_asynchronous_client_does_the_same(url: str, task: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with AsyncClient(url) as client:
            read = await client.transcript(task, CLIPS[0])
            await client.edit_transcript(task, CLIPS[0], etag=read.etag, text="Hello")
            with pytest.raises(ServiceError):
                await client.edit_transcript(task, CLIPS[0], etag=read.etag, text="Hi")
            path = await client.download_list(task, tmp_path / "me.list")
            assert (await client.upload_list(task, path)).changed == 0
            await client.download_clip(task, CLIPS[0], tmp_path / "c.wav")
            await client.download_picture(task, CLIPS[0], tmp_path / "c.png")
            assert len((await client.waveform(task, CLIPS[0], points=9)).peaks) == 9
            assert (await client.report(task)).clips[0].text == "Hello"

    asyncio.run(asyncio.wait_for(work(), 60))
    assert (tmp_path / "c.wav").read_bytes()[:4] == b"RIFF"
    assert (tmp_path / "c.png").read_bytes()[1:4] == b"PNG"
