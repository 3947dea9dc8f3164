"""Requests as front ends of GPT-SoVITS's api_v2 send them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ray_pipeline.core.voices import VoiceRecord
from tests.audio.test_encoding import decoded
from tests.serve_app.conftest import MakeClient
from tests.serve_app.speech.conftest import MakeUrl

pytestmark = pytest.mark.slow

HTTP = httpx.Client(timeout=120)  # a busy machine
KEY = "0123456789abcdef0123"
# What SillyTavern and others send: everything, with api_v2's defaults.
BODY: dict[str, Any] = {
    "text": "Hello there. Printing is an old art.",
    "text_lang": "en",
    "ref_audio_path": "anna",
    "aux_ref_audio_paths": [],
    "prompt_text": "",
    "prompt_lang": "en",
    "top_k": 15,
    "top_p": 1,
    "temperature": 1,
    "text_split_method": "cut5",
    "batch_size": 1,
    "batch_threshold": 0.75,
    "split_bucket": True,
    "speed_factor": 1,
    "fragment_interval": 0.3,
    "seed": 5,
    "media_type": "wav",
    "streaming_mode": False,
    "parallel_infer": True,
    "repetition_penalty": 1.35,
    "sample_steps": 32,
    "super_sampling": False,
    "overlap_length": 2,
    "min_chunk_length": 16,
}


def test_every_medium_and_mode_says_the_same(speech_url: str) -> None:
    lengths = []
    for medium, name in (("wav", "wav"), ("raw", "raw"), ("ogg", "opus"), ("aac", "aac")):
        for mode in (False, True):
            body = BODY | {"media_type": medium, "streaming_mode": mode}
            answer = HTTP.post(f"{speech_url}/tts", json=body)
            assert answer.status_code == 200, answer.text
            rate = int(answer.headers["x-sample-rate"])
            lengths.append(len(decoded(answer.content, name)) / rate)
    assert lengths == pytest.approx([lengths[0]] * len(lengths), abs=0.11)


def test_get_and_post_say_the_same_with_the_plain_header(speech_url: str) -> None:
    posted = HTTP.post(f"{speech_url}/tts", json=BODY).content
    query = {name: str(value) for name, value in BODY.items() if name != "aux_ref_audio_paths"}
    got = HTTP.get(f"{speech_url}/tts", params=query)
    assert got.content == posted
    assert posted[36:40] == b"data"
    streamed = HTTP.post(f"{speech_url}/tts", json=BODY | {"streaming_mode": 1}).content
    assert streamed[44:] == posted[44:]


def test_a_mood_and_a_version_are_named_in_ref_audio_path(speech_url: str) -> None:
    for name in ("anna", "anna@1", "anna/calm", "speaker"):
        answer = HTTP.post(f"{speech_url}/tts", json=BODY | {"ref_audio_path": name})
        assert (answer.status_code, answer.headers["x-voice"]) == (200, "anna@1"), name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ref_audio_path": "/srv/voices/anna.wav"}, "is a path"),
        ({"ref_audio_path": "voice.wav"}, "is a path"),
        ({"ref_audio_path": "..\\voice"}, "is a path"),
        ({"ref_audio_path": "bob"}, "There are: anna, speaker."),
        ({"ref_audio_path": "anna/angry"}, "calm, default"),
        ({"ref_audio_path": ""}, "names no voice"),
        ({"text": ""}, "text"),
        ({"text_lang": "xx"}, "text_lang"),
        ({"media_type": "mp3"}, "media_type"),
        ({"speed_factor": 3}, "speed_factor"),
        ({"streaming_mode": 4}, "streaming_mode"),
    ],
)
def test_refusals_have_api_v2s_shape(speech_url: str, change: dict[str, Any], said: str) -> None:
    answer = HTTP.post(f"{speech_url}/tts", json=BODY | change)
    assert answer.status_code == 400
    assert answer.json()["message"] == "tts failed"
    assert said in answer.json()["Exception"]


def test_what_has_no_effect_is_said(speech_url: str) -> None:
    body = BODY | {"super_sampling": True, "prompt_text": "other words"}
    answer = HTTP.post(f"{speech_url}/tts", json=body)
    assert answer.headers["x-warning"] == "super_sampling, prompt_text: no effect here."


def test_a_voice_that_was_set_speaks_until_another_is(speech_url: str) -> None:
    for path, parameter in (
        ("set_gpt_weights", "weights_path"),
        ("set_sovits_weights", "weights_path"),
        ("set_refer_audio", "refer_audio_path"),
    ):
        answer = HTTP.get(f"{speech_url}/{path}", params={parameter: "anna/calm"})
        assert answer.json() == {"message": "success"}
        refused = HTTP.get(f"{speech_url}/{path}", params={parameter: "GPT/anna-e15.ckpt"})
        assert refused.status_code == 400
        assert "POST /api/v1/voices" in refused.json()["Exception"]
    answer = HTTP.post(f"{speech_url}/tts", json=BODY | {"ref_audio_path": ""})
    assert (answer.status_code, answer.headers["x-voice"]) == (200, "anna@1")


def test_nobody_controls_the_service(make_client: MakeClient) -> None:
    answer = make_client().get("/control?command=exit")
    assert answer.status_code == 403
    assert "gsv stop" in answer.json()["Exception"]


def test_with_a_key_tts_wants_it_unless_it_is_opened_to_this_machine(
    serve: MakeUrl, anna: VoiceRecord
) -> None:
    closed, _ = serve(api_key=KEY)
    assert HTTP.post(f"{closed}/tts", json=BODY).status_code == 401
    opened, _ = serve(api_key=KEY, open_tts_on_loopback=True)
    assert HTTP.post(f"{opened}/tts", json=BODY).status_code == 200
    assert HTTP.get(f"{opened}/v1/audio/voices").status_code == 401
    for foreign in (
        {"X-Forwarded-For": "203.0.113.9"},
        {"Origin": "https://evil.example"},
        {"Host": "evil.example"},
    ):
        assert HTTP.post(f"{opened}/tts", json=BODY, headers=foreign).status_code == 401
