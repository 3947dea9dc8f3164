"""Makes the FastAPI app: routers, middleware, error handlers. No Ray Serve in here, so tests
and tools use it as it is."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi.middleware import Middleware

from ray_pipeline.coordinator.interface import Coordinator
from ray_pipeline.store import Store
from serve_app.apart import RunApart, run_here
from serve_app.dependencies import Services
from serve_app.errors import install_error_handlers
from serve_app.http_rules import AnswerRules, HeadAsGet, PlainBodies
from serve_app.load_limits import Reserve
from serve_app.middleware import BodyLimit, Guard, body_limit_of
from serve_app.openapi import install_openapi
from serve_app.report_desk import ReportDesk, diagnose_here
from serve_app.routes import (
    books,
    checkpoints,
    clips,
    cuts,
    detection,
    events,
    files,
    health,
    logs,
    models,
    options,
    pages,
    report,
    steps,
    tasks,
    text,
    transcripts,
    voice,
    voice_aliases,
    voice_making,
    voices,
)
from serve_app.settings import Settings
from serve_app.speech import api_v2_routes, live, openai_routes
from serve_app.speech.dialects import API_V2_PATHS, Dialects
from serve_app.speech.service import SpeechService
from serve_app.speech.speaker import Speaker
from serve_app.weights_check import CheckWeights, check_weights_here

_DESCRIPTION = """\
From recordings to a GPT-SoVITS voice in eleven steps: create a task, upload audio, run the
steps, download the voice. Every refusal is a problem document (RFC 9457) whose `detail` is a
sentence and whose `code` is for programs.
"""


def make_app(
    settings: Settings,
    store: Store,
    coordinator: Coordinator,
    reports: ReportDesk | None = None,
    check_weights: CheckWeights = check_weights_here,
    apart: RunApart = run_here,
    speaker: Speaker | None = None,
    *,
    serve_names_requests: bool = False,
) -> FastAPI:
    """Unless said otherwise heavy work, speech too, is done in this process.
    `serve_names_requests`: Ray Serve is in front, and gives each answer its X-Request-Id."""
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    open_here = API_V2_PATHS if settings.open_tts_on_loopback else ()
    app = FastAPI(
        title="GPT-SoVITS training service",
        version=version("gpt-sovits-ray"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        middleware=[
            Middleware(Dialects, serve_names_requests=serve_names_requests),
            Middleware(AnswerRules),
            Middleware(HeadAsGet),
            Middleware(PlainBodies),
            Middleware(Guard, api_key=key, open_here=open_here),
            Middleware(Reserve),
            Middleware(BodyLimit, limit_of=body_limit_of(settings)),
        ],
    )
    app.state.services = Services(
        settings, store, coordinator, reports or ReportDesk(diagnose_here), check_weights, apart
    )
    app.state.speech = SpeechService(settings, store, coordinator, speaker)
    install_error_handlers(app)
    app.include_router(_api_v1())
    app.include_router(openai_routes.router)
    app.include_router(api_v2_routes.router)
    app.include_router(health.router)
    pages.install_pages(app)
    install_openapi(app)
    return app


def _api_v1() -> APIRouter:
    api = APIRouter(prefix="/api/v1")
    for part in (
        tasks,
        steps,
        files,
        events,
        logs,
        transcripts,
        clips,
        cuts,
        report,
        voice,
        checkpoints,
        voices,
        voice_making,
        voice_aliases,
        text,
        models,
        options,
        live,
        books,
        detection,
    ):
        api.include_router(part.router)
    return api
