import json

import pytest
from fastapi.testclient import TestClient

from ray_pipeline.core.task import EventKind
from tests.serve_app.local_coordinator import LocalCoordinator


def test_events_are_read_from_a_cursor(
    client: TestClient, task_with_audio: str, coordinator: LocalCoordinator
) -> None:
    coordinator.plan(task_with_audio, "convert_audio")
    run = coordinator.begin(task_with_audio)
    coordinator.report(run, EventKind.METRIC, values={"sovits/loss_mel": 1.5}, epoch=1, step=None)
    url = f"/api/v1/task/{task_with_audio}/events"
    page = client.get(url).json()
    numbers = [event["seq"] for event in page["events"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert page["next"] == numbers[-1]
    assert page["events"][-1] == {
        **page["events"][-1],
        "kind": "metric",
        "step": "convert_audio",
        "attempt": 1,
        "data": {"values": {"sovits/loss_mel": 1.5}, "epoch": 1, "step": None},
    }
    only = client.get(url, params={"kind": ["metric", "warning"]}).json()["events"]
    assert [event["kind"] for event in only] == ["metric"]
    rest = client.get(url, params={"after": numbers[-2]}).json()["events"]
    assert [event["seq"] for event in rest] == numbers[-1:]
    assert client.get(url, params={"after": page["next"]}).json() == {
        "events": [],
        "next": page["next"],
    }


def test_a_websocket_sends_old_and_new_events_from_the_cursor(
    client: TestClient, task_with_audio: str, coordinator: LocalCoordinator
) -> None:
    url = f"/api/v1/task/{task_with_audio}/events/ws?after=1"
    with client.websocket_connect(url, headers={"host": "127.0.0.1"}) as socket:
        assert json.loads(socket.receive_text())["seq"] == 2
        coordinator.plan(task_with_audio, "convert_audio")
        event = json.loads(socket.receive_text())
    assert (event["kind"], event["data"]["state"]) == ("state", "queued")


def test_a_websocket_for_an_unknown_task_is_closed_with_a_reason(client: TestClient) -> None:
    with client.websocket_connect(
        "/api/v1/task/none/events/ws", headers={"host": "127.0.0.1"}
    ) as socket:
        message = socket.receive()
    assert message["type"] == "websocket.close"
    assert "no task" in message["reason"]


def test_a_websocket_does_not_stay_open_and_silent_when_the_database_goes_away(
    client: TestClient,
    task_with_audio: str,
    coordinator: LocalCoordinator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"/api/v1/task/{task_with_audio}/events/ws?after=1"
    monkeypatch.setattr("serve_app.routes.events.KEEP_ALIVE_SECONDS", 0.2)
    with (
        pytest.raises(ConnectionError, match="away"),
        client.websocket_connect(url, headers={"host": "127.0.0.1"}) as socket,
    ):
        socket.receive_text()

        def away(*_: object, **__: object) -> None:
            raise ConnectionError("away")

        monkeypatch.setattr(coordinator.store, "events", away)
        socket.receive_text()  # the handler ends; the test client hands over why


def test_a_cursor_that_no_database_can_hold_is_refused(
    client: TestClient, task_with_audio: str
) -> None:
    url = f"/api/v1/task/{task_with_audio}/events"
    assert client.get(url, params={"after": 2**63 - 1}).json()["events"] == []
    assert client.get(url, params={"after": 2**63}).status_code == 422
    header = {"Last-Event-ID": str(2**63)}
    assert client.get(f"{url}/stream", headers=header).status_code == 422
