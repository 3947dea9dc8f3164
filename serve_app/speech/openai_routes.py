"""The dialect of OpenAI's clients. Refusals get its shape in `dialects.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Path, Request, Response

from ray_pipeline.audio.encoding import FORMATS, make_encoder
from ray_pipeline.core.errors import NotFound
from ray_pipeline.text.markup import is_marked_up
from serve_app.dependencies import StoreDep
from serve_app.errors import problem_responses
from serve_app.json_bodies import JsonRoute
from serve_app.speech.account import Account
from serve_app.speech.choosing import Chosen, Wanted, tags_of
from serve_app.speech.openai_schemas import (
    MODELS,
    NamedVoice,
    NamedVoices,
    OpenAiModel,
    OpenAiModels,
    SpeechRequest,
)
from serve_app.speech.sending import (
    SoundResponse,
    as_events,
    begun,
    encoded,
    headers_of,
    unless_gone,
    whole,
)
from serve_app.speech.service import SpeechDep, SpeechService

router = APIRouter(prefix="/v1", tags=["speech, as OpenAI has it"], route_class=JsonRoute)

_SOUND: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "sound, as it is made; with `stream_format: sse` events",
        "content": {
            **{row.media_type: {} for row in FORMATS.values()},
            "text/event-stream": {
                "example": 'data: {"type": "speech.audio.delta", "audio": "SUQz…"}\n\n'
                'data: {"type": "speech.audio.done", "usage": {"input_tokens": 13}}\n\n'
            },
        },
    }
}
_NO_INSTRUCTIONS = "`instructions` have no effect: this voice does not follow any."


@router.post(
    "/audio/speech",
    response_class=Response,
    responses=_SOUND | problem_responses(400, 404, 410, 429),
)
async def create_speech(request: Request, body: SpeechRequest, service: SpeechDep) -> Response:
    """Say a text. Any client of OpenAI's works: its `base_url` is this service's address with /v1.

    Headers say the voice with its version, the seed, the sample rate, and in `X-Warning` what had
    no effect. A body that ends early is not whole; `stream_format: sse` has a closing event with a
    digest."""
    _known_model(body.model)
    remarks = [_NO_INSTRUCTIONS] if body.instructions else []
    return await answer(
        request,
        service,
        body.wanted(),
        body.response_format,
        remarks=remarks,
        as_sse=body.stream_format == "sse",
        stream=body.stream,
        directed=body.markup or is_marked_up(body.input),
    )


async def answer(
    request: Request,
    service: SpeechService,
    wanted: Wanted,
    sound_format: str,
    *,
    remarks: list[str],
    as_sse: bool = False,
    stream: bool = True,
    tagged: bool = True,
    directed: bool = False,
) -> Response:
    """Speech as the answer to a request, in any dialect; `directed`: of a text with directions."""
    wanted = replace(wanted, played=stream or as_sse)
    if directed:
        spans = await service.choose_spans(wanted)
        spoken = [span for span in spans if isinstance(span, Chosen)]
        chosen = replace(spoken[0], remarks=tuple(remarks))
        speech = service.speak_spans(spans, request)
    else:
        chosen = await service.choose(wanted, remarks)
        spoken = [chosen]
        speech = service.speak(chosen, request)
    parts = await unless_gone(request, begun(speech))
    headers = headers_of(chosen, sound_format)
    idle = service.settings.speech_timeout_seconds
    tags = tags_of(spoken) if tagged else None
    encoder = make_encoder(sound_format, tags)
    if as_sse:
        events = as_events(parts, encoder, chosen)
        return SoundResponse(events, headers, "text/event-stream", idle)
    account = Account()
    chunks = encoded(parts, encoder, account)
    if stream:
        return SoundResponse(chunks, headers, FORMATS[sound_format].media_type, idle)
    return await unless_gone(request, whole(chunks, sound_format, tags, account, chosen))


@router.get("/models")
async def list_openai_models() -> OpenAiModels:
    """The names that `model` takes."""
    return OpenAiModels(data=[OpenAiModel(id=name) for name in MODELS])


@router.get("/models/{model}", responses=problem_responses(404))
async def get_openai_model(
    model: str = Path(description="as GET /v1/models has it", max_length=200),
) -> OpenAiModel:
    """One of them."""
    return OpenAiModel(id=_known_model(model))


@router.get("/audio/voices")
def list_openai_voices(store: StoreDep) -> NamedVoices:
    """The voices that speak, by the names to ask for them."""
    names = [voice.name for voice in store.voices() if not voice.disabled_reason]
    names += [alias.name for alias in store.aliases()]
    return NamedVoices(voices=[NamedVoice(id=name, name=name) for name in sorted(names)])


def _known_model(name: str) -> str:
    if name not in MODELS:
        raise NotFound(
            f"There is no model {name[:200]!r}.",
            hint=f"Use one of {', '.join(MODELS)}; the voice is what differs.",
            field="model",
        )
    return name
