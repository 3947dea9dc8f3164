"""What an engine has done so far, for metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counts:
    """Each number is written by one thread only, or under a lock. `problems` are pieces whose best
    attempt was not good either."""

    requests: int = 0
    refused: int = 0
    failed: int = 0
    cancelled: int = 0
    pieces: int = 0
    tokens: int = 0
    retries: int = 0
    problems: int = 0
    sound_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class EngineStats:
    """Now: requests being spoken, pieces that wait for a row, rows that decode, pieces that wait
    to become sound, voices and their bytes. Since the start: the rest."""

    active_requests: int
    waiting_pieces: int
    decoding_pieces: int
    sounding_pieces: int
    loaded_voices: int
    leased_voices: int
    voice_bytes: int
    voice_loads: int
    requests: int
    refused: int
    failed: int
    cancelled: int
    pieces: int
    tokens: int
    retries: int
    problems: int
    sound_seconds: float
