from __future__ import annotations

import asyncio
import hashlib
import random
import threading
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ray_pipeline.core.errors import BadModelFile, Busy, InvalidInput
from ray_pipeline.speaking.engine import SpeechEngine
from ray_pipeline.speaking.limits import EngineLimits
from ray_pipeline.speaking.order import (
    Finished,
    Part,
    PieceEnd,
    Sound,
    SpeechOrder,
    Started,
    VoiceFiles,
)
from ray_pipeline.voice.speech import Said, Speech, TokenMaker, Voice
from ray_pipeline.voice.voice import load_voice
from tests.speaking.conftest import REFERENCES, TEXT, Voices, all_parts, heard, order, speak

pytestmark = pytest.mark.slow


def alone(asked: SpeechOrder) -> Speech:
    """What the voice says by itself, without an engine."""
    voice = load_voice(asked.files.gpt_path, asked.files.sovits_path, Path("nowhere"))
    return voice.speak(asked.text, asked.mode, asked.reference, asked.settings)


def ends(parts: list[Part]) -> list[PieceEnd]:
    return [part for part in parts if isinstance(part, PieceEnd)]


async def until(holds: Callable[[], bool]) -> None:
    """Fails when it does not within some seconds, on a machine however busy."""
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("base", ["nano", "mini"])
def test_parts_come_in_order_and_say_what_they_are(
    engine: SpeechEngine, voices: Voices, base: str
) -> None:
    parts = speak(engine, order(getattr(voices, base)[0]))
    kinds = [type(part) for part in parts]
    count = (len(kinds) - 2) // 2
    assert kinds == [Started, *[Sound, PieceEnd] * count, Finished]
    assert parts[0] == Started(count, [])
    assert [end.piece for end in ends(parts)] == list(range(count))
    assert "".join(end.text for end in ends(parts)).replace(" ", "") == TEXT.replace(" ", "")
    wav, last = heard(parts), parts[-1]
    assert isinstance(last, Finished)
    assert last.num_pieces == count
    assert last.seconds == pytest.approx(len(wav) / 32000)
    assert last.seconds == pytest.approx(sum(end.seconds + 0.1 for end in ends(parts)))
    assert last.digest == hashlib.sha256(wav.astype("<f4").tobytes()).hexdigest()
    assert wav.dtype == np.float32
    assert 0 < np.abs(wav).max() <= 1


def test_a_seed_gives_the_same_samples_alone_and_in_any_company(voices: Voices) -> None:
    """Two voices of each base, several texts, arriving at random times, against each voice's own
    `speak`."""
    texts = [TEXT, "One more is said here.", "Nobody knows, and nobody asks. So be it."]
    orders = [
        order(files, text, seed=7 + number, temperature=0.8 + number / 10, top_k=5 + 5 * number)
        for files in (*voices.nano, *voices.mini)
        for number, text in enumerate(texts)
    ]
    orders[1] = replace(orders[1], reference=REFERENCES[1])
    chance = random.Random(1)

    async def together(engine: SpeechEngine) -> list[list[Part]]:
        return await asyncio.gather(
            *(all_parts(engine, one, after=chance.random() * 0.5) for one in orders)
        )

    with SpeechEngine(Path("nowhere"), limits=EngineLimits(max_rows=5)) as engine:
        spoken = asyncio.run(together(engine))
    for asked, parts in zip(orders, spoken, strict=True):
        wanted = alone(asked)
        assert [end.num_tokens for end in ends(parts)] == [len(p.tokens) for p in wanted.pieces]
        assert [end.attempts for end in ends(parts)] == [p.attempts for p in wanted.pieces]
        np.testing.assert_allclose(heard(parts), wanted.wav, atol=1e-4)


def test_a_stream_goes_on_where_another_broke_off(engine: SpeechEngine, voices: Voices) -> None:
    asked = order(voices.nano[0])
    whole = speak(engine, asked)
    rest = speak(engine, replace(asked, start_piece=1))
    assert rest[0] == whole[0]
    assert [end.piece for end in ends(rest)] == list(range(1, len(ends(whole))))
    expected = [part.wav for part in whole if isinstance(part, Sound) and part.piece >= 1]
    np.testing.assert_array_equal(heard(rest), np.concatenate(expected))


def test_a_piece_that_is_not_there_is_refused(engine: SpeechEngine, voices: Voices) -> None:
    with pytest.raises(InvalidInput, match="no piece 9"):
        speak(engine, replace(order(voices.mini[0]), start_piece=9))


def test_a_listener_who_leaves_frees_the_rows_at_once(engine: SpeechEngine, voices: Voices) -> None:
    async def leave() -> None:
        parts = engine.speak(order(voices.nano[0], TEXT * 20))
        assert isinstance(await anext(parts), Started)
        assert isinstance(await anext(parts), Sound)
        assert engine.stats().decoding_pieces + engine.stats().waiting_pieces
        await parts.aclose()
        stats = engine.stats()
        assert stats.leased_voices == 0
        await until(lambda: not engine.stats().decoding_pieces + engine.stats().waiting_pieces)
        assert (stats.active_requests, stats.cancelled) == (0, 1)

    asyncio.run(leave())
    assert isinstance(speak(engine, order(voices.nano[0]))[-1], Finished)


def test_one_step_at_most_is_made_for_a_listener_who_left(voices: Voices) -> None:
    steps = threading.Semaphore(0)
    taken = []

    def load(files: VoiceFiles) -> Voice:
        voice = load_voice(files.gpt_path, files.sovits_path, Path("nowhere"))
        make = voice.token_maker

        def watched(num_rows: int) -> TokenMaker:
            maker = make(num_rows)
            step = maker.step

            def counted(only: Collection[int] | None = None) -> list[tuple[int, Said]]:
                steps.acquire(timeout=30)  # a step only when the test lets it
                taken.append(len(only or ()))
                return step(only)

            maker.step = counted  # type: ignore[method-assign]
            return maker

        voice.token_maker = watched  # type: ignore[method-assign]
        return voice

    async def leave(engine: SpeechEngine) -> None:
        parts = engine.speak(order(voices.nano[0], TEXT * 5))
        await anext(parts)
        coming = asyncio.ensure_future(anext(parts))
        await until(lambda: engine.stats().decoding_pieces > 0)
        coming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await coming
        await parts.aclose()
        steps.release(100)
        await until(lambda: not engine.stats().decoding_pieces + engine.stats().waiting_pieces)

    with SpeechEngine(Path("nowhere"), load=load) as engine:
        asyncio.run(leave(engine))
        assert len(taken) <= 1


def test_a_listener_is_refused_rather_than_given_gaps(voices: Voices) -> None:
    """Where a second of sound takes a fifth of a second of work some can listen, and five cannot;
    the longest pieces count."""

    async def crowd(engine: SpeechEngine) -> None:
        for _ in range(50):
            engine._speed.stepped("nano", 1, work=0.2, made=1.0)
            engine._speed.sounded("nano", 1, work=0.2, made=1.0)
        asked = order(voices.nano[0], TEXT * 20)
        inside: list[AsyncGenerator[Part]] = []
        with pytest.raises(Busy, match="gaps") as refused:
            while True:
                one = engine.speak(asked)
                assert isinstance(await anext(one), Started)
                inside.append(one)
        assert 2 <= len(inside) <= 4
        assert 1 <= refused.value.retry_after_s <= 60
        for let_in in (replace(asked, played=False), replace(asked, promised=True)):
            inside.append(engine.speak(let_in))
            assert isinstance(await anext(inside[-1]), Started)
        for one in inside:
            await one.aclose()

    limits = EngineLimits(no_gaps=True, max_rows=1)
    with SpeechEngine(Path("nowhere"), limits=limits) as engine:
        asyncio.run(crowd(engine))
        assert (engine.stats().refused, engine.stats().failed) == (1, 0)


def test_more_than_fit_are_refused_and_told_when_to_return(voices: Voices) -> None:
    async def crowd(engine: SpeechEngine) -> None:
        first = engine.speak(order(voices.nano[0], TEXT * 5))
        await anext(first)
        with pytest.raises(Busy, match="no more can wait") as refused:
            await anext(engine.speak(order(voices.nano[0])))
        assert 1 <= refused.value.retry_after_s <= 60
        assert refused.value.code == "busy"
        await first.aclose()
        assert isinstance((await all_parts(engine, order(voices.nano[0])))[-1], Finished)

    with SpeechEngine(Path("nowhere"), limits=EngineLimits(max_requests=1)) as engine:
        asyncio.run(crowd(engine))
        assert engine.stats().refused == 1


def test_no_more_pieces_are_made_than_the_listener_is_near_to(voices: Voices) -> None:
    async def slow(engine: SpeechEngine) -> None:
        parts = engine.speak(order(voices.mini[0], TEXT * 20))
        await anext(parts)
        await anext(parts)
        await until(lambda: engine.stats().pieces == 2)
        await asyncio.sleep(0.3)
        assert engine.stats().pieces == 2
        await parts.aclose()

    with SpeechEngine(Path("nowhere"), limits=EngineLimits(pieces_ahead=2)) as engine:
        asyncio.run(slow(engine))


def test_a_text_that_cannot_be_said_is_refused_and_the_voice_released(
    engine: SpeechEngine, voices: Voices
) -> None:
    with pytest.raises(InvalidInput, match="nothing that can be said"):
        speak(engine, order(voices.mini[0], "?!"))
    assert engine.stats().leased_voices == 0
    assert engine.stats().failed == 1


def test_what_fails_on_the_way_reaches_its_listener_and_nobody_else(voices: Voices) -> None:
    def load(files: VoiceFiles):
        voice = load_voice(files.gpt_path, files.sovits_path, Path("nowhere"))
        if files is voices.nano[1]:
            voice.gpt.ar_audio_embedding = None  # breaks in the first step
        return voice

    async def both(engine: SpeechEngine) -> list[list[Part] | BaseException]:
        orders = [order(files) for files in voices.nano]
        return await asyncio.gather(
            *(all_parts(engine, one) for one in orders), return_exceptions=True
        )

    with SpeechEngine(Path("nowhere"), load=load) as engine:
        good, bad = asyncio.run(both(engine))
        assert isinstance(good, list)
        assert isinstance(bad, TypeError)
        assert engine.stats().leased_voices == 0


def test_a_voice_that_cannot_be_loaded_says_why_and_is_tried_again(
    engine: SpeechEngine, voices: Voices, tmp_path: Path
) -> None:
    path = tmp_path / "broken.pth"
    path.write_bytes(b"nothing")
    broken = VoiceFiles("broken", voices.nano[0].gpt_path, path)
    with pytest.raises(BadModelFile):
        speak(engine, order(broken))
    path.write_bytes(voices.nano[0].sovits_path.read_bytes())
    assert isinstance(speak(engine, order(broken))[-1], Finished)


def test_closing_the_engine_ends_what_is_spoken(voices: Voices) -> None:
    async def closed() -> None:
        engine = SpeechEngine(Path("nowhere"))
        parts = engine.speak(order(voices.nano[0], TEXT * 20))
        await anext(parts)
        engine.close()
        with pytest.raises(RuntimeError, match="closed"):
            async for _ in parts:
                pass

    asyncio.run(closed())
