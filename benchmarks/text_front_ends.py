"""Sentences a second and memory of each text front end, beside the original's.

    python -m benchmarks.text_front_ends FOLDER [--original CHECKOUT]

FOLDER holds golden files (zh.jsonl, en.jsonl ...); CHECKOUT is a GPT-SoVITS checkout whose
requirements are installed here too. Each language runs in a process of its own. `cold` is the
first sentence with everything that it loads; `warm` the rate over the sentences after that, best
of three passes; memory is what the process grew by (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path

LANGUAGES = ("zh", "en", "ja", "ko", "yue")


def ours(language: str) -> Callable[[str], object]:
    from ray_pipeline.core.errors import InvalidInput
    from ray_pipeline.text import phonemize_language

    def read(text: str) -> None:
        with suppress(InvalidInput):  # the golden files hold empty texts too
            phonemize_language(text, language)

    return read


def originals(language: str, checkout: Path) -> Callable[[str], object]:
    sys.path.insert(0, str(checkout / "GPT_SoVITS"))
    os.chdir(checkout)
    from ray_pipeline.text.nltk_data import offer_data_to_nltk

    offer_data_to_nltk()
    from text.cleaner import clean_text

    return lambda text: clean_text(text, language, "v2")


def measure(load: Callable[[], Callable[[str], object]], texts: list[str]) -> dict[str, float]:
    before, start = _resident_mb(), time.perf_counter()
    read = load()
    read(texts[0])
    cold = time.perf_counter() - start
    for text in texts:
        read(text)  # unknown words load what only they need
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        for text in texts:
            read(text)
        seconds.append(time.perf_counter() - start)
    return {
        "cold_seconds": round(cold, 2),
        "warm_sentences_per_second": round(len(texts) / min(seconds)),
        "memory_mb": round(_resident_mb() - before),
    }


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--original", type=Path, help="a GPT-SoVITS checkout")
    parser.add_argument("--language", choices=LANGUAGES, help="measure this one, in this process")
    options = parser.parse_args()
    if options.language:
        lines = (options.folder / f"{options.language}.jsonl").read_text("utf-8").splitlines()
        texts = [json.loads(line)["text"] for line in lines]
        checkout = options.original and options.original.resolve()
        with redirect_stdout(sys.stderr):
            numbers = measure(
                lambda: (
                    originals(options.language, checkout) if checkout else ours(options.language)
                ),
                texts,
            )
        print(json.dumps(numbers))
        return
    for language in LANGUAGES:
        print(language, "ours", _in_own_process(language, options.folder), flush=True)
        if options.original:
            extra = ["--original", str(options.original)]
            print(language, "original", _in_own_process(language, options.folder, extra))


def _in_own_process(language: str, folder: Path, extra: list[str] | None = None) -> str:
    module = ["-m", "benchmarks.text_front_ends", str(folder), "--language", language]
    command = [sys.executable, *module, *(extra or [])]
    result = subprocess.run(command, capture_output=True, text=True)
    failure = result.stderr.strip().splitlines()[-1:] or ["failed"]
    lines = result.stdout.strip().splitlines()[-1:] or [""]
    return lines[0] if result.returncode == 0 else failure[0]


if __name__ == "__main__":
    main()
