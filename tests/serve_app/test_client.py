import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ray_pipeline.core.task import EventKind
from serve_app.client import (
    AsyncClient,
    Client,
    NotFoundError,
    RunFailedError,
    ServiceError,
    StepNotReadyError,
    UnreachableError,
    calls,
)
from serve_app.client.errors import ERROR_OF_CODE
from serve_app.errors import STATUS_OF_CODE
from serve_app.schemas import EventAnswer
from tests.older_client import TrainingClient
from tests.serve_app.local_coordinator import LocalCoordinator

pytestmark = pytest.mark.slow

NANO = {"language": "en", "base_model": "nano"}


@pytest.fixture
def audio(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "one.wav", tmp_path / "录音 “2”.wav"]
    for path in paths:
        path.write_bytes(path.name.encode() * 1000)
    return paths


def test_the_older_client_works_unchanged(
    url: str, audio: list[Path], coordinator: LocalCoordinator
) -> None:
    client = TrainingClient(f"{url}/api/v1")
    config = {
        "exp_name": "my_speaker",
        "language": "zh",
        "batch_size": 16,
        "epochs_s2": 20,
        "epochs_s1": 8,
        "gpu_id": "0",
    }
    task_id = client.create_task("语音克隆测试", config)["task_id"]
    stored = [client.upload_audio(task_id, path)["filename"] for path in audio]
    assert stored == [path.name for path in audio]
    client.execute_step(task_id, "convert_audio")
    assert client.get_task_status(task_id)["status"] == "queued"
    coordinator.end(coordinator.begin(task_id))
    status = client.get_task_status(task_id)
    assert status["status"] == "completed"
    assert f"{status['progress']:.1f}% - {status['current_step']}" == "1.0% - convert_audio"
    client.execute_step(task_id, "slice_audio")
    coordinator.end(coordinator.begin(task_id), error={"code": "x", "message": "Too quiet."})
    status = client.get_task_status(task_id)
    assert (status["status"], status["error_message"]) == ("failed", "Too quiet.")


def test_upload_list_and_download_give_the_same_bytes_back(
    url: str, audio: list[Path], tmp_path: Path
) -> None:
    with Client(url) as client:
        task = client.create("a voice", NANO)
        answer = client.upload(task.task_id, audio)
        assert [file.name for file in answer.files] == [f"input_audio/{p.name}" for p in audio]
        assert {file.name for file in answer.files} <= {f.name for f in client.files(task.task_id)}
        for path, file in zip(audio, answer.files, strict=True):
            copy = client.download(task.task_id, file.name, tmp_path / "back" / path.name)
            assert copy.read_bytes() == path.read_bytes()


def play(coordinator: LocalCoordinator, task_id: str) -> None:
    run = coordinator.begin(task_id)
    for done in (1, 2):
        data = {"done": done, "total": 2, "fraction": done / 2, "message": f"{done}"}
        coordinator.report(run, EventKind.PROGRESS, **data)
    coordinator.end(run)


def test_wait_shows_every_event_once_and_ends_with_the_run(
    url: str, audio: list[Path], coordinator: LocalCoordinator
) -> None:
    seen: list[EventAnswer] = []
    with Client(url) as client:
        task_id = client.create("a voice", NANO).task_id
        client.upload(task_id, audio)
        client.step(task_id, "convert_audio")
        worker = threading.Timer(0.3, play, (coordinator, task_id))
        worker.start()
        done = client.wait(task_id, on_event=seen.append, timeout=30)
        worker.join()
        assert done.status == "completed"
        numbers = [event.seq for event in seen]
        assert numbers == sorted(set(numbers))
        # Of progress the database keeps only what is newest; all else was seen as it stands there.
        stored = client.events(task_id)
        assert [event for event in seen if event.kind != "progress"] == [
            event for event in stored if event.kind != "progress"
        ]
        assert {event.seq for event in stored} <= set(numbers)
        assert "Completed." in client.logs(task_id, step="convert_audio")


def test_wait_goes_on_where_a_broken_connection_ended(
    url: str, audio: list[Path], coordinator: LocalCoordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    cursors: list[str] = []

    class Flaky(httpx.HTTPTransport):
        """Breaks each stream after two events."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            if request.url.path.endswith("/stream"):
                cursors.append(request.headers["last-event-id"])
                response.stream = Cut(response.stream)  # type: ignore[assignment]
            return response

    class Cut(httpx.SyncByteStream):
        def __init__(self, inner: object) -> None:
            self.inner = inner

        def __iter__(self) -> Iterator[bytes]:
            for number, chunk in enumerate(self.inner):  # type: ignore[arg-type]
                if number == 3:
                    raise httpx.ReadError("cut off")
                yield chunk

        def close(self) -> None:
            self.inner.close()  # type: ignore[attr-defined]

    monkeypatch.setattr("serve_app.client.calls.RECONNECT_SECONDS", (0.01,) * 8)
    with Client(http=httpx.Client(base_url=url, transport=Flaky(), timeout=10)) as client:
        task_id = client.create("a voice", NANO).task_id
        client.upload(task_id, audio)
        client.step(task_id, "convert_audio")
        worker = threading.Timer(0.5, play, (coordinator, task_id))
        worker.start()
        done = client.wait(task_id, on_event=lambda event: seen.append(event.seq), timeout=30)
        worker.join()
    assert done.status == "completed"
    assert seen == sorted(set(seen))
    assert len(seen) > 5
    assert len(set(cursors)) > 1


@pytest.fixture
def restarting(
    url: str, audio: list[Path], coordinator: LocalCoordinator, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, httpx.MockTransport]:
    """A running task, and the way to a service that goes away after the first look at it; the
    task is completed before somebody answers again."""
    monkeypatch.setattr("serve_app.client.calls.RECONNECT_SECONDS", (0.01,) * 8)
    real = httpx.Client(base_url=url)
    task_id = Client(http=real).create("a voice", NANO).task_id
    Client(http=real).upload(task_id, audio)
    Client(http=real).step(task_id, "convert_audio")
    run = coordinator.begin(task_id)
    absent: list[int | None] = [None, None, 503, 502, None, 503]

    def answer(request: httpx.Request) -> httpx.Response:
        streamed = request.url.path.endswith("/stream")
        if streamed and len(absent) == 6:
            absent.pop()
            return httpx.Response(200, text=": watching\n\n")  # and then it ends
        if len(absent) == 6 or not absent:
            known = real.request(request.method, request.url.path, params=request.url.params)
            return httpx.Response(known.status_code, content=known.content)
        status = absent.pop()
        if not absent:
            coordinator.end(run)
        if status is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(status, text="<html>")

    return task_id, httpx.MockTransport(answer)


def test_wait_outlives_a_service_that_restarts(
    restarting: tuple[str, httpx.MockTransport],
) -> None:
    task_id, transport = restarting
    with Client(http=httpx.Client(base_url="http://service", transport=transport)) as client:
        assert client.wait(task_id).status == "completed"


def test_the_asynchronous_wait_outlives_a_service_that_restarts(
    restarting: tuple[str, httpx.MockTransport],
) -> None:
    async def work(task_id: str, transport: httpx.MockTransport) -> str:
        http = httpx.AsyncClient(base_url="http://service", transport=transport)
        async with AsyncClient(http=http) as client:
            return (await client.wait(task_id)).status

    assert asyncio.run(work(*restarting)) == "completed"


def test_wait_gives_up_after_its_time(url: str, audio: list[Path]) -> None:
    with Client(url) as client:
        task_id = client.create("a voice", NANO).task_id
        client.upload(task_id, audio)
        client.step(task_id, "convert_audio")
        with pytest.raises(TimeoutError):
            client.wait(task_id, timeout=0)


def test_a_refusal_carries_code_hint_and_facts(url: str) -> None:
    with Client(url) as client:
        task_id = client.create("a voice", NANO).task_id
        with pytest.raises(ServiceError) as caught:
            client.step(task_id, "test_inference")
    error = caught.value
    assert (error.status, error.code) == (409, "step_not_ready")
    assert error.hint
    assert error.problem["missing"] == ["train_sovits", "train_gpt"]


def test_a_service_that_is_not_there_is_said_so() -> None:
    with pytest.raises(ServiceError) as caught, Client("http://127.0.0.1:9") as client:
        client.wait("a task")
    assert (caught.value.status, caught.value.code) == (0, "unreachable")
    assert "gsv start" in caught.value.hint


def test_the_asynchronous_client_does_the_same(
    url: str, audio: list[Path], coordinator: LocalCoordinator, tmp_path: Path
) -> None:
    async def work() -> list[int]:
        seen: list[int] = []
        async with AsyncClient(url) as client:
            task_id = (await client.create("a voice", NANO)).task_id
            answer = await client.upload(task_id, audio)
            await client.download(task_id, answer.files[0].name, tmp_path / "copy")
            await client.step(task_id, "convert_audio")
            playing = asyncio.create_task(asyncio.to_thread(play, coordinator, task_id))
            done = await client.wait(task_id, on_event=lambda event: seen.append(event.seq))
            await playing
            assert done.status == "completed"
            with pytest.raises(ServiceError):
                await client.step(task_id, "train_gpt")
        return seen

    seen = asyncio.run(asyncio.wait_for(work(), 30))
    assert seen == sorted(set(seen))
    assert len(seen) > 5
    assert (tmp_path / "copy").read_bytes() == audio[0].read_bytes()


@pytest.mark.parametrize(
    "answer", [httpx.Response(200, text="<html>"), httpx.Response(200, json=1)]
)
def test_what_another_program_answers_is_a_sentence(answer: httpx.Response) -> None:
    transport = httpx.MockTransport(lambda request: answer)
    with Client(http=httpx.Client(transport=transport, base_url="http://elsewhere")) as client:
        with pytest.raises(ServiceError, match="is not this service"):
            client.tasks()
        with pytest.raises(ServiceError, match="is not this service"):
            client.task("a")


def test_every_code_of_the_service_has_an_error_class_of_its_own() -> None:
    assert set(STATUS_OF_CODE) <= set(ERROR_OF_CODE)
    assert ServiceError not in ERROR_OF_CODE.values()


def test_refusals_are_caught_by_their_class(url: str) -> None:
    with Client(url) as client:
        with pytest.raises(NotFoundError):
            client.task("none")
        task_id = client.create("a voice", NANO).task_id
        with pytest.raises(StepNotReadyError):
            client.step(task_id, "test_inference")
    with pytest.raises(UnreachableError), Client("http://127.0.0.1:9") as client:
        client.tasks()


def test_wait_raises_for_a_failed_run_when_asked(
    url: str, audio: list[Path], coordinator: LocalCoordinator
) -> None:
    async def asynchronously(task_id: str) -> None:
        async with AsyncClient(url) as client:
            await client.wait(task_id, raise_on_failure=True)

    with Client(url) as client:
        task_id = client.create("a voice", NANO).task_id
        client.upload(task_id, audio)
        coordinator.do(task_id, "convert_audio")
        assert client.wait(task_id, raise_on_failure=True).status == "completed"
        coordinator.do(task_id, "slice_audio", error={"code": "x", "message": "Too quiet."})
        assert client.wait(task_id).status == "failed"
        with pytest.raises(RunFailedError, match="Too quiet") as caught:
            client.wait(task_id, raise_on_failure=True)
        assert (caught.value.task.task_id, caught.value.code) == (task_id, "run_failed")
        with pytest.raises(RunFailedError, match="Too quiet"):
            asyncio.run(asynchronously(task_id))


def test_an_upload_is_removed_and_more_files_than_a_request_takes_are_sent(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "FILES_A_REQUEST", 2)
    paths = [tmp_path / f"{number}.wav" for number in range(5)]
    for path in paths:
        path.write_bytes(b"sound")

    async def asynchronously(task_id: str) -> int:
        async with AsyncClient(url) as client:
            await client.delete_file(task_id, "input_audio/1.wav")
            return len((await client.upload(task_id, paths)).files)

    with Client(url) as client:
        task_id = client.create("a voice", NANO).task_id
        answer = client.upload(task_id, paths)
        assert [file.name for file in answer.files] == [f"input_audio/{p.name}" for p in paths]
        assert answer.filename == "0.wav"
        assert "removed" in client.delete_file(task_id, "input_audio/0.wav").message
        assert asyncio.run(asynchronously(task_id)) == 5
        with pytest.raises(ServiceError, match="field named `file`"):
            client.upload(task_id, [])


def test_types_are_shipped() -> None:
    import ray_pipeline
    import serve_app

    for package in (serve_app, ray_pipeline):
        assert (Path(package.__path__[0]) / "py.typed").exists()
