"""What the data doctor says, as plain data. Numbers: docs/design/data_quality.md.

Sentences are English. Beside each stands a code with the numbers that the sentence holds, so
that programs can tell and pages can say it in another language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ray_pipeline.core.errors import SetAsideReason

Verdict = Literal["good", "check", "bad"]
FindingKind = Literal[
    "duration",
    "silence",
    "little_speech",
    "clipped",
    "noisy",
    "narrow",
    "loudness",
    "other_voice",
    "copy",
    "confidence",
    "text_rate",
]
NotMeasured = Literal["speech_share"]


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
    """Something about a clip: `kind` and its `facts` for programs, `message` is a sentence."""

    kind: FindingKind
    severity: Literal["check", "bad"]
    message: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """A kind of finding and how many of the used clips have it."""

    kind: FindingKind
    clips: int


@dataclass(frozen=True)
class LeftOut:
    """Why training leaves a clip (or a whole recording) out; `step` decided it. `code` is empty
    where the reason is none of the foreseen ones."""

    name: str
    step: str
    reason: str
    code: SetAsideReason | Literal[""] = ""
    facts: dict[str, Any] = field(default_factory=dict)


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
    """`grade` runs from A to D. `advice` has a sentence for each of `troubles`, the most frequent
    first, and one where used clips have texts of a recogniser: `num_unread` of them, by
    `recogniser`, which people call `recogniser_name`; `wrong_share` of all words (0..1) may be
    wrong then, None where nothing is known of it. `num_good` counts the used clips.
    `true_sample_rate_hz` is twice the typical bandwidth. `key` changes with anything that the
    report was made from."""

    key: str
    grade: Literal["A", "B", "C", "D"]
    summary: str
    advice: list[str]
    troubles: list[Trouble]
    enough: Enough
    num_clips: int
    num_used: int
    num_good: int
    num_unread: int
    seconds: float
    lufs: float | None
    snr_db: float | None
    true_sample_rate_hz: int | None
    clips: list[ClipReport]
    recordings: list[LeftOut]
    not_measured: list[str]
    not_measured_codes: list[NotMeasured]
    recogniser: str = ""
    recogniser_name: str = ""
    wrong_share: float | None = None
