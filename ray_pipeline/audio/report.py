"""What the data doctor says, as plain data. Numbers: docs/data_quality.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["good", "check", "bad"]


@dataclass(frozen=True, kw_only=True)
class Measures:
    """None stands for what cannot be measured: loudness under 0.4 s or in silence, the share of
    speech without its package, noise and bandwidth in silence."""

    lufs: float | None
    peak_db: float
    clipped_share: float
    snr_db: float | None
    bandwidth_hz: int | None
    speech_share: float | None


@dataclass(frozen=True)
class Finding:
    """Something about a clip. `kind` is for programs, `message` is a sentence."""

    kind: str
    severity: Literal["check", "bad"]
    message: str


@dataclass(frozen=True)
class LeftOut:
    """Why training leaves a clip (or a whole recording) out; `step` decided it."""

    name: str
    step: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClipReport:
    """`voice_distance` is from the voice of most clips: above 1.2 it is another; `copy_of` names
    an earlier clip with the same recording. `used` is false if any of `left_out` applies."""

    clip: str
    sha256: str
    seconds: float
    text: str
    language: str
    confidence: float | None
    letters_a_second: float | None
    measures: Measures
    voice_distance: float | None = None
    copy_of: str | None = None
    verdict: Verdict = "good"
    findings: list[Finding] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    used: bool = True


@dataclass(frozen=True, kw_only=True)
class Enough:
    """`seconds` are of clips that are used and not bad."""

    verdict: Literal["enough", "little", "too little"]
    seconds: float
    message: str


@dataclass(frozen=True, kw_only=True)
class DataReport:
    """`grade` runs from A to D. `true_sample_rate_hz` is twice the typical bandwidth. `key`
    changes with anything that the report was made from."""

    key: str
    grade: Literal["A", "B", "C", "D"]
    summary: str
    advice: list[str]
    enough: Enough
    num_clips: int
    num_used: int
    seconds: float
    lufs: float | None
    snr_db: float | None
    true_sample_rate_hz: int | None
    clips: list[ClipReport]
    recordings: list[LeftOut]
    not_measured: list[str]
