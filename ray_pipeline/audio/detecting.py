"""Whether a file is synthetic speech that says so: in its tags, or by the watermark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ray_pipeline.audio.provenance import provenance_in, tags_in
from ray_pipeline.audio.watermark import PACKAGE, load_watermark
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import StepFailed

_WINDOW = 2 * SAMPLE_RATE
_MOST_SECONDS = 600


@dataclass(frozen=True)
class Detected:
    """`metadata` is what the tags say, None if nothing. `watermark` True, False, or None where
    nobody could look; `marked_seconds` of `judged_seconds` have it. No finding is no proof."""

    metadata: dict[str, Any] | None
    watermark: bool | None
    marked_seconds: float = 0.0
    judged_seconds: float = 0.0
    remarks: list[str] = field(default_factory=list)

    @property
    def is_synthetic(self) -> bool:
        return self.metadata is not None or bool(self.watermark)


def detect(path: Path) -> Detected:
    """Of the first ten minutes. Takes about a hundredth of that on one core. Raises StepFailed for
    what is no sound."""
    try:
        metadata = provenance_in(tags_in(path))
    except ValueError:
        raise _no_sound(path) from None
    mark = load_watermark()
    if mark is None:
        remark = f"Nobody looked for a watermark: {PACKAGE} is not installed."
        return Detected(metadata, None, remarks=[remark])
    marked = judged = seconds = 0.0
    for window in _windows(path):
        found, length = mark.is_in(window), len(window) / SAMPLE_RATE
        seconds += length
        judged += 0.0 if found is None else length
        marked += length if found else 0.0
    remarks = []
    if seconds >= _MOST_SECONDS:
        remarks.append(f"Only the first {_MOST_SECONDS // 60} minutes were looked at.")
    if not judged:
        remarks.append("There is too little sound to find a watermark in.")
    return Detected(metadata, marked > 0 if judged else None, marked, judged, remarks)


def _windows(path: Path) -> Iterator[Waveform]:
    """The first sound track at 32 kHz, mixed to one channel, 2 s at a time. Raises StepFailed."""
    import av
    from av.audio.resampler import AudioResampler

    resampler, waiting, given = AudioResampler("flt", "mono", SAMPLE_RATE), [], 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise _no_sound(path)
            for frame in container.decode(audio=0):
                waiting += [each.to_ndarray()[0] for each in resampler.resample(frame)]
                while sum(map(len, waiting)) >= _WINDOW:
                    wav = np.concatenate(waiting)
                    yield wav[:_WINDOW]
                    waiting = [wav[_WINDOW:]]
                    given += _WINDOW
                    if given >= _MOST_SECONDS * SAMPLE_RATE:
                        return
    except av.FFmpegError:
        raise _no_sound(path) from None
    if waiting:
        yield np.concatenate(waiting)


def _no_sound(path: Path) -> StepFailed:
    return StepFailed(
        f"{path.name} cannot be read as sound.",
        hint="Give a sound file, such as WAV, MP3, FLAC, Opus or AAC.",
        clip=path.name,
        reason="undecodable",
    )
