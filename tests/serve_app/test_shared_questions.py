"""Many who ask the same at once cost one question."""

from __future__ import annotations

import asyncio

import pytest

from ray_pipeline.core.task import Event
from serve_app.routes.events import live_events
from serve_app.shared_questions import SharedQuestions
from tests.serve_app.conftest import MakeClient
from tests.serve_app.local_coordinator import LocalCoordinator


def test_all_who_come_meanwhile_get_one_answer_and_who_comes_later_another() -> None:
    shared, asked = SharedQuestions(), []

    async def find() -> int:
        asked.append(len(asked))
        await asyncio.sleep(0)
        return asked[-1]

    async def many() -> list[int]:
        return await asyncio.gather(*(shared.ask("the same", find) for _ in range(100)))

    async def twice() -> None:
        assert await many() == [0] * 100
        assert await many() == [1] * 100

    asyncio.run(twice())
    assert asked == [0, 1]


def test_who_goes_away_leaves_the_others_their_answer_and_a_failure_is_everybodys() -> None:
    async def three() -> None:
        shared, go = SharedQuestions(), asyncio.Event()

        async def fail() -> None:
            await go.wait()
            raise ValueError("away")

        asking = [asyncio.create_task(shared.ask("the same", fail)) for _ in range(3)]
        await asyncio.sleep(0)
        asking[0].cancel()
        await asyncio.sleep(0)
        go.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(each) for each in answers] == [asyncio.CancelledError, ValueError, ValueError]

    asyncio.run(three())


def test_hundreds_who_watch_a_task_cost_a_question_each_time_and_miss_nothing(
    make_client: MakeClient,
    task_with_audio: str,
    coordinator: LocalCoordinator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services = make_client().app.state.services  # type: ignore[attr-defined]
    questions = {"reads": 0, "waits": 0}
    read, wait = coordinator.store.events, coordinator.wait_for_events

    def reads(*args: object, **named: object) -> list[Event]:
        questions["reads"] += 1
        return read(*args, **named)  # type: ignore[arg-type]

    async def waits(task_id: str, after: int, seconds: float) -> int:
        questions["waits"] += 1
        return await wait(task_id, after, seconds)

    monkeypatch.setattr(coordinator.store, "events", reads)
    monkeypatch.setattr(coordinator, "wait_for_events", waits)
    watchers, renamed = 200, 5

    async def crowd() -> list[list[int]]:
        heard: list[list[int]] = [[] for _ in range(watchers)]

        async def watch(own: list[int]) -> None:
            async for event in live_events(services, task_with_audio, 0):
                assert event is not None
                own.append(event.seq)
                if repr(str(renamed)) in str(event.data.get("message")):
                    return

        watching = [asyncio.create_task(watch(own)) for own in heard]
        for number in range(1, renamed + 1):
            await asyncio.sleep(0.05)
            await coordinator.rename_task(task_with_audio, str(number))
        async with asyncio.timeout(60):
            await asyncio.gather(*watching)
        return heard

    heard = asyncio.run(crowd())
    assert all(each == heard[0] == sorted(set(heard[0])) for each in heard)
    assert len(heard[0]) >= renamed
    assert sum(questions.values()) <= 4 * (renamed + 1)  # and not 200 times as many
