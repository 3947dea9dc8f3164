"""The API through real Ray Serve: its proxy, its replica, the coordinator's actor."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import openai
import pytest
import yaml
from ray.util.state import list_nodes
from websockets.sync.client import connect

from serve_app.client import BadModelFileError, Client, ServiceError, StepNotReadyError
from serve_app.schemas import EventAnswer
from tests import speech
from tests.audio.test_encoding import decoded
from tests.end_to_end.service import RunningService
from tests.library.voice_files import mini_pair
from tests.serve_app.speech.through_serve import engines, is_idle, keep_voices

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def no_usual_dashboard_port() -> Iterator[None]:
    """The port that Ray's dashboard takes first is another program's, or another cluster's."""
    with socket.socket() as listener:
        with suppress(OSError):
            listener.bind(("127.0.0.1", 8265))
            listener.listen()
        yield


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, ray_cluster: None, no_usual_dashboard_port: None
) -> Iterator[RunningService]:
    """Beside a second cluster, which this process is connected to."""
    running = RunningService(tmp_path_factory.mktemp("service"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(service: RunningService) -> Iterator[Client]:
    with Client(service.url) as made:
        yield made


@pytest.fixture(scope="module")
def converted(client: Client) -> tuple[str, list[EventAnswer]]:
    """A task whose recordings were converted, and the events that were seen live."""
    task_id = client.create("语音", {"language": "en", "base_model": "nano"}).task_id
    client.upload(task_id, [speech.FOLDER / name for name in speech.names()[:2]])
    client.step(task_id, "convert_audio")
    seen: list[EventAnswer] = []
    assert client.wait(task_id, timeout=120, on_event=seen.append).status == "completed"
    return task_id, seen


def test_a_step_runs_and_its_events_arrive_live_and_once(
    client: Client, converted: tuple[str, list[EventAnswer]]
) -> None:
    task_id, seen = converted
    numbers = [event.seq for event in seen]
    assert numbers == sorted(set(numbers))
    assert {event.seq for event in client.events(task_id)} <= set(numbers)
    assert client.steps(task_id)[0].state == "completed"


def test_clips_are_heard_and_judged(
    service: RunningService, client: Client, converted: tuple[str, list[EventAnswer]]
) -> None:
    task_id, _ = converted
    client.step(task_id, "slice_audio")
    assert client.wait(task_id, timeout=120).status == "completed"
    url = f"{service.url}/api/v1/task/{task_id}"
    answer = httpx.get(f"{url}/report", timeout=60)
    while answer.status_code == 202:  # measured in a Ray task
        answer = httpx.get(f"{url}/report", timeout=60)
    report = answer.json()["report"]
    assert report["num_clips"] == report["num_used"] > 0
    clip = report["clips"][0]["clip"]
    part = httpx.get(f"{url}/clips/{clip}/audio", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")


def test_an_error_of_the_coordinator_arrives_unwrapped(
    client: Client, converted: tuple[str, list[EventAnswer]]
) -> None:
    with pytest.raises(ServiceError) as caught:
        client.step(converted[0], "train_gpt")
    assert (caught.value.status, caught.value.code) == (409, "step_not_ready")
    assert caught.value.problem["missing"]


def test_a_voice_is_kept_by_the_coordinator_and_its_weights_are_checked_apart(
    client: Client, tmp_path: Path
) -> None:
    voice = client.import_voice("amy", mini_pair(tmp_path / "mini"))
    assert (voice.base_model, voice.current) == ("mini", 1)
    (tmp_path / "bad.pth").write_bytes(b"no weights at all")
    with pytest.raises(BadModelFileError, match=r"bad\.pth is not a weight file"):
        client.import_version("amy", [tmp_path / "bad.pth", tmp_path / "bad.pth"])
    with pytest.raises(StepNotReadyError):
        client.keep_version("amy", client.create("untrained").task_id)
    saved = client.export_voice("amy", tmp_path / "amy.zip")
    assert client.import_version("amy", [saved], promote=True).number == 2
    assert client.roll_back_version("amy").current == 1
    client.delete_voice("amy")
    assert "amy" not in {kept.name for kept in client.voices()}


def test_uploads_and_ranges_pass_the_proxy_unharmed(
    service: RunningService,
    client: Client,
    converted: tuple[str, list[EventAnswer]],
    tmp_path: Path,
) -> None:
    task_id, _ = converted
    content = bytes(range(256)) * 40_000
    (tmp_path / "录音 “1”.bin").write_bytes(content)
    name = client.upload(task_id, [tmp_path / "录音 “1”.bin"]).files[0].name
    copy = client.download(task_id, name, tmp_path / "copy")
    assert copy.read_bytes() == content
    url = f"{service.url}/api/v1/task/{task_id}/files/download/{name}"
    part = httpx.get(url, headers={"Range": "bytes=256-511"})
    assert (part.status_code, part.content) == (206, bytes(range(256)))


def test_a_websocket_resumes_from_its_cursor(
    service: RunningService, converted: tuple[str, list[EventAnswer]]
) -> None:
    task_id, seen = converted
    address = service.url.replace("http://", "ws://")
    with connect(f"{address}/api/v1/task/{task_id}/events/ws?after={seen[-2].seq}") as events:
        assert json.loads(events.recv(timeout=10))["seq"] == seen[-1].seq


def test_capabilities_know_the_cluster_and_its_own_dashboard(client: Client) -> None:
    import ray

    cluster = client.capabilities()["cluster"]
    assert cluster["cpus"] >= 1
    nodes = {node.node_id for node in list_nodes(address=cluster["dashboard"], timeout=180)}
    assert len(nodes) == 1
    assert nodes.isdisjoint(node["NodeID"] for node in ray.nodes())


def test_gsv_status_speaks_of_the_service_of_its_folder(service: RunningService) -> None:
    applications = yaml.safe_load(service.status())["applications"]
    assert applications["gsv"]["status"] == "RUNNING"


def test_ready_says_what_the_coordinator_does(service: RunningService) -> None:
    answer = httpx.get(f"{service.url}/health/ready").json()
    assert answer["status"] == "ok"
    assert answer["details"]["steps_running"] == 0


@pytest.fixture(scope="module")
def voices(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> None:
    keep_voices(service, tmp_path_factory.mktemp("voices"))


def test_speech_comes_whole_in_every_dialect(
    service: RunningService, voices: None, tmp_path: Path
) -> None:
    asked = {"model": "tts-1", "voice": "anna", "input": "Hello there. So be it."}
    sdk = openai.OpenAI(base_url=f"{service.url}/v1", api_key="none", timeout=60)
    with sdk.audio.speech.with_streaming_response.create(**asked) as answer:
        mp3 = b"".join(answer.iter_bytes())
    query = {"text": asked["input"], "text_lang": "en", "ref_audio_path": "anna"}
    raw = httpx.get(f"{service.url}/tts", params=query | {"media_type": "raw"}, timeout=60)
    named = httpx.get(f"{service.url}/v1/models", headers={"X-Request-Id": "mine-1"})
    assert named.headers.get_list("x-request-id") == ["mine-1"]
    assert len(raw.headers.get_list("x-request-id")) == 1
    with Client(service.url) as speaker:
        facts = speaker.speak("anna", asked["input"], tmp_path / "a.wav")
    assert len(decoded(mp3, "mp3")) / 32000 == pytest.approx(facts["seconds"], abs=0.11)
    assert len(raw.content) / 64000 == pytest.approx(facts["seconds"], abs=0.01)
    with pytest.raises(openai.NotFoundError, match="There are: anna, slow"):
        sdk.audio.speech.create(**asked | {"voice": "bob"})


def test_a_long_text_is_spoken_in_the_background(
    client: Client, voices: None, tmp_path: Path
) -> None:
    book = client.start_book("A tale", "anna", "# One\n\nIt was dark.\n\n# Two\n\nThe end.")
    deadline = time.monotonic() + 120
    while (book := client.book(book.book_id)).state in ("queued", "running"):
        assert time.monotonic() < deadline, book
        time.sleep(0.2)
    assert (book.state, book.problem) == ("done", "")
    mp3 = client.download_book(book.book_id, tmp_path / "tale.mp3").read_bytes()
    assert len(decoded(mp3, "mp3")) / 32000 == pytest.approx(book.sound_seconds + 1.5, abs=0.2)
    srt = client.download_book_subtitles(book.book_id, tmp_path / "tale.srt").read_text("utf-8")
    assert "It was dark." in srt


def test_who_stops_listening_frees_the_engine(service: RunningService, voices: None) -> None:
    asked = {"voice": "slow", "input": "So be it. " * 40, "response_format": "pcm"}
    speech = f"{service.url}/v1/audio/speech"
    with httpx.stream("POST", speech, json=asked, timeout=60) as answer:
        chunks = answer.iter_raw()
        next(chunks)
    assert is_idle(service, within=5)
    assert httpx.get(f"{service.url}/api/v1/speech/stats").json()["cancelled"] == 1


def test_a_stream_goes_on_when_its_engine_is_killed(
    service: RunningService, voices: None, tmp_path: Path
) -> None:
    text = " ".join(
        f"Number {word} is said now." for word in ["one", "two", "three", "four", "five", "six"]
    )
    options = {"seed": 5, "response_format": "wav"}
    with Client(service.url) as speaker:
        undisturbed = b"".join(speaker.speak_stream("slow", text, **options))
        sounds = speaker.speak_stream("slow", text, **options)
        begun = next(sounds)
        (engine,) = engines(service)
        engine.kill()
        engine.wait(timeout=10)
        rest = b"".join(sounds)
    assert begun + rest == undisturbed
    assert engine.pid not in [process.pid for process in engines(service)]
