"""No lost words: pieces that came out badly are said again, by the engine as by `Voice.speak`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.speaking.engine import SpeechEngine
from ray_pipeline.speaking.order import Finished, Part, PieceEnd, SpeechOrder, VoiceFiles
from ray_pipeline.voice.saying import say, seed_of
from ray_pipeline.voice.speech import Voice
from ray_pipeline.voice.voice import load_voice
from tests.speaking.conftest import Voices, heard, order, speak
from tests.voice.test_saying import Failing

TEXT = "Hello there. So be it."


def failing_voice(files: VoiceFiles, failures: int) -> Voice:
    voice = load_voice(files.gpt_path, files.sovits_path, Path("nowhere"))
    healthy = voice.token_maker
    voice.token_maker = lambda rows: Failing(healthy(rows), failures)  # type: ignore
    return voice


def ends(parts: list[Part]) -> list[PieceEnd]:
    assert isinstance(parts[-1], Finished)
    return [part for part in parts if isinstance(part, PieceEnd)]


@pytest.mark.parametrize("failures", [1, 9])
def test_the_engine_says_a_piece_again_as_the_voice_alone_does(
    voices: Voices, failures: int
) -> None:
    files, asked = voices.nano[0], order(voices.nano[0], TEXT)
    with SpeechEngine(Path("nowhere"), load=lambda files: failing_voice(files, failures)) as engine:
        parts = speak(engine, asked)
        assert engine.stats().retries == min(failures, 2)
        assert engine.stats().problems == (failures > 1)
    first = ends(parts)[0]
    assert first.attempts == min(failures + 1, 3)
    assert bool(first.problem) == (failures > 1)
    assert first.facts["seed"] == seed_of(1, 0, 1 if failures == 1 else 0)
    voice = load_voice(files.gpt_path, files.sovits_path, Path("nowhere"))
    reading = voice.read(asked.text, asked.mode, asked.reference, asked.settings)
    alone = say(reading, Failing(voice.token_maker(8), failures))
    np.testing.assert_allclose(heard(parts), alone.wav, atol=1e-4)


class Ear:
    """Understands what was said, but for the first `deaf` times."""

    def __init__(self, text: str, deaf: int) -> None:
        self.text, self.deaf, self.languages = text, deaf, list[str]()

    def __call__(self, wav: Waveform, language: str) -> str:
        assert wav.dtype == np.float32
        self.languages.append(language)
        return "" if len(self.languages) <= self.deaf else self.text


def verified(voices: Voices, ear: Ear | None) -> tuple[list[PieceEnd], list[Part]]:
    asked: SpeechOrder = replace(order(voices.nano[0], "Hello there."), verify=True)
    with SpeechEngine(Path("nowhere"), hear=ear) as engine:
        parts = speak(engine, asked)
    return ends(parts), parts


def test_with_verify_a_piece_that_was_not_understood_is_said_again(voices: Voices) -> None:
    ear = Ear("hello there", deaf=1)
    [end], parts = verified(voices, ear)
    assert ear.languages == ["en", "en"]
    assert (end.attempts, end.problem) == (2, "")
    assert end.facts["verified"]
    assert end.facts["heard"] == "hello there"
    plain = load_voice(voices.nano[0].gpt_path, voices.nano[0].sovits_path, Path("nowhere"))
    seed = seed_of(1, 0, 1)
    reading = plain.read("Hello there.", "en", order(voices.nano[0]).reference)
    maker = plain.token_maker(1)
    maker.begin(reading, 0, seed)
    said = next(said for _ in range(999) for _, said in maker.step())
    assert end.num_tokens == len(said.tokens)
    wav = reading.sound(0, said, seed)
    np.testing.assert_allclose(heard(parts)[: len(wav)], wav, atol=1e-4)


def test_what_is_never_understood_is_sent_with_its_problem(voices: Voices) -> None:
    ear = Ear("", deaf=0)
    [end], _ = verified(voices, ear)
    assert len(ear.languages) == end.attempts == 3
    assert "understood" in end.problem


def test_without_a_recogniser_the_facts_say_that_nothing_was_verified(voices: Voices) -> None:
    [end], _ = verified(voices, None)
    assert end.facts["verified"] is False
    assert end.attempts == 1
