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
from ray_pipeline.audio.decoding import AudioStream, decoding, tracks_of
from ray_pipeline.audio.ffmpeg_messages import SoundTrack, declared_seconds, has_film, num_errors
from ray_pipeline.audio.levels import from_db
from ray_pipeline.audio.wav_layout import WavLayout, clear_peak_time, wav_layout
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.workspace import atomic_path

SILENCE_DB = -60.0  # a recording whose peak lies below is taken for silence
MAX_SECONDS = 9 * 3600  # a WAV file cannot hold more than 4 GiB
MIN_SOURCE_HZ = 4000  # telephones have 8000
_MISSING_SHARE = 0.02
_REASONS_OF_THE_FILE = ("empty_file", "too_slow", "too_long")  # no other track would be better


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
    """What was written of one sound track, and what was seen of it on the way."""

    statistics: ChannelStatistics
    peak: float
    square_sum: float
    stream: AudioStream
    remarks: list[str]


@dataclass(frozen=True)
class _Work:
    source: Path
    target: Path
    min_seconds: float
    time_limit_seconds: float
    name: str


def convert(
    source: Path,
    target: Path,
    *,
    min_seconds: float = 0.6,
    time_limit_seconds: float = 600,
    name: str | None = None,
) -> Conversion:
    """Write `target`, atomically. Of several sound tracks the one that is the file's default is
    taken, else the first in which anything can be heard.

    Raises StepFailed, which says why and what to do, for a file that cannot be decoded, is
    silent, shorter than `min_seconds`, longer than nine hours, full of broken samples or of a
    sample rate that no speech has; nothing is written then.
    """
    with atomic_path(target) as partial:
        work = _Work(source, partial, min_seconds, time_limit_seconds, name or source.name)
        written = _write_best_track(work)
        clear_peak_time(partial)
    return _describe(written, source)


# -- which sound track


def _write_best_track(work: _Work) -> _Written:
    """A file with one track, as nearly all have, is decoded without being looked at before."""
    try:
        first = _write_track(work, 1)
        tracks = first.stream.tracks
    except StepFailed as error:
        if error.extra["reason"] in _REASONS_OF_THE_FILE:
            raise
        tracks = tracks_of(work.source, time_limit_seconds=work.time_limit_seconds)
        if len(tracks) < 2:
            raise
        first = None
    by_preference = sorted(tracks, key=lambda track: not track.is_default)
    if first is not None and (len(tracks) < 2 or by_preference[0].number == 1):
        return _with_track_remark(first, tracks)
    failure: StepFailed | None = None
    for track in by_preference:
        try:
            return _with_track_remark(_write_track(work, track.number), tracks)
        except StepFailed as error:
            failure = failure or error
    assert failure is not None
    raise failure


def _with_track_remark(written: _Written, tracks: list[SoundTrack]) -> _Written:
    taken = written.stream.source
    if len(tracks) > 1 and taken is not None:
        language = f" ({taken.language})" if taken.language else ""
        why = "the file's default" if taken.is_default else "the first in which anything is heard"
        written.remarks.append(
            f"it has {len(tracks)} sound tracks; number {taken.number}{language} was taken, {why}"
        )
    return written


def _write_track(work: _Work, track: int) -> _Written:
    written = _write(work, track, None)
    plan = written.statistics.plan()
    if not plan.is_plain_average:
        written = _write(work, track, plan)
    _check(written, work.min_seconds, work.name)
    written.remarks += plan.remarks + written.statistics.clipping_remark
    return written


def _write(work: _Work, track: int, plan: MixPlan | None) -> _Written:
    """One pass: decode, mix as `plan` says (None: plain average), write."""
    peak, square_sum = 0.0, 0.0
    with decoding(
        work.source, time_limit_seconds=work.time_limit_seconds, name=work.name, track=track
    ) as stream:
        statistics = ChannelStatistics(stream.channels)
        mix = plan or plain_average(stream.channels)
        with soundfile.SoundFile(work.target, "w", SAMPLE_RATE, 1, "FLOAT", format="WAV") as file:
            for block in stream.blocks():
                _refuse_rate(stream, work.name)
                mixed = mix.mix(statistics.add(mix.at_full_scale(block)))
                peak = max(peak, float(np.abs(mixed).max(initial=0)))
                square_sum += float(np.sum(np.square(mixed, dtype=np.float64)))
                file.write(mixed)
                _refuse_too_long(statistics.num_samples, work.name)
    return _Written(statistics, peak, square_sum, stream, [])


# -- what is refused


def _refuse_rate(stream: AudioStream, name: str) -> None:
    """A kilobyte that claims one sample a second would become ten minutes of nothing.

    ffmpeg's description comes through another pipe than the sound, so it is asked for at every
    block.
    """
    rate = stream.source.rate if stream.source else None
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


# -- what is said


def _describe(written: _Written, source: Path) -> Conversion:
    statistics, stream = written.statistics, written.stream
    seconds = statistics.num_samples / SAMPLE_RATE
    track = stream.source
    return Conversion(
        seconds=round(seconds, 4),
        peak=round(written.peak, 5),
        rms=round((written.square_sum / statistics.num_samples) ** 0.5, 6),
        channels=stream.channels,
        sample_rate=(track.rate if track else None) or stream.rate,
        codec=track.codec if track else "",
        clipped_share=round(statistics.clipped_share, 6),
        remarks=written.remarks + _incompleteness(stream, seconds, wav_layout(source)),
    )


def _incompleteness(stream: AudioStream, seconds: float, layout: WavLayout | None) -> list[str]:
    """What of the file could not be read. A WAV that does not know its length is whole when it
    ends, though ffmpeg calls its last packet corrupt; a film may go on when its sound is over."""
    messages = list(stream.messages)
    declared, is_damaged = declared_seconds(messages), num_errors(messages) > 0
    if layout is not None and layout.num_files > 1:
        return [
            f"it is {layout.num_files} WAV files one behind the other, and only the first is sure "
            f"to be read ({seconds:.1f} s): save each as a file of its own"
        ]
    if layout is not None and layout.length_is_unknown:
        return []
    is_short = declared is not None and seconds < declared * (1 - _MISSING_SHARE) - 0.1
    if is_short and (is_damaged or not has_film(messages)):
        return [f"the file says {declared:.1f} s but only {seconds:.1f} s could be read"]
    if is_damaged:
        return [f"parts of it are damaged and were skipped; {seconds:.1f} s could be read"]
    return []
