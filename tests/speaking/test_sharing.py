"""What is made at a time, and what comes first."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ray_pipeline.models.sovits.streaming import StreamedDecode
from ray_pipeline.speaking.engine import SpeechEngine
from ray_pipeline.speaking.limits import EngineLimits
from ray_pipeline.speaking.order import Finished, Part, SpeechOrder, VoiceFiles
from ray_pipeline.speaking.request import Request
from ray_pipeline.voice.speech import Said, TokenMaker, Voice
from ray_pipeline.voice.voice import load_voice
from tests.speaking.conftest import Voices, all_parts, order

pytestmark = pytest.mark.slow

TEXT = "So be it."


def together(engine: SpeechEngine, orders: list[SpeechOrder]) -> list[list[Part]]:
    async def all_() -> list[list[Part]]:
        return await asyncio.gather(*(all_parts(engine, one) for one in orders))

    spoken = asyncio.run(all_())
    assert all(isinstance(parts[-1], Finished) for parts in spoken)
    return spoken


def loading(change: Callable[[VoiceFiles, Any], None]) -> Callable[[VoiceFiles], Voice]:
    def load(files: VoiceFiles) -> Voice:
        voice = load_voice(files.gpt_path, files.sovits_path, Path("nowhere"))
        change(files, voice)
        return voice

    return load


def test_of_those_who_have_nothing_yet_a_few_are_decoded_at_a_time_and_one_of_each_voice(
    voices: Voices,
) -> None:
    """So that the first of them become sound while the others are decoded."""
    steps: list[tuple[str, int]] = []
    enough = threading.Event()

    def watch(files: VoiceFiles, voice: Any) -> None:
        make = voice.token_maker

        def watched(num_rows: int) -> TokenMaker:
            maker = make(num_rows)
            step = maker.step

            def counted(only: Collection[int] | None = None) -> list[tuple[int, Said]]:
                enough.wait(300)  # until all are there
                steps.append((files.key, len(only or ())))
                return step(only)

            maker.step = counted
            return maker

        voice.token_maker = watched

    first, second = voices.nano
    orders = [order(first, TEXT, seed=number) for number in range(6)] + [order(second, TEXT)]
    limits = EngineLimits(num_together=2)
    with SpeechEngine(Path("nowhere"), limits=limits, load=loading(watch)) as engine:

        async def all_() -> None:
            tasks = [asyncio.create_task(all_parts(engine, one)) for one in orders]
            async with asyncio.timeout(300):
                while engine.stats().waiting_pieces + engine.stats().decoding_pieces < 7:
                    await asyncio.sleep(0.01)
            enough.set()
            await asyncio.gather(*tasks)

        asyncio.run(all_())
    assert max(count for key, count in steps if key == first.key) == 2
    assert max(count for key, count in steps if key == second.key) == 1
    last_of_first = max(place for place, (key, _) in enumerate(steps) if key == first.key)
    assert steps.index((second.key, 1)) < last_of_first / 2


def test_whoever_heard_nothing_yet_needs_the_first_piece_and_no_other(voices: Voices) -> None:
    """Otherwise the second of a listener who is late would come before that of one who listens."""
    asked = order(voices.nano[0], "So be it. So be it. So be it.")
    voice = load_voice(asked.files.gpt_path, asked.files.sovits_path, Path("nowhere"))
    reading = voice.read(asked.text, asked.mode, asked.reference, asked.settings)

    async def compare() -> None:
        loop, now = asyncio.get_running_loop(), time.monotonic()
        late = Request(asked, voice, reading, now - 30, loop)
        listens = Request(asked, voice, reading, now - 20, loop, started_at=now - 0.1)
        assert late.dry_at(0) < listens.dry_at(1) < late.dry_at(1) < late.dry_at(2)

    asyncio.run(compare())


def test_two_pieces_become_sound_at_a_time_on_a_cpu(voices: Voices) -> None:
    meeting = threading.Barrier(2)

    def watch(files: VoiceFiles, voice: Any) -> None:
        decode = voice.synthesizer.decode_as

        def met(*args: Any, **kwargs: Any) -> Any:
            meeting.wait(300)
            return decode(*args, **kwargs)

        voice.synthesizer.decode_as = met

    with SpeechEngine(Path("nowhere"), load=loading(watch)) as engine:
        together(engine, [order(voices.nano[0], TEXT, seed=number) for number in range(2)])


def test_the_stretches_of_a_piece_become_sound_one_after_another(
    voices: Voices, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: Counter[int] = Counter()
    most: list[int] = []
    more = StreamedDecode.more

    def watched(self: StreamedDecode, tokens: list[int], *, last: bool) -> Any:
        inside[id(self)] += 1
        most.append(inside[id(self)])
        try:
            return more(self, tokens, last=last)
        finally:
            inside[id(self)] -= 1

    monkeypatch.setattr(StreamedDecode, "more", watched)
    fast = [replace(order(voices.nano[0], seed=4 + n), latency="fast") for n in range(3)]
    with SpeechEngine(Path("nowhere"), limits=EngineLimits(num_sounds=4)) as engine:
        together(engine, fast)
    assert len(most) > len(fast)
    assert max(most) == 1


def test_a_gpu_decodes_all_and_makes_sound_of_one_piece_at_a_time() -> None:
    on_gpu = EngineLimits(max_rows=32).suited_to("cuda")
    assert (on_gpu.num_together, on_gpu.num_sounds) == (32, 1)
    on_cpu = EngineLimits(num_sounds=3).suited_to("cpu")
    assert (on_cpu.num_together, on_cpu.num_sounds) == (4, 3)
