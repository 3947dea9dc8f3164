"""From numbers to sentences: what is wrong with a clip, and how good the set is.

The limits and where they come from: docs/design/data_quality.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Literal

from ray_pipeline.quality.report import (
    ClipReport,
    Enough,
    Finding,
    FindingKind,
    Trouble,
    Verdict,
)

MIN_TRAINED_SECONDS = 0.6  # the original's data loader drops what is not longer
OTHER_VOICE, FAR_VOICE = 1.2, 1.8
ENOUGH_SECONDS, LEAST_SECONDS = 180.0, 60.0
_LONG_SECONDS = 15.0
_MIN_CLIPS_FOR_RATE = 5

Grade = Literal["A", "B", "C", "D"]


@dataclass(frozen=True)
class Limits:
    """Beyond `check` a person should listen, beyond `bad` the clip does harm."""

    check: float
    bad: float


SPEECH_SHARE = Limits(0.4, 0.15)
CLIPPED_SHARE = Limits(0.002, 0.01)
SNR_DB = Limits(18, 12)
BANDWIDTH_HZ = Limits(7000, 4500)
CONFIDENCE = Limits(0.5, 0.3)
RATE_RATIO = Limits(1.6, 2.5)
LOUDNESS_DIFFERENCE = 9.0
WRONG_SHARE = Limits(0.03, 0.1)  # of the words of all texts
# Letters a second that nobody goes beyond; Han characters, kana and syllables count one each.
RATES = {"zh": (0.8, 9), "yue": (0.8, 9), "ja": (1.5, 14), "ko": (1.0, 11)}
OTHER_RATES = (4.0, 28.0)

MESSAGES: dict[FindingKind, str] = {
    "silence": "There is hardly any speech in it.",
    "little_speech": "Only {percent} % of it is speech.",
    "clipped": "{percent} % of its samples are clipped.",
    "noisy": "The noise is only {decibels} dB below the speech.",
    "narrow": "Nothing is heard above {kilohertz} kHz.",
    "loudness": "{lufs} LUFS, where {usual} is usual in this set.",
    "other_voice": "The voice (or the microphone) is unlike that of most clips.",
    "copy": "It holds the same recording as {clip}.",
    "confidence": "It was recognised with a confidence of only {confidence}.",
    "text_rate": "Its text has {rate} letters a second, where {low} to {high} are usual.",
    "duration": "It lasts {seconds} s.",
}
_ADVICE: dict[FindingKind, str] = {
    "silence": "{} with hardly any speech: leave them out.",
    "little_speech": "{} with much silence: cut the recordings with a shorter max_sil_kept.",
    "clipped": "{} clipped: record again with a lower level, or leave them out if there is enough.",
    "noisy": "{} noisy: run denoise_audio, or record in a quieter place.",
    "narrow": "{} of telephone quality: upload the original recordings instead of a call or a "
    "re-encoded copy; the voice will sound as dull as they do.",
    "loudness": "{} much louder or quieter than the rest: record at one level.",
    "other_voice": "{} in another voice, or recorded otherwise: listen, and leave out other "
    "speakers.",
    "copy": "{} there twice: keep one of each.",
    "confidence": "{} recognised with little confidence: read and correct them.",
    "text_rate": "{} whose text does not fit the length: listen, and correct the text.",
    "duration": "{} too short or too long: cut with other lengths (min_length, max_seconds).",
}


def letters_a_second(text: str, seconds: float) -> float | None:
    letters = sum(character.isalnum() for character in text)
    return round(letters / seconds, 2) if letters and seconds > 0 else None


def judge_clips(clips: Sequence[ClipReport]) -> list[ClipReport]:
    """The clips with their findings and verdicts. What is typical is taken from all of them."""
    typical_lufs = _median([clip.measures.lufs for clip in clips if clip.used])
    rates = _typical_rates(clips)
    judged = []
    for clip in clips:
        findings = [
            *_about_sound(clip, typical_lufs),
            *_about_set(clip),
            *_about_text(clip, rates.get(clip.language)),
        ]
        judged.append(replace(clip, findings=findings, verdict=_verdict(findings)))
    return judged


def _verdict(findings: Sequence[Finding]) -> Verdict:
    if any(finding.severity == "bad" for finding in findings):
        return "bad"
    return "check" if findings else "good"


def _about_sound(clip: ClipReport, typical_lufs: float | None) -> Iterator[Finding]:
    measures = clip.measures
    if not MIN_TRAINED_SECONDS < clip.seconds <= _LONG_SECONDS:
        is_bad = clip.seconds <= MIN_TRAINED_SECONDS
        yield _finding("duration", is_bad, seconds=round(clip.seconds, 1))
    share = measures.speech_share
    if measures.lufs is None or (share is not None and share < SPEECH_SHARE.bad):
        yield _finding("silence", True)
        return  # level, noise and bandwidth of silence say nothing
    if share is not None and share < SPEECH_SHARE.check:
        yield _finding("little_speech", False, percent=round(100 * share))
    if measures.clipped_share >= CLIPPED_SHARE.check:
        is_bad = measures.clipped_share >= CLIPPED_SHARE.bad
        yield _finding("clipped", is_bad, percent=round(100 * measures.clipped_share, 1))
    if measures.snr_db is not None and measures.snr_db < SNR_DB.check:
        yield _finding("noisy", measures.snr_db < SNR_DB.bad, decibels=round(measures.snr_db))
    if measures.bandwidth_hz is not None and measures.bandwidth_hz <= BANDWIDTH_HZ.check:
        is_bad = measures.bandwidth_hz <= BANDWIDTH_HZ.bad
        yield _finding("narrow", is_bad, kilohertz=round(measures.bandwidth_hz / 1000, 1))
    if typical_lufs is not None and abs(measures.lufs - typical_lufs) > LOUDNESS_DIFFERENCE:
        levels = {"lufs": round(measures.lufs), "usual": round(typical_lufs)}
        yield _finding("loudness", False, **levels)


def _about_set(clip: ClipReport) -> Iterator[Finding]:
    distance = clip.voice_distance
    if distance is not None and distance > OTHER_VOICE:
        yield _finding("other_voice", distance > FAR_VOICE)
    if clip.copy_of is not None:
        yield _finding("copy", False, clip=clip.copy_of)


def _about_text(clip: ClipReport, typical_rate: float | None) -> Iterator[Finding]:
    if clip.confidence is not None and clip.confidence < CONFIDENCE.check:
        is_bad = clip.confidence < CONFIDENCE.bad
        yield _finding("confidence", is_bad, confidence=round(clip.confidence, 2))
    rate = clip.letters_a_second
    if rate is None:
        return
    said = RATES.get(clip.language, OTHER_RATES)
    low, high = _usual_rates(said, typical_rate, RATE_RATIO.check)
    if not low <= rate <= high:
        least, most = _usual_rates(said, typical_rate, RATE_RATIO.bad)
        numbers = {"rate": round(rate, 1), "low": round(low, 1), "high": round(high, 1)}
        yield _finding("text_rate", not least <= rate <= most, **numbers)


def _usual_rates(
    said: tuple[float, float], typical: float | None, ratio: float
) -> tuple[float, float]:
    """What anybody can say, and no more than `ratio` times off what is typical of the set."""
    if typical is None:
        return said
    return max(said[0], typical / ratio), min(said[1], typical * ratio)


def _finding(kind: FindingKind, is_bad: bool, **facts: Any) -> Finding:
    severity: Literal["check", "bad"] = "bad" if is_bad else "check"
    return Finding(kind, severity, MESSAGES[kind].format(**facts), facts)


def _typical_rates(clips: Sequence[ClipReport]) -> dict[str, float]:
    """Letters a second by language, where enough clips tell."""
    by_language: dict[str, list[float]] = {}
    for clip in clips:
        if clip.letters_a_second is not None:
            by_language.setdefault(clip.language, []).append(clip.letters_a_second)
    return {
        language: median(rates)
        for language, rates in by_language.items()
        if len(rates) >= _MIN_CLIPS_FOR_RATE
    }


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


# -- the set


def judge_amount(clips: Sequence[ClipReport]) -> Enough:
    seconds = sum(clip.seconds for clip in clips if clip.used and clip.verdict != "bad")
    said = f"{seconds / 60:.1f} minutes of usable speech"
    if seconds < LEAST_SECONDS:
        said = f"{seconds:.0f} seconds of usable speech"
    if seconds < LEAST_SECONDS:
        message = f"Only {said}: at least one minute is needed, three to ten are better."
        return Enough(verdict="too little", seconds=round(seconds, 1), message=message)
    if seconds < ENOUGH_SECONDS:
        message = f"There are {said}: it works, and three to ten minutes sound better."
        return Enough(verdict="little", seconds=round(seconds, 1), message=message)
    return Enough(verdict="enough", seconds=round(seconds, 1), message=f"There are {said}.")


def grade(clips: Sequence[ClipReport], enough: Enough, wrong_share: float | None = None) -> Grade:
    """By the share of good seconds among the used ones; bad clips, too little speech and texts
    with many wrong words (`wrong_share` of all, 0..1) keep a set from the better grades."""
    by_sound = _grade_of_sound(clips, enough)
    if wrong_share is None or wrong_share < WRONG_SHARE.check:
        return by_sound
    return max(by_sound, "C" if wrong_share >= WRONG_SHARE.bad else "B")


def _grade_of_sound(clips: Sequence[ClipReport], enough: Enough) -> Grade:
    total = sum(clip.seconds for clip in clips if clip.used)
    if not total or enough.verdict == "too little":
        return "D"
    good, bad = (
        sum(clip.seconds for clip in clips if clip.used and clip.verdict == verdict) / total
        for verdict in ("good", "bad")
    )
    if good < 0.5:
        return "D"
    if good < 0.8 or bad > 0.1:
        return "C"
    return "B" if good < 0.95 or enough.verdict == "little" else "A"


def troubles_of(clips: Sequence[ClipReport]) -> list[Trouble]:
    """What the used clips suffer from, the most frequent first."""
    kinds = Counter(
        kind for clip in clips if clip.used for kind in {finding.kind for finding in clip.findings}
    )
    ordered = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    return [Trouble(kind, count) for kind, count in ordered]


def advise(troubles: Sequence[Trouble]) -> list[str]:
    """What to do about each."""
    return [_ADVICE[trouble.kind].format(_clips(trouble.clips)) for trouble in troubles]


def _clips(number: int) -> str:
    return f"{number} clip{'' if number == 1 else 's'}"
