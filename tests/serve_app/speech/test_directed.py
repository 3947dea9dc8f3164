"""Texts with directions, over real HTTP."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.voices import VoiceRecord
from ray_pipeline.speaking.order import VoiceFiles
from serve_app.settings import Settings
from serve_app.speech.choosing import Chooser, Chosen, Wanted
from serve_app.speech.directed import choose_spans
from tests.serve_app.local_coordinator import LocalCoordinator
from tests.serve_app.speech.conftest import keep
from tests.serve_app.speech.test_openai import HTTP, events_of

pytestmark = pytest.mark.slow


def _ask(url: str, text: str, **more: Any) -> httpx.Response:
    body = {"voice": "anna", "input": text, "response_format": "wav", "seed": 1, "pause": 0, **more}
    return HTTP.post(f"{url}/v1/audio/speech", json=body)


def _sound(url: str, text: str, **more: Any) -> NDArray[np.int16]:
    answer = _ask(url, text, **more)
    assert answer.status_code == 200, answer.text
    wav: NDArray[np.int16] = soundfile.read(io.BytesIO(answer.content), dtype="int16")[0]
    return wav


def test_a_break_is_silence_between_what_each_span_says_alone(speech_url: str) -> None:
    directed = _sound(speech_url, '<speak>Hello there. <break time="500ms"/> Good bye.</speak>')
    pause = np.zeros(SAMPLE_RATE // 2, np.int16)
    alone = [_sound(speech_url, "Hello there."), _sound(speech_url, "Good bye.", seed=1001)]
    np.testing.assert_array_equal(directed, np.concatenate([alone[0], pause, alone[1]]))


def test_another_voice_and_another_speed_speak_their_part(
    speech_url: str, coordinator: LocalCoordinator, tmp_path: Path, mini: VoiceFiles
) -> None:
    keep(coordinator.store, tmp_path, "ben", mini)
    text = 'I say this. [voice: ben] <prosody rate="150%">And I say that.</prosody>'
    directed = _sound(speech_url, text, markup=True)
    alone = [
        _sound(speech_url, "I say this."),
        _sound(speech_url, "And I say that.", voice="ben", speed=1.5, seed=1001),
    ]
    np.testing.assert_array_equal(directed, np.concatenate(alone))


def test_pieces_are_counted_through_and_told_in_the_closing_event(speech_url: str) -> None:
    text = "<speak>One. Two. <break/> Three.</speak>"
    *_, closing = events_of(_ask(speech_url, text, stream_format="sse").text)
    assert [piece["text"] for piece in closing["pieces"]] == ["One.", "Two.", "Three."]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<speak>Hello", "not well-formed"),
        ("<speak><audio/></speak>", "<audio>"),
        ("<speak> </speak>", "nothing that can be said"),
        ("<speak>[voice: nobody] Hello.</speak>", "'nobody'"),
        ('<speak><prosody rate="fast">Hi</prosody></speak>', ""),
        ('<speak>Good morning. <phoneme ph="NOPE">Tomato</phoneme>.</speak>', "NOPE"),
    ],
)
def test_directions_that_cannot_be_followed_are_refused_before_anything_is_said(
    speech_url: str, text: str, says: str
) -> None:
    answer = _ask(speech_url, text, speed=2.0)
    assert answer.status_code in (400, 404)
    assert says in answer.json()["error"]["message"]


def test_without_markup_angle_brackets_are_text(speech_url: str) -> None:
    assert len(_sound(speech_url, "I <3 you."))


def test_a_span_that_goes_on_in_the_next_has_no_pause(
    coordinator: LocalCoordinator, anna: VoiceRecord, tmp_path: Path
) -> None:
    chooser = Chooser(Settings(data_dir=tmp_path, models_dir=tmp_path / "m"), coordinator.store)
    text = 'I say <lang xml:lang="zh">你好</lang>. <prosody rate="slow">Bye.</prosody>'
    spans = choose_spans(chooser, Wanted(voice="anna", text=text, seed=5), text)
    orders = [span.order for span in spans if isinstance(span, Chosen)]
    assert [order.text for order in orders] == ["I say", "你好", "Bye."]
    assert [order.mode for order in orders] == ["en", "zh", "en"]
    assert [order.settings.pause_seconds for order in orders] == [0.0, 0.0, 0.1]
    assert [order.settings.seed for order in orders] == [5, 1005, 2005]
    assert orders[2].settings.speed == pytest.approx(0.8)
