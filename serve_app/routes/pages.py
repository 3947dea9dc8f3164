"""What a browser gets: the web page and the API's documentation, without any CDN."""

from __future__ import annotations

import secrets
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles

WEB = Path(__file__).resolve().parent.parent / "web"
_CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "style-src 'self' 'nonce-{nonce}'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_NONCE_HOLE = "{nonce}"


class PageFiles(StaticFiles):
    """The page's own files. A browser asks each time whether it has the newest: a page of which
    half is from before an update would break."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


router = APIRouter(tags=["service"])


@router.get(
    "/",
    response_model=None,
    responses={
        200: {"content": {"text/html": {}, "application/json": {}}, "description": "either"}
    },
)
async def get_root(request: Request) -> Response:
    """The web page for browsers, a short description for programs."""
    if "text/html" in request.headers.get("accept", ""):
        # The one style sheet that a library writes into the page carries it (a waveform's).
        nonce = secrets.token_urlsafe(16)
        html = (WEB / "index.html").read_text("utf-8").replace(_NONCE_HOLE, nonce)
        headers = {
            "Content-Security-Policy": _CONTENT_POLICY.replace(_NONCE_HOLE, nonce),
            "Cache-Control": "no-store",
            "Vary": "Accept",
        }
        return HTMLResponse(html, headers=headers)
    return JSONResponse(_description(), headers={"Vary": "Accept"})


def _description() -> dict[str, Any]:
    return {
        "name": "gpt-sovits-ray",
        "version": version("gpt-sovits-ray"),
        "api": "/api/v1",
        "docs": "/docs",
        "openapi": "/openapi.json",
        "health": "/health/ready",
    }


def install_pages(app: FastAPI) -> None:
    """Static files, and /docs from the copy of Swagger UI that the package fastapi-offline
    carries: FastAPI's own page loads it from a CDN and stays blank offline."""
    import fastapi_offline

    assets = Path(fastapi_offline.__file__).parent / "static"
    app.mount("/web", GZipMiddleware(PageFiles(directory=WEB)), name="web")
    app.mount("/docs/assets", StaticFiles(directory=assets), name="docs-assets")
    app.include_router(router)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="/docs/assets/favicon.png",
        )
