"""The sizes of mini's networks, and the frames that all of them count in.

    32 kHz ── 320 samples ──> mel, pitch, voicing at 100 Hz ── 2 ──> tokens at 50 Hz

A token is the id of the phone that its frame of 20 ms belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_RATE = 32_000
MEL_HOP = 320
MELS_PER_TOKEN = 2
TOKEN_HOP = MEL_HOP * MELS_PER_TOKEN
N_FFT = 1280
NUM_MELS = 80
MEL_TOP_HZ = 8000.0

VERSION = "mini"
# What the shipped base was taught; phones of other languages have untrained rows.
LANGUAGES = ("en", "zh")

SPEAKER_DIM = 2 * NUM_MELS + 2


@dataclass(frozen=True, kw_only=True)
class DurationConfig:
    """Stage 1: phones to durations."""

    num_symbols: int = 732
    channels: int = 192
    blocks: int = 4
    kernel: int = 5
    condition: int = 64


@dataclass(frozen=True, kw_only=True)
class AcousticConfig:
    """The first half of stage 2: tokens to mel, pitch and voicing."""

    num_symbols: int = 732
    channels: int = 256
    phone_blocks: int = 3
    phone_kernel: int = 5
    frame_blocks: int = 4
    frame_kernel: int = 7
    condition: int = 128


@dataclass(frozen=True, kw_only=True)
class VocoderConfig:
    """The second half of stage 2: mel, pitch and voicing to the waveform."""

    channels: int = 192
    blocks: int = 5
    kernel: int = 7


@dataclass(frozen=True, kw_only=True)
class MiniConfig:
    durations: DurationConfig = DurationConfig()
    acoustic: AcousticConfig = AcousticConfig()
    vocoder: VocoderConfig = VocoderConfig()


MINI = MiniConfig()


def tiny_config() -> MiniConfig:
    """Networks of the same shape that take milliseconds, for tests."""
    return MiniConfig(
        durations=DurationConfig(channels=16, blocks=2, condition=8),
        acoustic=AcousticConfig(channels=16, phone_blocks=1, frame_blocks=1, condition=8),
        vocoder=VocoderConfig(channels=16, blocks=1),
    )
