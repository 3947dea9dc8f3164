"""Sentences a second and memory of each text front end.

    python -m benchmarks.text_front_ends FOLDER

FOLDER holds golden files (zh.jsonl, en.jsonl ...); each language runs in a process of its own.
`cold` is the first sentence with everything that it loads; `warm` the rate over the sentences
after that, best of three passes; memory is what the process grew by, in MB (Linux).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

LANGUAGES = ("zh", "en", "ja", "ko", "yue")


def measure(language: str, file: Path) -> dict[str, float]:
    from ray_pipeline.errors import InvalidInput
    from ray_pipeline.text import phonemize

    def read(text: str) -> None:
        with suppress(InvalidInput):  # the golden files hold empty texts too
            phonemize(text, language)

    texts = [json.loads(line)["text"] for line in file.read_text("utf-8").splitlines()]
    before, start = _resident_mb(), time.perf_counter()
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
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096 / 1e6


def main() -> None:
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        print(json.dumps(measure(sys.argv[2], folder / f"{sys.argv[2]}.jsonl")))
        return
    for language in LANGUAGES:
        command = [sys.executable, "-m", "benchmarks.text_front_ends", str(folder), language]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print(language, result.stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
