"""What OpenAI's clients send and read."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, StrictBool

from ray_pipeline.core.languages import LanguageMode
from ray_pipeline.core.speech import NUM_SEEDS, CutMethod
from ray_pipeline.speaking.order import Latency
from serve_app.schemas import Answer, Request
from serve_app.speech.choosing import Wanted, pronunciations

MAX_INPUT = 4096
MODEL = "gpt-sovits"
# What its clients ask for by default; all of them are the same here.
MODELS = (MODEL, "tts-1", "tts-1-hd", "gpt-4o-mini-tts")


class VoiceId(Request):
    id: str = Field(max_length=200, description="a voice's id, or its name")


class SpokenRequest(Request):
    """Who says a text, and how."""

    voice: str | VoiceId = Field(
        "", description="a name, name@version or an alias; OpenAI's own are the default voice"
    )
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = Field(
        "mp3", description="pcm: 16 bits, little-endian, 24 kHz; X-Sample-Rate says the rate"
    )
    speed: float = Field(1.0, ge=0.25, le=4, description="voices here speak from 0.5 to 2.0")

    language: LanguageMode | None = Field(None, description="how the text is read; of the voice")
    seed: int | None = Field(None, ge=0, lt=NUM_SEEDS, description="the same says the same again")
    cut: CutMethod | None = Field(None, description="how long text is cut, as in the original")
    reference: str = Field("", max_length=200, description="the mood: which recording is imitated")
    verify: StrictBool = Field(
        False, description="have each piece recognised, and said again where words are missing"
    )
    markup: StrictBool = Field(
        False, description="the text has directions (SSML); so has one that begins with <speak>"
    )
    dictionary: dict[str, str | list[str]] | None = Field(
        None, max_length=1000, description="words with their phones, as `gsv text` shows them"
    )
    pause: float | None = Field(None, ge=0, le=5, description="seconds after each piece")
    top_k: int | None = Field(None, ge=1, le=1024, description="choose among so many tokens")
    top_p: float | None = Field(None, gt=0, le=1, description="and among those of so much chance")
    temperature: float | None = Field(None, gt=0, le=2, description="how freely it is chosen")
    repetition_penalty: float | None = Field(None, ge=1, le=2, description="1: none")
    noise_scale: float | None = Field(None, ge=0, le=1, description="how much the sound varies")
    pitch: float | None = Field(None, ge=0.5, le=2, description="2.0: an octave higher; mini only")
    energy: float | None = Field(None, gt=0, le=4, description="2.0: 6 dB louder; mini only")

    @property
    def voice_name(self) -> str:
        return self.voice if isinstance(self.voice, str) else self.voice.id

    def wanted_with(self, text: str, latency: Latency = "quality") -> Wanted:
        manner: dict[str, Any] = {
            name: getattr(self, name)
            for name in (
                *("cut", "top_k", "top_p", "temperature", "repetition_penalty"),
                *("noise_scale", "pitch", "energy"),
            )
        }
        # Who leaves the speed out gets the voice's own.
        manner["speed"] = self.speed if "speed" in self.model_fields_set else None
        manner["pause_seconds"] = self.pause
        return Wanted(
            voice=self.voice_name,
            text=text,
            mode=self.language or "",
            mood=self.reference,
            seed=self.seed,
            manner={name: value for name, value in manner.items() if value is not None},
            dictionary=pronunciations(self.dictionary),
            latency=latency,
            verify=self.verify,
        )


class SpeechRequest(SpokenRequest):
    """OpenAI's fields, and behind them our own."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"model": "tts-1", "voice": "my_speaker", "input": "Good morning."}]
        },
    )

    model: str = Field(MODEL, max_length=200, description="one of GET /v1/models; all are alike")
    input: str = Field(min_length=1, max_length=MAX_INPUT, description="what is said")
    instructions: str | None = Field(
        None, max_length=MAX_INPUT, description="no effect here, which `X-Warning` says"
    )
    stream_format: Literal["audio", "sse"] = Field(
        "audio", description="sse: events with parts in Base64, and one that closes"
    )
    latency: Latency = Field(
        "quality", description="fast: sound is sent before a sentence is finished"
    )
    stream: StrictBool = Field(
        True, description="false: all at once, with its length and what is known at the end"
    )

    def wanted(self) -> Wanted:
        return self.wanted_with(self.input, self.latency)


class OpenAiModel(Answer):
    id: str = Field(description="as `model` takes it")
    object: Literal["model"] = Field("model", description="always model")
    created: int = Field(0, description="always 0")
    owned_by: str = Field("gpt-sovits-ray", description="always this service")


class OpenAiModels(Answer):
    object: Literal["list"] = Field("list", description="always list")
    data: list[OpenAiModel] = Field(description="the names that `model` takes")


class NamedVoice(Answer):
    id: str = Field(description="as `voice` takes it: its name")
    name: str = Field(description="the same, for people")


class NamedVoices(Answer):
    voices: list[NamedVoice] = Field(description="voices that speak, and aliases, by name")


class OpenAiProblem(Answer):
    message: str = Field(description="what is wrong, and what to do about it")
    type: str = Field(description="invalid_request_error, authentication_error, server_error …")
    param: str | None = Field(description="the field that is wrong")
    code: str | None = Field(description="for programs; that of a problem document")


class OpenAiError(Answer):
    error: OpenAiProblem = Field(description="what is wrong")


class ApiV2Error(Answer):
    message: str = Field(description="tts failed")
    Exception: str = Field(description="what is wrong, and what to do about it")
