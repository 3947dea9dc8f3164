"""How a text is read, before anything is trained or spoken."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fastapi import APIRouter

from ray_pipeline.core.pretrained_bases import BERT_FOLDER
from ray_pipeline.text import Phones
from serve_app.dependencies import SettingsDep
from serve_app.errors import problem_responses
from serve_app.json_bodies import JsonRoute
from serve_app.text_schemas import PhonemizeRequest, PhonesAnswer

router = APIRouter(tags=["text"], route_class=JsonRoute)

# One at a time: the language libraries are not made for several threads, and the first text in
# a language waits seconds for its dictionaries, which must not hold up other requests.
_reader = ThreadPoolExecutor(1, thread_name_prefix="text")


@router.post("/text/phonemize", responses=problem_responses(422, 501))
async def phonemize(body: PhonemizeRequest, settings: SettingsDep) -> PhonesAnswer:
    """The text as it is read aloud and its phones, as inference has them. The first text in a
    language takes some seconds."""
    loop = asyncio.get_running_loop()
    return PhonesAnswer.of(await loop.run_in_executor(_reader, _read, body, settings.models_dir))


def _read(body: PhonemizeRequest, models_dir: Path) -> Phones:
    from ray_pipeline.text import phonemize as read_aloud
    from ray_pipeline.text.chinese.g2pw import load_polyphones

    return read_aloud(
        body.text,
        body.language,
        symbols=body.symbols,
        strict_compat=body.strict_compat,
        polyphones=load_polyphones(models_dir, models_dir / BERT_FOLDER),
    )
