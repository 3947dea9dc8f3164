"""Other names of kept voices, and the share of the requests that a new version gets."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path

from ray_pipeline.core.voices import VoiceAlias
from ray_pipeline.store import Store
from serve_app.dependencies import CoordinatorDep, StoreDep
from serve_app.errors import problem_responses
from serve_app.json_bodies import JsonRoute
from serve_app.trial_schemas import TrialAnswer, TriedAnswer
from serve_app.voice_answers import all_aliases
from serve_app.voice_schemas import AliasAnswer, AliasBody, AliasesAnswer, VoiceDeleted

router = APIRouter(tags=["voices"], route_class=JsonRoute)

AliasName = Annotated[
    str, Path(description="the other name", max_length=200, examples=["narrator"])
]


@router.get("/voice-aliases")
def list_aliases(store: StoreDep) -> AliasesAnswer:
    """Every other name of a voice."""
    return AliasesAnswer(aliases=all_aliases(store))


@router.get("/voice-aliases/{name}", responses=problem_responses(404))
def get_alias(name: AliasName, store: StoreDep) -> AliasAnswer:
    """What one other name means."""
    return _answer(store, store.alias(name))


@router.put("/voice-aliases/{name}", responses=problem_responses(404, 409, 422))
async def put_alias(
    name: AliasName, body: AliasBody, coordinator: CoordinatorDep, store: StoreDep
) -> AliasAnswer:
    """Give a voice another name, or say anew what the name means: the voice's current version or
    a pinned one; and a canary version, which gets its share of the requests. 409 for the name of
    a voice."""
    alias = VoiceAlias(
        name=name,
        voice_id=body.voice,
        version=body.version,
        canary_version=body.canary_version,
        canary_share=body.canary_share,
        rollback_after=body.rollback_after,
    )
    return await asyncio.to_thread(_answer, store, await coordinator.put_voice_alias(alias))


@router.get("/voice-aliases/{name}/trial", responses=problem_responses(404))
def get_trial(name: AliasName, store: StoreDep) -> TrialAnswer:
    """What came of the requests since the alias sends a share to a canary: errors, pieces that
    came out badly, silences and, where requests asked for `verify`, wrong letters. Another share
    counts on; another version, or a try after a rollback, begins anew."""
    alias = store.alias(name)
    versions = [
        TriedAnswer.of(trial, is_canary=trial.version == alias.canary_version)
        for trial in store.trials(alias.name)
    ]
    return TrialAnswer(alias=_answer(store, alias), versions=versions)


@router.delete("/voice-aliases/{name}", responses=problem_responses(404))
async def delete_alias(name: AliasName, coordinator: CoordinatorDep) -> VoiceDeleted:
    """Take the other name away; the voice stays."""
    await coordinator.delete_voice_alias(name)
    return VoiceDeleted(message=f"The alias {name} was deleted.", name=name)


def _answer(store: Store, alias: VoiceAlias) -> AliasAnswer:
    return AliasAnswer.of(alias, store.voice(alias.voice_id))
