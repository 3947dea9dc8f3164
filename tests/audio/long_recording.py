"""What converting and slicing long recordings costs in memory: the steps' own functions, in a
process of its own.

`python -m tests.audio.long_recording FOLDER MINUTES…` prints a line of JSON for each length.
It needs 14 MB of disk a minute and deletes what it made.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import soundfile

from ray_pipeline.clips.work import Clip
from ray_pipeline.core.options import ConvertAudioOptions, SliceAudioOptions
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.steps.convert_audio import convert_recording
from ray_pipeline.steps.slice_audio import slice_converted
from tests.speech import FOLDER

_RATE = 22_050


def long_recording(path: Path, minutes: float) -> None:
    """The clips of real speech again and again, as a 16-bit WAV at their own rate."""
    clips = sorted(FOLDER.glob("*.flac"))
    speech = np.concatenate([soundfile.read(clip, dtype="int16")[0] for clip in clips])
    left = round(minutes * 60 * _RATE)
    with soundfile.SoundFile(path, "w", _RATE, 1, "PCM_16") as file:
        while left > 0:
            file.write(speech[:left])
            left -= len(speech)


def convert_and_slice(folder: Path, minutes: float) -> dict[str, float]:
    """Peaks in MB: of this process over the one before, and of ffmpeg; CPU time in seconds."""
    workspace = Workspace(folder / "task")
    workspace.create()
    recording = workspace.input_audio / "long.wav"
    long_recording(recording, minutes)
    before, started = peak_mb(), _cpu_seconds()
    workspace.converted_wav.mkdir(exist_ok=True)
    [converted] = convert_recording(
        Clip(recording.name, path=str(recording)),
        folder=workspace.converted_wav,
        options=ConvertAudioOptions(),
    )
    clips = slice_converted(
        Clip(recording.name, path=str(converted.files[0])),
        folder=workspace.sliced,
        options=SliceAudioOptions(),
        by_hand={},
    )
    found = {
        "minutes": minutes,
        "clips": len(clips),
        "growth_mb": round(peak_mb() - before, 1),
        "ffmpeg_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1),
        "cpu_seconds": round(_cpu_seconds() - started, 1),
    }
    for path in [recording, *workspace.root.glob("*/*.wav")]:
        path.unlink(missing_ok=True)
    return found


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    for length in sys.argv[2:]:
        began = time.perf_counter()
        found = convert_and_slice(Path(sys.argv[1]), float(length))
        print(json.dumps(found | {"seconds": round(time.perf_counter() - began, 1)}), flush=True)
