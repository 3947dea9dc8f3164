"""Pretrained models: what can be had, fetching it beside other work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from fastapi import APIRouter

from ray_pipeline.core.errors import InvalidInput, NotFound
from ray_pipeline.hub.catalogue import CATALOGUE, Entry, entry
from ray_pipeline.hub.downloads import Download
from serve_app.dependencies import CoordinatorDep, ModelName, SettingsDep
from serve_app.errors import problem_responses
from serve_app.idempotency import IdempotencyKey, OnceRoute
from serve_app.model_schemas import ModelAnswer, ModelsAnswer, PullRequest
from serve_app.settings import Settings

router = APIRouter(tags=["models"], route_class=OnceRoute)


@router.get("/models")
async def list_models(coordinator: CoordinatorDep, settings: SettingsDep) -> ModelsAnswer:
    """Everything that can be fetched, what of it is missing, and how far its download is. Ask
    again to see it go on."""
    downloads = await coordinator.downloads()
    answers = await asyncio.to_thread(_answers, CATALOGUE.values(), settings, downloads)
    return ModelsAnswer(models=answers)


@router.post("/models/{name}/pull", status_code=202, responses=problem_responses(404, 422))
async def pull_model(
    name: ModelName,
    coordinator: CoordinatorDep,
    settings: SettingsDep,
    body: PullRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> ModelAnswer:
    """Fetch what is missing, in the background: one model at a time, in the order they were asked
    for. An interrupted download, also one that a restart of the service interrupted, goes on
    where it was. What is there already is left alone."""
    wanted, row = body or PullRequest(), _row(name)
    if wanted.source is not None and wanted.source not in row.sources:
        raise InvalidInput(
            f"{row.name} is not published on {wanted.source}.",
            hint=f"Use {' or '.join(row.sources) or 'none: it needs no files'}.",
            field="source",
        )
    source = str(wanted.source) if wanted.source else None
    await coordinator.start_download(row.name, source, wanted.alone)
    return await _answer(row, coordinator, settings)


@router.delete("/models/{name}/pull", responses=problem_responses(404))
async def cancel_pull(
    name: ModelName, coordinator: CoordinatorDep, settings: SettingsDep
) -> ModelAnswer:
    """End the download of a model; what has arrived is kept for the next time."""
    row = _row(name)
    await coordinator.cancel_download(row.name)
    return await _answer(row, coordinator, settings)


def _row(name: str) -> Entry:
    try:
        return entry(name)
    except InvalidInput as error:
        raise NotFound(error.message, hint=error.hint) from None


async def _answer(row: Entry, coordinator: CoordinatorDep, settings: Settings) -> ModelAnswer:
    downloads = await coordinator.downloads()
    return (await asyncio.to_thread(_answers, [row], settings, downloads))[0]


def _answers(
    rows: Iterable[Entry], settings: Settings, downloads: Iterable[Download]
) -> list[ModelAnswer]:
    by_name = {each.name: each for each in downloads}
    return [ModelAnswer.of(row, settings.models_dir, by_name.get(row.name)) for row in rows]
