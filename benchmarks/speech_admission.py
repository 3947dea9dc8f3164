"""Listeners who come one after another: who is let in, who is refused, and who hears gaps.

    python -m benchmarks.speech_admission mini --listeners 16 32
    python -m benchmarks.speech_admission v2 --listeners 4 --piece-seconds 2

Each number of listeners twice in an engine of its own: all let in, and without gaps (429, which is
`Busy` here, for those whom the machine cannot speak for; they do not come again). Before, one
speaks alone, so that the engine knows how fast it is. A line each: how many were let in, how many
of those heard no gap, the share of silence, and after how many seconds the refused were told to
come again. On a machine that is busy with other work it says nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.speaking.clients import Experience, listen
from benchmarks.speaking.voices import KINDS, REFERENCE, loader
from ray_pipeline.core.errors import Busy
from ray_pipeline.core.speech import SpeechSettings
from ray_pipeline.speaking.engine import SpeechEngine
from ray_pipeline.speaking.limits import EngineLimits
from ray_pipeline.speaking.order import SpeechOrder
from ray_pipeline.speaking.shelf import LoadVoice

_SENTENCE = "The weather will be fine tomorrow with a little wind from the west."


def main() -> int:
    options = _parse()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    with tempfile.TemporaryDirectory() as folder:
        order, load = _order(options, Path(folder))
        for listeners in options.listeners:
            for no_gaps in (False, True):
                found = asyncio.run(_arrive(order, load, listeners, no_gaps, options))
                line = {"listeners": listeners, "no_gaps": no_gaps, "load": os.getloadavg()[0]}
                print(json.dumps(line | _summary(*found)), flush=True)
    return 0


async def _arrive(
    order: SpeechOrder,
    load: LoadVoice,
    listeners: int,
    no_gaps: bool,
    options: argparse.Namespace,
) -> tuple[list[Experience], list[int]]:
    refused: list[int] = []

    async def come(engine: SpeechEngine, number: int) -> Experience | None:
        await asyncio.sleep(number * options.every)
        try:
            return await listen(engine, order)
        except Busy as busy:
            refused.append(busy.retry_after_s or 0)
            return None

    limits = EngineLimits(max_requests=1000, no_gaps=no_gaps)
    with SpeechEngine(Path("nowhere"), limits=limits, load=load) as engine:
        for _ in range(2):  # the first of each kind of work makes ready, and is not counted
            await listen(engine, replace(order, text=" ".join([_SENTENCE] * 2)))
        came = await asyncio.gather(*(come(engine, number) for number in range(listeners)))
    return [one for one in came if one is not None], refused


def _summary(heard: list[Experience], refused: list[int]) -> dict[str, object]:
    sound = sum(one.sound for one in heard)
    return {
        "let_in": len(heard),
        "gapless": sum(one.gaps < 0.05 for one in heard),
        "gap_share": round(sum(one.gaps for one in heard) / sound, 3),
        "longest_gaps_s": round(max(one.gaps for one in heard), 2),
        "first_sound_median_s": round(statistics.median(one.first_sound for one in heard), 2),
        "come_again_s": sorted(refused),
    }


def _order(options: argparse.Namespace, folder: Path) -> tuple[SpeechOrder, LoadVoice]:
    text = " ".join([_SENTENCE] * options.sentences)
    kind = KINDS[options.kind]
    [files] = kind.make(folder, 1, options.piece_seconds)
    settings = SpeechSettings(strict_compat=kind.strict_compat, cut="cut4")
    order = SpeechOrder(files=files, reference=REFERENCE, text=text, mode="en", settings=settings)
    return order, loader(kind.encoders(Path("nowhere")))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=[*KINDS])
    parser.add_argument("--listeners", type=int, nargs="+", default=[8])
    parser.add_argument("--every", type=float, default=0.5, help="seconds until the next comes")
    parser.add_argument("--sentences", type=int, default=6, help="that each has said")
    parser.add_argument("--piece-seconds", type=int, default=4, help="of full-size voices: 2, 4 …")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
