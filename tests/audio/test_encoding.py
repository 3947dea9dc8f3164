from __future__ import annotations

import json
import random
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ray_pipeline.audio.decoding import ffmpeg_path
from ray_pipeline.audio.encoding import FORMATS, make_encoder, wav_header
from ray_pipeline.audio.wav import to_int16
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform

SECONDS = 2.7
# An encoder's delay, and the last frame filled up: MP3 and AAC have no place to say how much.
_FRAMES_MORE = {"mp3": 3 * 1152, "aac": 3 * 1024}


def voice_like(seconds: float = SECONDS) -> Waveform:
    """A tone of 220 Hz that swells."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * 220 * time) * np.sin(np.pi * time / seconds)).astype("f4")


def encoded(name: str, wav: Waveform, pieces: int, seed: int = 0) -> bytes:
    """In pieces of random lengths, some of them without a sample."""
    chance = random.Random(seed)
    cuts = sorted(chance.randrange(len(wav) + 1) for _ in range(pieces))
    encoder = make_encoder(name, {"comment": "synthetic speech", "software": "test"})
    bounds = [0, *cuts, cuts[-1] if cuts else 0, len(wav)]
    parts = [encoder.feed(wav[a:b]) for a, b in pairwise(bounds)]
    return b"".join([*parts, encoder.finish()])


def decoded(data: bytes, name: str) -> Waveform:
    """At the rate of the format."""
    rate = FORMATS[name].rate
    given = ["-f", "s16le", "-ar", str(rate), "-ac", "1"] if name in ("pcm", "raw") else []
    command = [ffmpeg_path(), "-v", "error", *given, "-i", "-", "-f", "f32le", "-"]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    assert done.stderr == b"", done.stderr.decode()
    return np.frombuffer(done.stdout, dtype="<f4")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("pieces", [0, 5, 40])
def test_ffmpeg_decodes_what_was_fed_in_pieces(name: str, pieces: int) -> None:
    wav = voice_like()
    heard = decoded(encoded(name, wav, pieces, seed=pieces), name)
    rate = FORMATS[name].rate
    more = len(heard) - SECONDS * rate
    assert -20 <= more <= _FRAMES_MORE.get(name, 20)
    # The same sound, and no gap or click at a join: its shape around the loudest place.
    at = np.arange(len(heard)) / rate
    swell = 0.5 * np.sin(np.pi * at / SECONDS).clip(0)
    offset = 0.12  # s; nobody's delay is longer
    middle = (at > 0.5 + offset) & (at < SECONDS - 0.5)
    level = np.sqrt(np.mean(heard[middle] ** 2) / np.mean(swell[middle] ** 2 / 2))
    # LAME lowers what it encodes by 5 %, against clipping.
    assert level == pytest.approx(0.95 if name == "mp3" else 1, abs=0.03)
    jump = np.abs(np.diff(heard[middle])).max()
    assert jump < 1.3 * 0.5 * 2 * np.pi * 220 / rate


@pytest.mark.parametrize("name", FORMATS)
def test_the_bytes_do_not_depend_on_how_long_the_pieces_are(name: str) -> None:
    if name in ("opus", "flac"):
        pytest.skip("a stream's number is drawn, and pages are cut where pieces end")
    wav = voice_like(1.0)
    assert encoded(name, wav, 0) == encoded(name, wav, 13)


def test_lossless_formats_keep_each_sample() -> None:
    wav = voice_like()
    exact = to_int16(wav)
    for name in ("wav", "raw", "flac"):
        assert np.array_equal(to_int16(decoded(encoded(name, wav, 9), name)), exact), name


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_sound_comes_out_as_it_goes_in(name: str) -> None:
    encoder = make_encoder(name)
    first = len(encoder.feed(voice_like(1.0)))
    second = len(encoder.feed(voice_like(1.0)))
    last = len(encoder.finish())
    assert min(first, second) > 0.6 * (first + second + last) / 2


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_said_is_still_a_file(name: str) -> None:
    data = make_encoder(name, {"comment": "synthetic speech"}).finish()
    if name in ("wav", "flac"):
        assert len(decoded(data, name)) == 0


@pytest.mark.parametrize("name", ["mp3", "opus", "flac", "wav"])
def test_the_file_says_that_it_is_synthetic(name: str, tmp_path: Path) -> None:
    import av

    path = tmp_path / f"speech.{name}"
    path.write_bytes(encoded(name, voice_like(0.5), 3))
    with av.open(str(path)) as file:
        tags = {**file.metadata, **file.streams.audio[0].metadata}
    found = {key.lower(): value for key, value in tags.items()}
    assert found["comment"] == "synthetic speech", json.dumps(found)


def test_a_wav_without_tags_has_the_plain_header() -> None:
    header = wav_header(32000, num_samples=100)
    assert len(header) == 44
    assert header[40:44] == (200).to_bytes(4, "little")
    assert header[4:8] == (236).to_bytes(4, "little")
