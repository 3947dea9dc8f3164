"""The dialect of GPT-SoVITS's api_v2.py, as its front ends speak it. A voice's name stands where a
path of the server stood. Refusals get its shape in `dialects.py`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator, ConfigDict, Field

from ray_pipeline.audio.encoding import FORMATS
from ray_pipeline.core.errors import Conflict, InvalidInput
from ray_pipeline.core.languages import LanguageMode
from ray_pipeline.core.speech import NUM_SEEDS, CutMethod
from serve_app.errors import problem, problem_responses
from serve_app.json_bodies import JsonRoute
from serve_app.schemas import Request as Body
from serve_app.speech.choosing import Wanted
from serve_app.speech.openai_routes import answer
from serve_app.speech.service import SpeechDep, SpeechService

router = APIRouter(tags=["speech, as api_v2 has it"], route_class=JsonRoute)

MAX_TEXT = 10_000
_FILE_ENDINGS = (".wav", ".mp3", ".flac", ".ogg", ".m4a", ".ckpt", ".pth", ".safetensors", ".list")
# Its ogg is Vorbis, for which there is no encoder here.
_FORMATS = {"wav": "wav", "raw": "raw", "ogg": "opus", "aac": "aac"}
_SOUND: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "sound; with a `streaming_mode` as it is made",
        "content": {FORMATS[name].media_type: {} for name in _FORMATS.values()},
    }
}
_SUCCESS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the voice is there",
        "content": {"application/json": {"example": {"message": "success"}}},
    }
}


def _mode(value: Any) -> Any:
    """false, true, 0 … 3; in an address as a word."""
    if isinstance(value, str):
        words = {"false": 0, "true": 1, "": 0}
        value = words.get(value.lower(), int(value) if value.isdigit() else value)
    return int(value) if isinstance(value, bool) else value


class TtsRequest(Body):
    """Every field of api_v2's request, with its defaults; what means nothing here is said to."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "你好。", "text_lang": "zh", "ref_audio_path": "my_speaker"},
            ]
        },
    )

    text: str = Field(min_length=1, max_length=MAX_TEXT, description="what is said")
    text_lang: LanguageMode = Field(description="how it is read")
    ref_audio_path: str = Field(
        "", max_length=400, description="a voice: name, name@version, alias, or name/mood"
    )
    aux_ref_audio_paths: list[str] | None = Field(None, max_length=20, description="no effect here")
    prompt_text: str = Field("", max_length=2000, description="no effect: the voice has its own")
    prompt_lang: str = Field("", max_length=20, description="no effect: the voice has its own")
    top_k: int = Field(15, ge=1, le=1024, description="choose among so many tokens")
    top_p: float = Field(1.0, gt=0, le=1, description="and among those of so much chance")
    temperature: float = Field(1.0, gt=0, le=2, description="how freely it is chosen")
    text_split_method: CutMethod = Field("cut5", description="how long text is cut")
    batch_size: int = Field(1, description="no effect: sentences are decoded side by side anyhow")
    batch_threshold: float = Field(0.75, description="no effect")
    split_bucket: bool = Field(True, description="no effect")
    speed_factor: float = Field(1.0, ge=0.5, le=2, description="2.0: twice as fast")
    fragment_interval: float = Field(0.3, ge=0, le=5, description="seconds after each piece")
    seed: int = Field(-1, ge=-1, lt=NUM_SEEDS, description="-1: drawn, and told in X-Seed")
    media_type: Literal["wav", "raw", "ogg", "aac"] = Field(
        "wav", description="ogg holds Opus; raw is 16 bits, little-endian, 32 kHz"
    )
    streaming_mode: Annotated[Literal[0, 1, 2, 3], BeforeValidator(_mode)] = Field(
        0, description="0, false: all at once; 1, true: by sentence; 2, 3: sooner, in smaller parts"
    )
    parallel_infer: bool = Field(True, description="no effect")
    repetition_penalty: float = Field(1.35, ge=1, le=2, description="1: none")
    sample_steps: int = Field(32, description="no effect: for versions that are not spoken here")
    super_sampling: bool = Field(False, description="no effect")
    overlap_length: int = Field(2, description="no effect")
    min_chunk_length: int = Field(16, description="no effect")

    def remarks(self) -> list[str]:
        """What was asked for and is not done."""
        asked = {
            "aux_ref_audio_paths": bool(self.aux_ref_audio_paths),
            "super_sampling": self.super_sampling,
            "prompt_text": bool(self.prompt_text),
        }
        names = [name for name, is_asked in asked.items() if is_asked]
        return [f"{', '.join(names)}: no effect here."] if names else []

    def wanted(self, voice: str) -> Wanted:
        name, mood = voice_and_mood(voice)
        manner = {
            "top_k": self.top_k,
            "top_p": self.top_p,
            "temperature": self.temperature,
            "repetition_penalty": self.repetition_penalty,
            "cut": self.text_split_method,
            "speed": self.speed_factor,
            "pause_seconds": self.fragment_interval,
        }
        return Wanted(
            voice=name,
            text=self.text,
            mode=self.text_lang,
            mood=mood,
            seed=None if self.seed < 0 else self.seed,
            # What a client leaves out is the voice's own.
            manner={
                k: v for k, v in manner.items() if _FIELD_OF.get(k, k) in self.model_fields_set
            },
            latency="fast" if self.streaming_mode >= 2 else "quality",
        )


_FIELD_OF = {
    "cut": "text_split_method",
    "speed": "speed_factor",
    "pause_seconds": "fragment_interval",
}


def voice_and_mood(named: str) -> tuple[str, str]:
    """`name` or `name/mood`. Raises InvalidInput for a path of the server."""
    name, _, mood = named.strip().partition("/")
    looks_like_path = (not name and bool(mood)) or "/" in mood or "\\" in named or ":" in named
    if looks_like_path or named.strip().lower().endswith(_FILE_ENDINGS):
        raise InvalidInput(
            f"{named[:100]!r} is a path, and files of the server are not read by name here.",
            hint="Write the name of a voice, or name/mood (GET /v1/audio/voices lists them); "
            "POST /api/v1/voices makes a voice of a task, or of files that you send.",
            field="ref_audio_path",
        )
    return name, mood


@router.post("/tts", response_class=Response, responses=_SOUND | problem_responses(400, 429))
async def speak_tts(request: Request, body: TtsRequest, service: SpeechDep) -> Response:
    """As api_v2's /tts. Front ends that send a path in ref_audio_path get a sentence instead."""
    return await _speak(request, body, service)


@router.get("/tts", response_class=Response, responses=_SOUND | problem_responses(400, 429))
async def speak_tts_get(
    request: Request, query: Annotated[TtsRequest, Query()], service: SpeechDep
) -> Response:
    """The same with everything in the address."""
    return await _speak(request, query, service)


async def _speak(request: Request, body: TtsRequest, service: SpeechService) -> Response:
    voice = body.ref_audio_path or service.chosen_voices.of(request)
    wanted = body.wanted(voice)
    return await answer(
        request,
        service,
        wanted,
        _FORMATS[body.media_type],
        remarks=body.remarks(),
        stream=bool(body.streaming_mode),
        # Its front ends skip the 44 bytes of a plain header.
        tagged=body.media_type != "wav",
    )


_Weights = Annotated[str, Query(max_length=400, description="a voice, as ref_audio_path of /tts")]


@router.get(
    "/set_gpt_weights",
    response_class=JSONResponse,
    responses=_SUCCESS | problem_responses(400),
)
async def set_gpt_weights(request: Request, service: SpeechDep, weights_path: _Weights) -> Response:
    """Set the voice of this client's next /tts without a ref_audio_path."""
    return await _set_voice(request, service, weights_path)


@router.get(
    "/set_sovits_weights",
    response_class=JSONResponse,
    responses=_SUCCESS | problem_responses(400),
)
async def set_sovits_weights(
    request: Request, service: SpeechDep, weights_path: _Weights
) -> Response:
    """The same: both weight files of a voice go together."""
    return await _set_voice(request, service, weights_path)


@router.get(
    "/set_refer_audio",
    response_class=JSONResponse,
    responses=_SUCCESS | problem_responses(400),
)
async def set_refer_audio(
    request: Request, service: SpeechDep, refer_audio_path: _Weights
) -> Response:
    """The same, with name/mood for another of the voice's recordings."""
    return await _set_voice(request, service, refer_audio_path)


async def _set_voice(request: Request, service: SpeechService, voice: str) -> Response:
    if service.settings.replicas > 1:
        raise Conflict(
            "With several HTTP workers nothing is remembered between requests.",
            hint="Name the voice in ref_audio_path of /tts.",
        )
    name, mood = voice_and_mood(voice)
    await asyncio.to_thread(service.chooser.choose, Wanted(voice=name, text="", mood=mood))
    service.chosen_voices.set(request, voice.strip())
    return JSONResponse({"message": "success"})


@router.get("/control", response_class=JSONResponse, responses=problem_responses(403))
async def control_api_v2(
    command: Annotated[str, Query(max_length=100, description="restart or exit")] = "",
) -> Response:
    """Always refused."""
    return problem(
        403,
        "Nobody restarts or ends this service over HTTP.",
        code="forbidden",
        hint="`gsv stop` and `gsv start` do, on its machine.",
    )
