"""Sound into the bytes of a file while it is still being made: MP3, Opus, AAC, FLAC, WAV, PCM.

    encoder = make_encoder("mp3", {"comment": "synthetic speech"})
    for wav in sounds: send(encoder.feed(wav))
    send(encoder.finish())

Every piece of sound comes out as soon as its frames are full, and resampling goes on from one
piece to the next. Encoders of libav (by PyAV) where there is more to do than to write numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from ray_pipeline.audio.provenance import TAG, WAV_TAG
from ray_pipeline.audio.wav import to_int16
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform

AudioFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm", "raw"]
Tags = Mapping[str, str]

# Where a length stands that is not known yet; what reads a stream takes it for "to the end".
_UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True, kw_only=True)
class FormatRow:
    """`rate` in Hz. `bit_rate` of the libav encoder `codec` in `container`; 0: as it likes, and
    without a codec the samples themselves are written, 16 bits each, little-endian.
    `tag_options` are for files with tags."""

    media_type: str
    rate: int = SAMPLE_RATE
    container: str = ""
    codec: str = ""
    bit_rate: int = 0
    options: Mapping[str, str] | None = None
    tag_options: Mapping[str, str] | None = None


FORMATS: dict[str, FormatRow] = {
    "mp3": FormatRow(
        media_type="audio/mpeg",
        container="mp3",
        codec="libmp3lame",
        bit_rate=96_000,
        # Its place is the first frame, and what it holds is known after the last one.
        options={"write_xing": "0"},
    ),
    "opus": FormatRow(
        media_type="audio/ogg",
        rate=48_000,
        container="ogg",
        codec="libopus",
        bit_rate=64_000,
        # A page is sent when it is full: by itself after a second.
        options={"page_duration": "100000"},
    ),
    "aac": FormatRow(
        media_type="audio/aac",
        container="adts",
        codec="aac",
        bit_rate=96_000,
        # ADTS has no place for tags; what reads it passes over ID3 before it.
        tag_options={"write_id3v2": "1"},
    ),
    "flac": FormatRow(media_type="audio/flac", container="flac", codec="flac"),
    "wav": FormatRow(media_type="audio/wav"),
    # What OpenAI's clients take PCM to be.
    "pcm": FormatRow(media_type="audio/pcm", rate=24_000),
    "raw": FormatRow(media_type="audio/raw"),
}


class Encoder(Protocol):
    """For one sound, and not for several threads at once."""

    def feed(self, wav: Waveform) -> bytes:
        """Float32 [N] at 32 kHz within -1..1; the bytes that are ready now, perhaps none."""
        ...

    def finish(self) -> bytes:
        """The rest of the file."""
        ...


def make_encoder(name: str, tags: Tags | None = None) -> Encoder:
    """By a name of `FORMATS`. `tags` are written where the format has a place for them: MP3, Opus,
    AAC, FLAC and WAV."""
    row = FORMATS[name]
    if row.codec:
        return _LibavEncoder(row, tags or {})
    return _PcmEncoder(row.rate, wav_header(row.rate, tags) if name == "wav" else b"")


class _PcmEncoder:
    def __init__(self, rate: int, header: bytes) -> None:
        self._unsent = header
        self._resampler = None if rate == SAMPLE_RATE else AudioResampler("s16", "mono", rate)

    def feed(self, wav: Waveform) -> bytes:
        header, self._unsent = self._unsent, b""
        samples = to_int16(wav)
        if self._resampler is None:
            return header + samples.astype("<i2", copy=False).tobytes()
        if not len(samples):
            return header
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        return header + _bytes_of(self._resampler.resample(frame))

    def finish(self) -> bytes:
        header, self._unsent = self._unsent, b""
        rest = [] if self._resampler is None else self._resampler.resample(None)
        return header + _bytes_of(rest)


def _bytes_of(frames: list[av.AudioFrame]) -> bytes:
    return b"".join(frame.to_ndarray().astype("<i2", copy=False).tobytes() for frame in frames)


class _Sink:
    """What a container is written to. No `seek`, so nothing is written twice."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        return taken


class _LibavEncoder:
    def __init__(self, row: FormatRow, tags: Tags) -> None:
        self._sink = _Sink()
        more = (row.tag_options or {}) if tags else {}
        options = {"flush_packets": "1", **(row.options or {}), **more}
        self._container = av.open(self._sink, "w", format=row.container, options=options)
        self._container.metadata.update(tags)
        stream = self._container.add_stream(row.codec, rate=row.rate, layout="mono")
        assert isinstance(stream, AudioStream)
        self._stream = stream
        if row.bit_rate:
            self._stream.bit_rate = row.bit_rate

    def feed(self, wav: Waveform) -> bytes:
        if len(wav):
            samples = np.ascontiguousarray(wav[None], dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            self._container.mux(self._stream.encode(frame))
        return self._sink.take()

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._sink.take()


def wav_header(rate: int, tags: Tags | None = None, num_samples: int | None = None) -> bytes:
    """Of 16 bits and one channel; 44 bytes without tags. Without `num_samples` for a stream whose
    length nobody knows yet. `comment`, `software` and `synthetic_speech` are the tags that it has
    a place for."""
    info = _info_chunk(tags or {})
    data_size = _UNKNOWN if num_samples is None else num_samples * 2
    size = _UNKNOWN if num_samples is None else 36 + len(info) + data_size
    layout = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    begin = struct.pack("<4sI4s", b"RIFF", size, b"WAVE")
    return begin + layout + info + struct.pack("<4sI", b"data", data_size)


def _info_chunk(tags: Tags) -> bytes:
    """RIFF's LIST of type INFO."""
    places = {"comment": b"ICMT", "software": b"ISFT", TAG: WAV_TAG.encode()}
    entries = b""
    for name, place in places.items():
        if text := tags.get(name, "").encode():
            padded = text + b"\0" * (2 - len(text) % 2)  # ends with a zero, has an even length
            entries += struct.pack("<4sI", place, len(padded)) + padded
    return struct.pack("<4sI4s", b"LIST", 4 + len(entries), b"INFO") + entries if entries else b""
