"""Requests for an alias that tries a version are counted by version, as a listener met them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from ray_pipeline.core.errors import Busy, InvalidInput, PipelineError
from ray_pipeline.core.trials import Outcome, TrialCounts
from ray_pipeline.core.voices import VoiceAlias, VoiceRecord
from ray_pipeline.speaking.order import Part, PieceEnd, Sound, SpeechOrder
from serve_app.speech.choosing import Wanted
from serve_app.speech.speaker import Speaker
from serve_app.speech.timbre import timbre_distance
from serve_app.speech.trials import Listener, Trials, Tried, edits, letters
from tests.serve_app.local_coordinator import LocalCoordinator
from tests.serve_app.speech.conftest import MakeUrl
from tests.speech import FOLDER, clip, names

HTTP = httpx.Client(timeout=120)
ALIAS = VoiceAlias(name="narrator", voice_id="id-anna", canary_version=2, canary_share=1.0)
TRIED = Tried(ALIAS, 2)


class Breaking:
    """Speaks with another's engine, and breaks off after the first sound."""

    def __init__(self, inside: Speaker) -> None:
        self._inside = inside

    async def speak(self, order: SpeechOrder) -> AsyncGenerator[Part]:
        async with aclosing(self._inside.speak(order)) as parts:
            async for part in parts:
                yield part
                if isinstance(part, Sound):
                    raise RuntimeError("a fault")


@pytest.fixture
def narrator(coordinator: LocalCoordinator, anna: VoiceRecord) -> Callable[..., None]:
    """Makes the alias, with a second version of anna that has the recording `calm` no more."""
    first = coordinator.store.voice_version(anna.voice_id, 1)
    coordinator.store.add_voice_version(
        replace(first, references=first.references[:1]), promote=False
    )

    def put(**more: object) -> None:
        coordinator.store.put_alias(replace(ALIAS, **more))  # type: ignore[arg-type]

    put()
    return put


def counts_of(coordinator: LocalCoordinator, requests: int) -> dict[int, TrialCounts]:
    """By version, once so many requests were counted: they are told beside the answers."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = {each.version: each.counts for each in coordinator.store.trials("narrator")}
        if sum(each.requests for each in found.values()) >= requests:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{requests} requests were not counted: {found}")


def ask(url: str, voice: str = "narrator", **more: object) -> httpx.Response:
    body = {"voice": voice, "input": "Hello there.", "response_format": "pcm", **more}
    return HTTP.post(f"{url}/v1/audio/speech", json=body)


def test_requests_are_counted_for_the_version_that_they_got(
    serve: MakeUrl, coordinator: LocalCoordinator, narrator: Callable[..., None]
) -> None:
    url, app = serve()
    assert isinstance(app, FastAPI)
    assert ask(url).headers["x-voice"] == "anna@2"
    assert ask(url, reference="calm").status_code == 404, "version 2 lacks it"
    narrator(canary_share=1e-9)
    assert ask(url, reference="calm").headers["x-voice"] == "anna@1"
    assert ask(url, input="<speak>One. <break time='10ms'/> Two.</speak>").status_code == 200
    assert ask(url, voice="narrator@1").status_code == 200
    assert ask(url, voice="anna").status_code == 200
    app.state.speech.speaker = Breaking(app.state.speech.speaker)
    with pytest.raises(httpx.RemoteProtocolError):
        ask(url)
    found = counts_of(coordinator, 5)
    assert (found[2].requests, found[2].refused, found[2].failed) == (2, 1, 0)
    assert (found[1].requests, found[1].refused, found[1].failed) == (3, 0, 1)
    assert found[2].pieces == 1
    assert found[1].pieces == 3
    assert found[1].first_sounds == 3
    assert found[1].sound_seconds > 1
    shown = HTTP.get(f"{url}/api/v1/voice-aliases/narrator/trial").json()
    assert [(row["version"], row["is_canary"]) for row in shown["versions"]] == [
        (1, False),
        (2, True),
    ]
    assert shown["versions"][0]["failed"] == 1
    assert shown["versions"][0]["first_sound_seconds"] > 0


def test_another_share_counts_on_and_another_version_begins_anew(
    coordinator: LocalCoordinator, narrator: Callable[..., None]
) -> None:
    store = coordinator.store
    store.count_spoken("narrator", 2, Outcome(pieces=1))
    narrator(canary_share=0.5)
    assert len(store.trials("narrator")) == 1
    narrator(canary_version=1)
    assert store.trials("narrator") == []
    store.count_spoken("narrator", 1, Outcome())
    store.delete_alias("narrator")
    store.put_alias(ALIAS)
    assert store.trials("narrator") == []


def test_a_worse_version_is_taken_back_by_itself_where_that_was_asked_for(
    coordinator: LocalCoordinator, narrator: Callable[..., None]
) -> None:
    async def speak(version: int, requests: int, **bad: bool) -> None:
        for _ in range(requests):
            await coordinator.count_spoken("narrator", version, Outcome(**bad))

    asyncio.run(speak(1, 12))
    asyncio.run(speak(2, 12, failed=True))
    assert coordinator.store.alias("narrator").canary_share == 1.0, "nobody asked for it"
    narrator(rollback_after=12, canary_share=0.5)
    asyncio.run(speak(2, 12, failed=True))
    alias = coordinator.store.alias("narrator")
    assert alias.canary_share == 0
    assert "24 were refused or failed (100%)" in alias.rolled_back
    narrator(rollback_after=12)
    again = coordinator.store.alias("narrator")
    assert (again.rolled_back, again.canary_share) == ("", 1.0)
    assert coordinator.store.trials("narrator") == []


def watch(parts: AsyncGenerator[Part], tried: Tried = TRIED) -> list[Outcome]:
    """What is told of parts."""
    told: list[Outcome] = []

    async def tell(alias: str, version: int, outcome: Outcome) -> None:
        told.append(outcome)

    async def run() -> None:
        trials = Trials(tell)
        with suppress(PipelineError, RuntimeError):
            async for _ in trials.watched(parts, tried):
                pass
        while trials.busy:
            await asyncio.sleep(0.01)

    asyncio.run(run())
    return told


async def verified(count: int) -> AsyncGenerator[Part]:
    for number in range(count):
        yield Sound(number, np.zeros(3200, dtype=np.float32))
        facts = {"verified": True, "norm_text": "Hello, there!", "heard": "hello dear"}
        yield PieceEnd(number, "", 0.1, 0, 2, facts=facts)


def test_what_was_said_is_told_with_attempts_and_wrong_letters() -> None:
    [told] = watch(verified(2))
    assert (told.pieces, told.retries, told.letters) == (2, 2, 20)
    assert told.letter_errors == 8
    assert told.sound_seconds == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("steps", "gap"),
    [
        # (seconds before it asks, seconds until a sound comes, seconds of sound)
        ([(0, 2, 1), (0, 1.5, 1)], 0.5),
        ([(0, 2, 1), (0, 0.9, 1), (0, 1.0, 1)], 0),
        ([(0, 0, 1), (5, 0.25, 1)], 0.25),
        ([(0, 0, 1), (5, 0, 1)], 0),
    ],
)
def test_a_silence_counts_where_the_listener_had_to_wait_for_sound(
    steps: list[tuple[float, float, float]], gap: float
) -> None:
    now = [0.0]

    async def coming(wait: float, seconds: float) -> Part:
        now[0] += wait
        return Sound(0, np.zeros(int(seconds * 32_000), dtype=np.float32))

    async def listen() -> Outcome:
        listener = Listener(clock=lambda: now[0])
        for idle, wait, seconds in steps:
            now[0] += idle
            part = await listener.wait_for(coming(wait, seconds))
            assert part is not None
            listener.hear(part)
        return listener.outcome()

    told = asyncio.run(listen())
    assert told.gap_seconds == pytest.approx(gap)
    assert told.first_sound_seconds == steps[0][1]


def test_what_ends_a_request_is_told_and_busy_counts_for_nobody() -> None:
    async def failing(error: Exception) -> AsyncGenerator[Part]:
        raise error
        yield

    assert watch(failing(Busy("full"))) == []
    [refused] = watch(failing(InvalidInput("no")))
    [failed] = watch(failing(RuntimeError("no")))
    assert (refused.refused, refused.failed) == (True, False)
    assert (failed.refused, failed.failed) == (False, True)


def test_letters_are_compared_without_marks_and_capitals() -> None:
    assert letters("Hello, World 2!") == "helloworld2"
    assert (edits("kitten", "sitting"), edits("", "ab"), edits("你好", "你")) == (3, 2, 1)


def test_one_version_says_all_of_a_text_with_directions(
    coordinator: LocalCoordinator, narrator: Callable[..., None], tmp_path: Path
) -> None:
    from serve_app.settings import Settings
    from serve_app.speech.choosing import Chooser, Chosen
    from serve_app.speech.directed import choose_spans

    narrator(canary_share=0.5)
    chooser = Chooser(Settings(data_dir=tmp_path, models_dir=tmp_path / "m"), coordinator.store)
    text = "<speak>" + "<s>One.</s> <prosody rate='slow'>Two.</prosody>" * 8 + "</speak>"
    spans = choose_spans(chooser, Wanted(voice="narrator", text=text), text)
    assert len({span.version.number for span in spans if isinstance(span, Chosen)}) == 1


LONGEST = sorted(names(), key=lambda name: len(clip(name)))[-2:]


def test_another_person_is_farther_in_timbre_than_the_person_of_the_recording() -> None:
    first, second = LONGEST
    other = sorted((FOLDER.parent / "speech_zh").glob("*.flac"))[0]
    own = timbre_distance([clip(second)], FOLDER / first)
    others = timbre_distance([clip(second)], other)
    assert own is not None
    assert others is not None
    assert own < 2 < others


def test_how_far_a_speech_is_from_its_recording_is_told() -> None:
    first, second = LONGEST

    async def speech() -> AsyncGenerator[Part]:
        yield Sound(0, clip(second))

    [told] = watch(speech(), Tried(ALIAS, 2, FOLDER / first))
    assert told.timbre_distance == pytest.approx(timbre_distance([clip(second)], FOLDER / first))


def test_little_speech_and_a_recording_that_is_gone_tell_no_timbre(tmp_path: Path) -> None:
    second = clip(LONGEST[0])[:32_000]
    assert timbre_distance([second], FOLDER / LONGEST[1]) is None
    assert timbre_distance([clip(LONGEST[0])], tmp_path / "gone.flac") is None
    counts = TrialCounts().plus(Outcome(timbre_distance=1.0)).plus(Outcome())
    assert (counts.requests, counts.timbres, counts.timbre_distance) == (2, 1, 1.0)
