"""`python -m tests.conformance slicer FILE…`: our slicer against recorded cases, a line each.

A case describes its input by a seed and a recipe of noise and silence, which is made anew and
checked by its hash. Bounds must be equal and the int16 samples too, by their hash.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ray_pipeline.audio.slicing import Slice, SlicerSettings, slice_recording
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import StepFailed


@dataclass(frozen=True)
class SlicerReport:
    """The outcome of one case; `problems` is empty when it passed."""

    case: str
    problems: list[str]

    def __str__(self) -> str:
        return f"{'ok  ' if not self.problems else 'FAIL'} {self.case} {'; '.join(self.problems)}"


def main(files: list[str] | list[Path]) -> int:
    """Run every case of every file; the exit status is 1 when one failed or there was none."""
    reports = [report for file in files for report in run_file(Path(file))]
    for report in reports:
        print(report)
    failed = sum(bool(report.problems) for report in reports)
    print(f"{len(reports) - failed} passed, {failed} failed")
    return 1 if failed or not reports else 0


def read_cases(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def run_file(file: Path) -> list[SlicerReport]:
    """Never raises: what cannot be read or run is a failed case."""
    try:
        cases = read_cases(file)
    except (OSError, ValueError) as error:
        return [SlicerReport(file.name, [f"{type(error).__name__}: {error}"])]
    return [_run_safely(case, f"{file.name}:{number}") for number, case in enumerate(cases, 1)]


def _run_safely(case: dict[str, Any], place: str) -> SlicerReport:
    try:
        return run_case(case)
    except Exception as error:
        return SlicerReport(place, [f"{type(error).__name__}: {error}"])


def run_case(case: dict[str, Any]) -> SlicerReport:
    audio = make_input(case["seed"], case["recipe"])
    if sha256(audio.astype("<f4")) != case["input_sha256"]:
        return SlicerReport(case["id"], ["the input could not be made again"])
    try:
        clips = list(
            slice_recording(
                lambda start, stop: audio[start:stop], len(audio), settings(case["params"])
            )
        )
    except StepFailed as error:
        problems = [] if case["failed"] else [f"refused: {error.message}"]
        return SlicerReport(case["id"], problems)
    if case["failed"]:
        return SlicerReport(case["id"], ["was not refused"])
    return SlicerReport(case["id"], compare(f"{case['id']}.wav", clips, case["chunks"]))


def settings(params: dict[str, Any]) -> SlicerSettings:
    return SlicerSettings(
        threshold_db=params["threshold"],
        min_length=params["min_length"],
        min_interval=params["min_interval"],
        hop_size=params["hop_size"],
        max_silence_kept=params["max_sil_kept"],
        max_level=params["_max"],
        alpha=params["alpha"],
    )


def compare(source: str, clips: list[Slice], expected: list[dict[str, Any]]) -> list[str]:
    bounds = [(clip.start, clip.end) for clip in clips]
    wanted = [(chunk["start"], chunk["end"]) for chunk in expected]
    if bounds != wanted:
        return [f"bounds {bounds}, expected {wanted}"]
    problems = []
    for clip, chunk in zip(clips, expected, strict=True):
        if clip.file_name(source) != chunk["file"]:
            problems.append(f"named {clip.file_name(source)}, expected {chunk['file']}")
        if sha256(clip.samples.astype("<i2")) != chunk["sha256"]:
            problems.append(f"other samples in {chunk['file']}")
    return problems


def make_input(seed: int, recipe: list[tuple[str, int, float]]) -> NDArray[np.float32]:
    """Stretches of [kind, milliseconds, amplitude] at 32 kHz, laid end to end."""
    lengths = [milliseconds * SAMPLE_RATE // 1000 for _, milliseconds, _ in recipe]
    track = noise(seed, sum(lengths))
    gains = [np.float32(amplitude if kind == "noise" else 0) for kind, _, amplitude in recipe]
    # Adding zero turns the -0.0 of a negative sample times zero into 0.0, as the hash wants.
    return track * np.repeat(np.array(gains, np.float32), lengths) + np.float32(0)


def noise(seed: int, num_samples: int) -> NDArray[np.float32]:
    """White noise in -1…1 from a hash of the sample's number: the same on every machine."""
    mixed = np.arange(num_samples, dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    top = (mixed >> np.uint32(8)).astype(np.float32)
    return top / np.float32(1 << 23) - np.float32(1)


def sha256(samples: NDArray[Any]) -> str:
    return hashlib.sha256(samples.tobytes()).hexdigest()
