"""Health, and what this installation can do."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Response

from ray_pipeline.core.errors import PipelineError
from serve_app.capabilities import capabilities as gather
from serve_app.dependencies import CoordinatorDep, SettingsDep
from serve_app.schemas import Health

router = APIRouter(tags=["service"])


@router.get("/health/live")
async def get_liveness() -> Health:
    """This process answers."""
    return Health(status="ok")


@router.get("/health/ready", responses={503: {"model": Health}})
async def get_readiness(coordinator: CoordinatorDep, response: Response) -> Health:
    """The coordinator and the database answer, so requests can be served.

    `degraded` is answered with 200 as well: requests are served, but `details` say what does not
    go on, such as trainings that wait for workers; they also say what of the cluster is free.
    """
    try:
        details = await coordinator.health()
    except PipelineError as error:
        details = {"ok": False, "reason": str(error)}
    if not details.get("ok"):
        response.status_code = 503
        return Health(status="not ready", details=details)
    return Health(status="degraded" if details.get("degraded") else "ok", details=details)


@router.get("/api/v1/capabilities")
async def get_capabilities(settings: SettingsDep) -> dict[str, Any]:
    """Versions, the cluster, base models and back-ends: what is present, what is missing."""
    return await asyncio.to_thread(gather, settings)
