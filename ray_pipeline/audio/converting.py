"""Any recording as a mono 32 kHz float32 WAV, with what is wrong with it.

Channels are averaged (see `channels.py`), where ffmpeg's own down-mix would add them up to
1.41 times full scale. Memory stays bounded: samples go from ffmpeg to the disk in blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from ray_pipeline.audio.channels import ChannelStatistics, MixPlan, plain_average
from ray_pipeline.audio.decoding import AudioStream, decoding
from ray_pipeline.audio.levels import from_db
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.workspace import atomic_path

SILENCE_DB = -60.0  # a recording whose peak lies below is taken for silence
MAX_SECONDS = 9 * 3600  # a WAV file cannot hold more than 4 GiB
MIN_SOURCE_HZ = 4000  # telephones have 8000
_MISSING_SHARE = 0.02


@dataclass(frozen=True)
class Conversion:
    """What became of one recording. `channels`, `sample_rate` and `codec` are the source's."""

    seconds: float
    peak: float
    rms: float
    channels: int
    sample_rate: int
    codec: str
    clipped_share: float
    remarks: list[str]


@dataclass
class _Written:
    """What one pass over the recording found."""

    statistics: ChannelStatistics
    peak: float
    square_sum: float
    stream: AudioStream


def convert(
    source: Path,
    target: Path,
    *,
    min_seconds: float = 0.6,
    time_limit_seconds: float = 600,
    name: str | None = None,
) -> Conversion:
    """Write `target`, atomically.

    Raises StepFailed, which says why and what to do, for a file that cannot be decoded, is
    silent, shorter than `min_seconds`, longer than nine hours, full of broken samples or of a
    sample rate that no speech has; nothing is written then.
    """
    name = name or source.name
    with atomic_path(target) as partial:
        written = _write(source, partial, None, time_limit_seconds, name)
        plan = written.statistics.plan()
        if not plan.is_plain_average:
            written = _write(source, partial, plan, time_limit_seconds, name)
        _check(written, min_seconds, name)
    return _describe(written, plan)


def _write(
    source: Path, target: Path, plan: MixPlan | None, time_limit_seconds: float, name: str
) -> _Written:
    """One pass: decode, mix as `plan` says (None: plain average), write."""
    peak, square_sum = 0.0, 0.0
    with decoding(source, time_limit_seconds=time_limit_seconds, name=name) as stream:
        statistics = ChannelStatistics(stream.channels)
        mix = plan or plain_average(stream.channels)
        with soundfile.SoundFile(target, "w", SAMPLE_RATE, 1, "FLOAT", format="WAV") as file:
            for block in stream.blocks():
                _refuse_rate(stream, name)
                mixed = mix.mix(statistics.add(block))
                peak = max(peak, float(np.abs(mixed).max(initial=0)))
                square_sum += float(np.sum(np.square(mixed, dtype=np.float64)))
                file.write(mixed)
                _refuse_too_long(statistics.num_samples, name)
    return _Written(statistics, peak, square_sum, stream)


def _refuse_rate(stream: AudioStream, name: str) -> None:
    """A kilobyte that claims one sample a second would become ten minutes of nothing.

    ffmpeg's description comes through another pipe than the sound, so it is asked for at every
    block.
    """
    rate = stream.source_rate
    if rate is not None and rate < MIN_SOURCE_HZ:
        raise StepFailed(
            f"{name} says that its sample rate is {rate} Hz; speech has at least {MIN_SOURCE_HZ}.",
            hint="Export it again at its true sample rate.",
            clip=name,
            reason="impossible_rate",
            rate=rate,
            least=MIN_SOURCE_HZ,
        )


def _refuse_too_long(num_samples: int, name: str) -> None:
    if num_samples > MAX_SECONDS * SAMPLE_RATE:
        raise StepFailed(
            f"{name} is longer than {MAX_SECONDS // 3600} hours.",
            hint="Cut it into shorter files.",
            clip=name,
            reason="too_long",
            hours=MAX_SECONDS // 3600,
        )


def _check(written: _Written, min_seconds: float, name: str) -> None:
    seconds = written.statistics.num_samples / SAMPLE_RATE
    if seconds == 0:
        raise StepFailed(
            f"{name} holds no sound.",
            hint="Check the recording and upload it again.",
            clip=name,
            reason="no_sound",
        )
    if written.statistics.is_damaged:
        share = written.statistics.not_finite_share
        raise StepFailed(
            f"{name} is damaged: {share:.0%} of its samples are not numbers.",
            hint="Export it again from the program that made it.",
            clip=name,
            reason="not_numbers",
            percent=round(100 * share),
        )
    if seconds < min_seconds:
        raise StepFailed(
            f"{name} is too short: {seconds:.2f} s, and at least {min_seconds:g} s are needed.",
            hint="Upload a longer recording; a minute or more of speech is a good start.",
            clip=name,
            reason="too_short",
            seconds=round(seconds, 2),
            least=min_seconds,
        )
    if written.peak < from_db(SILENCE_DB):
        raise StepFailed(
            f"{name} is silent (nothing above {SILENCE_DB:g} dB of full scale).",
            hint="Check the microphone and the level, and upload another recording.",
            clip=name,
            reason="silent",
            decibels=SILENCE_DB,
        )


def _describe(written: _Written, plan: MixPlan) -> Conversion:
    statistics, stream = written.statistics, written.stream
    seconds = statistics.num_samples / SAMPLE_RATE
    return Conversion(
        seconds=round(seconds, 4),
        peak=round(written.peak, 5),
        rms=round((written.square_sum / statistics.num_samples) ** 0.5, 6),
        channels=stream.channels,
        sample_rate=stream.source_rate or stream.rate,
        codec=stream.codec or "",
        clipped_share=round(statistics.clipped_share, 6),
        remarks=plan.remarks + _incompleteness(stream, seconds),
    )


def _incompleteness(stream: AudioStream, seconds: float) -> list[str]:
    declared = stream.declared_seconds
    if declared is not None and seconds < declared * (1 - _MISSING_SHARE) - 0.1:
        return [f"the file says {declared:.1f} s but only {seconds:.1f} s could be read"]
    if stream.num_errors:
        return [f"parts of it are damaged and were skipped; {seconds:.1f} s could be read"]
    return []
