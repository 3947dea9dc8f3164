"""Six seconds of faint noise in three clips, as convert_audio and slice_audio would leave them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ray_pipeline.audio.wav import to_int16, write_float32, write_int16
from ray_pipeline.core.hand_cuts import clip_name
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace, sha256_of

SPANS = ((0, 64_000), (64_000, 128_000), (140_000, 190_000))
FIRST, SECOND, THIRD = (clip_name("a.wav", *span) for span in SPANS)


def write_sliced(workspace: Workspace) -> None:
    path = workspace.converted_wav / "a.wav.wav"
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 192_000).astype(np.float32)
    write_float32(path, noise)
    name = workspace.relative(path)
    converted = Manifest(StepName.CONVERT_AUDIO)
    converted.add(ClipEntry("a.wav", "k", outputs=[name], details={"seconds": 6.0}))
    converted.save(workspace)
    sliced = Manifest(StepName.SLICE_AUDIO)
    for start, end in SPANS:
        details = {"source": "a.wav", "start": start, "end": end, "seconds": (end - start) / 32_000}
        clip = clip_name("a.wav", start, end)
        write_int16(workspace.sliced / clip, to_int16(noise[start:end]))
        entry = ClipEntry(clip, "k", inputs={name: sha256_of(path)}, details=details)
        sliced.add(replace(entry, outputs=[f"sliced/{clip}"]))
    sliced.save(workspace)
