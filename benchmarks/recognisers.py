"""How well each recogniser that is here understands real speech, and what it costs.

    python -m benchmarks.recognisers FOLDER… [--clips 8] [--model PATH]

FOLDER holds utterances of one language and `metadata.jsonl` or `transcripts.list`. Each model
runs in a process of its own, once for each precision: word errors (en) or character errors (zh)
over all clips, processor seconds a second of sound, peak memory over idle. --model names the
folder of a Whisper model besides the one that the service would take.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import soundfile

from benchmarks.cost import Cost, in_own_process
from benchmarks.speech.corpus import Utterance, read_corpus, spread
from benchmarks.speech.errors import count, total
from ray_pipeline.asr.backends import BACKENDS, RecogniserChoice, choose_recogniser
from ray_pipeline.asr.transcribing import transcribe
from ray_pipeline.core.errors import BackendMissing

PRECISIONS = ("int8", "float32")
_OWN = "benchmarks.recognisers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--clips", type=int, default=10_000, help="of each folder, at most")
    parser.add_argument("--model", type=Path, help="a folder with a Whisper model")
    parser.add_argument("--models-dir", type=Path, default=Path("models"))
    parser.add_argument("--choice", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.choice:
        clips = spread(read_corpus(options.folders[0]), options.clips)
        print(json.dumps(measure(RecogniserChoice(**options.choice), clips)))
        return
    for folder in options.folders:
        language = read_corpus(folder)[0].language
        for choice in _choices(options.models_dir, options.model, language):
            arguments = [str(folder), "--clips", str(options.clips)]
            arguments += ["--choice", json.dumps(vars(choice))]
            numbers = in_own_process(_OWN, *arguments)
            print(folder.name, choice.version, choice.precision, numbers, flush=True)


def _choices(models_dir: Path, model: Path | None, language: str) -> list[RecogniserChoice]:
    """What is here; for the others it is said that they are not."""
    if model:
        folder = str(model.resolve())
        return [RecogniserChoice("whisper", model.name, folder, name) for name in PRECISIONS]
    choices = []
    for backend in BACKENDS:
        try:
            choices += [
                choose_recogniser(backend, models_dir, language, name) for name in PRECISIONS
            ]
        except BackendMissing as missing:
            print(f"{backend}: not measured. {missing}")
    return choices


def measure(choice: RecogniserChoice, clips: Sequence[Utterance]) -> dict[str, float]:
    """In this process, which has done nothing yet. The model's loading is part of the memory
    and not of the time."""
    language = clips[0].language
    with Cost() as cost:
        transcribe([clips[0].path], language, choice)
        loaded = time.process_time()
        heard = transcribe([one.path for one in clips], language, choice)
        cpu_seconds = time.process_time() - loaded
    errors = total(
        count(one.text, result.text, language) for one, result in zip(clips, heard, strict=True)
    )
    seconds = sum(soundfile.info(one.path).duration for one in clips)
    return {
        "clips": len(clips),
        "error_rate": round(errors.rate, 4),
        "real_time_factor": round(cpu_seconds / seconds, 3),
        "memory_mb": round(cost.peak_mb),
    }


if __name__ == "__main__":
    main()
