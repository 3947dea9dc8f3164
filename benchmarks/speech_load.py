"""What many clients of the speech engine experience, several voices mixed, in this process.

    python -m benchmarks.speech_load mini --clients 1 4 16 32
    python -m benchmarks.speech_load v2 v2ProPlus --voices 2 --clients 1 4 8
    python -m benchmarks.speech_load mini --clients 8 --minutes 30      is memory flat?
    python -m benchmarks.speech_load v2 --checkout PATH --clients 1 8   beside the original

For each number of clients a line: time to the first sound, real-time factor as one client sees it,
throughput in seconds of sound a second, and gaps in playback, also as ratios to one client, and
what it costs in processor time, which other work on the machine changes less. All kinds that are
named speak in one engine. Voices of mini are its teachers; v2 and v2ProPlus have the full size and
deterministic weights, and say `--piece-seconds` a piece whatever it is (`speaking/voices.py`).
OMP_NUM_THREADS says how many threads each of the engine's three compute threads has.

With `--checkout`, a clone of RVC-Boss/GPT-SoVITS (beside what `compare_with_original` wants, its
class needs ffmpeg-python, librosa and torchaudio), both say the same texts in turn with one
voice, each client a text of `--pieces` sentences (`speaking/beside.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch

from benchmarks.speaking.clients import crowd, summary
from benchmarks.speaking.voices import KINDS, REFERENCE, loader
from ray_pipeline.core.speech import SpeechSettings
from ray_pipeline.speaking.engine import SpeechEngine
from ray_pipeline.speaking.limits import EngineLimits
from ray_pipeline.speaking.order import SpeechOrder, VoiceFiles
from ray_pipeline.voice.speech import Voice

TEXTS = (
    "The weather will be fine tomorrow, with a little wind from the west. Please leave a message "
    "after the tone and we will call you back.",
    "She bought three apples and a loaf of bread at the market. Nobody expected the old bridge to "
    "last another winter. What time does the library open?",
    "The train to London leaves from platform two in ten minutes.",
    "He found the keys under the sofa after looking everywhere else. They painted the kitchen "
    "blue. The children were playing in the garden until it got dark.",
)

SENTENCES = tuple(f"{one}." for text in TEXTS[:2] for one in text.rstrip(".?").split(". "))


def main() -> int:
    options = _parse()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    with tempfile.TemporaryDirectory() as folder:
        orders, load = _orders(options, Path(folder))
        limits = EngineLimits(
            max_requests=1000,
            max_rows=options.rows,
            pieces_ahead=options.ahead,
            num_together=options.together,
            num_sounds=options.sounds,
            no_gaps=options.no_gaps,
        )
        with SpeechEngine(Path("nowhere"), limits=limits, load=load) as engine:
            short = [order for order in orders if order.text == min(TEXTS, key=len)]
            asyncio.run(crowd(engine, short, len(short), 1))  # everything loaded and warm
            if options.checkout:
                _compare(engine, orders[0], options)
            elif options.minutes:
                _watch_memory(engine, orders, options)
            else:
                _measure(engine, orders, options)
            print(json.dumps({"stats": vars(engine.stats())}), flush=True)
    return 0


def _measure(engine: SpeechEngine, orders: list[SpeechOrder], options: argparse.Namespace) -> None:
    alone: dict[str, float] = {}
    for latency, clients in product(options.latency, options.clients):
        asked = [replace(order, latency=latency) for order in orders]
        found, *seconds = asyncio.run(crowd(engine, asked, clients, options.rounds))
        result = summary(found, *seconds)
        alone = alone or result
        ratios = {
            name: result[name] / alone[name]
            for name in ("first_sound_median_ms", "throughput", "cpu_a_sound_second")
        }
        line = {
            "clients": clients,
            "latency": latency,
            "load": os.getloadavg()[0],
            **result,
            "over_first": ratios,
        }
        print(json.dumps(_rounded(line)), flush=True)


def _compare(engine: SpeechEngine, order: SpeechOrder, options: argparse.Namespace) -> None:
    # Imported for who asks: it wants packages that are not the project's.
    from benchmarks.speaking.beside import compare
    from benchmarks.speaking.original_tts import OriginalTts

    [kind] = options.kinds
    encoders = KINDS[kind].encoders(Path("nowhere"))
    voice = loader(encoders)(order.files)
    theirs = OriginalTts(options.checkout, order.files, voice, REFERENCE, order.settings)
    threads = torch.get_num_threads(), options.their_threads
    for latency, clients in product(options.latency, options.clients):
        texts = [
            " ".join(SENTENCES[(number + more) % len(SENTENCES)] for more in range(options.pieces))
            for number in range(clients)
        ]
        for line in compare(
            *(engine, theirs, order, texts),
            latency=latency,
            rounds=options.rounds,
            threads=threads,
        ):
            asked = {"clients": clients, "latency": latency, "load": os.getloadavg()[0]}
            print(json.dumps(_rounded(asked | line)), flush=True)


def _watch_memory(
    engine: SpeechEngine, orders: list[SpeechOrder], options: argparse.Namespace
) -> None:
    """One line a minute; the text goes round, so that lengths vary."""
    begun = time.monotonic()
    for minute in range(options.minutes):
        sound = 0.0
        while time.monotonic() - begun < 60 * (minute + 1):
            found, *_ = asyncio.run(crowd(engine, orders, options.clients[0], 1))
            sound += sum(one.sound for one in found)
        line = {"minute": minute + 1, "sound_seconds": sound, "rss_mb": _rss_mb()}
        print(json.dumps(_rounded(line)), flush=True)


def _orders(options: argparse.Namespace, folder: Path) -> tuple[list[SpeechOrder], object]:
    """Each text by each voice, voices of all kinds in turn; and what loads them."""
    orders: list[list[SpeechOrder]] = []
    loaders: dict[str, object] = {}
    for name in options.kinds:
        kind = KINDS[name]
        load = loader(kind.encoders(Path("nowhere")))
        settings = SpeechSettings(strict_compat=kind.strict_compat, cut="cut4")
        for files in kind.make(folder, options.voices, options.piece_seconds):
            loaders[files.key] = load
            order = SpeechOrder(
                files=files,
                reference=REFERENCE,
                text="",
                mode="en",
                settings=settings,
            )
            orders.append([replace(order, text=text) for text in TEXTS])

    def load_any(files: VoiceFiles) -> Voice:
        return loaders[files.key](files)

    return [order for turn in zip(*orders, strict=True) for order in turn], load_any


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kinds", nargs="+", choices=list(KINDS), help="of which bases voices are")
    parser.add_argument("--voices", type=int, default=3, help="voices of each kind")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--rounds", type=int, default=3, help="requests of each client")
    parser.add_argument("--rows", type=int, default=EngineLimits.max_rows)
    parser.add_argument("--together", type=int, default=0, help="as in EngineLimits")
    parser.add_argument("--sounds", type=int, default=0, help="as in EngineLimits")
    parser.add_argument("--no-gaps", action="store_true", help="refuse who would hear gaps")
    parser.add_argument("--ahead", type=int, default=EngineLimits.pieces_ahead)
    parser.add_argument("--latency", nargs="+", choices=("quality", "fast"), default=["quality"])
    parser.add_argument("--minutes", type=int, default=0, help="watch the memory for so long")
    parser.add_argument(
        "--piece-seconds", type=int, default=4, help="of full-size voices: 2, 4, 6 …"
    )
    parser.add_argument("--checkout", type=Path, help="a clone of GPT-SoVITS to compare with")
    parser.add_argument("--pieces", type=int, default=1, help="beside the original: of each text")
    parser.add_argument("--their-threads", type=int, default=1, help="of the original")
    options = parser.parse_args()
    if options.checkout and (len(options.kinds) > 1 or "mini" in options.kinds):
        parser.error("--checkout goes with one kind of full-size voice")
    return options


if __name__ == "__main__":
    sys.exit(main())
