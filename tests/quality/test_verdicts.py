from dataclasses import replace

import pytest

from ray_pipeline.quality.report import ClipReport, Measures
from ray_pipeline.quality.verdicts import (
    advise,
    grade,
    judge_amount,
    judge_clips,
    letters_a_second,
    troubles_of,
)

GOOD = ClipReport(
    clip="a.wav",
    sha256="",
    seconds=5.0,
    text="",
    language="en",
    confidence=None,
    letters_a_second=12.0,
    measures=Measures(
        lufs=-20.0,
        peak_db=-1.0,
        clipped_share=0.0,
        snr_db=40.0,
        bandwidth_hz=11_000,
        speech_share=0.9,
    ),
)


def kinds(clip: ClipReport, among: int = 9) -> list[tuple[str, str]]:
    """What is said of a clip among good ones."""
    judged = judge_clips([*[GOOD] * among, clip])
    assert all(other.verdict == "good" for other in judged[:-1])
    return [(finding.kind, finding.severity) for finding in judged[-1].findings]


@pytest.mark.parametrize(
    ("number", "value", "expected"),
    [
        ("speech_share", 0.05, ("silence", "bad")),
        ("speech_share", 0.3, ("little_speech", "check")),
        ("lufs", None, ("silence", "bad")),
        ("lufs", -35.0, ("loudness", "check")),
        ("clipped_share", 0.003, ("clipped", "check")),
        ("clipped_share", 0.03, ("clipped", "bad")),
        ("snr_db", 15.0, ("noisy", "check")),
        ("snr_db", 8.0, ("noisy", "bad")),
        ("bandwidth_hz", 6000, ("narrow", "check")),
        ("bandwidth_hz", 4000, ("narrow", "bad")),
    ],
)
def test_each_number_beyond_its_limit_is_a_finding(
    number: str, value: float | None, expected: tuple[str, str]
) -> None:
    clip = replace(GOOD, measures=replace(GOOD.measures, **{number: value}))
    assert kinds(clip) == [expected]


@pytest.mark.parametrize(
    ("fact", "value", "expected"),
    [
        ("voice_distance", 1.5, ("other_voice", "check")),
        ("voice_distance", 3.0, ("other_voice", "bad")),
        ("copy_of", "b.wav", ("copy", "check")),
        ("confidence", 0.4, ("confidence", "check")),
        ("confidence", 0.1, ("confidence", "bad")),
        ("letters_a_second", 22.0, ("text_rate", "check")),
        ("letters_a_second", 40.0, ("text_rate", "bad")),
        ("letters_a_second", 1.0, ("text_rate", "bad")),
        ("seconds", 0.4, ("duration", "bad")),
        ("seconds", 20.0, ("duration", "check")),
    ],
)
def test_each_fact_beyond_its_limit_is_a_finding(
    fact: str, value: float | str, expected: tuple[str, str]
) -> None:
    assert kinds(replace(GOOD, **{fact: value})) == [expected]


def test_few_clips_are_held_to_what_anybody_can_say() -> None:
    assert kinds(replace(GOOD, letters_a_second=22.0), among=2) == []
    assert kinds(replace(GOOD, letters_a_second=60.0), among=2) == [("text_rate", "bad")]


def test_each_language_has_its_own_usual_rate() -> None:
    chinese = replace(GOOD, language="zh", letters_a_second=2.9)
    assert kinds(chinese) == []
    assert kinds(replace(chinese, letters_a_second=12.0)) == [("text_rate", "bad")]


def test_letters_are_counted_without_spaces_and_marks() -> None:
    assert letters_a_second("Ah, 12!", 2.0) == 2.0
    assert letters_a_second("你好。", 1.0) == 2.0
    assert letters_a_second("…", 1.0) is None


@pytest.mark.parametrize(
    ("num_good", "num_bad", "expected"),
    [(60, 0, "A"), (60, 5, "B"), (60, 10, "C"), (60, 70, "D"), (20, 0, "B"), (5, 0, "D")],
)
def test_the_grade_falls_with_bad_clips_and_with_little_speech(
    num_good: int, num_bad: int, expected: str
) -> None:
    bad = replace(GOOD, measures=replace(GOOD.measures, snr_db=3.0))
    clips = judge_clips([GOOD] * num_good + [bad] * num_bad)
    assert grade(clips, judge_amount(clips)) == expected


@pytest.mark.parametrize(
    ("wrong_share", "expected"), [(None, "A"), (0.02, "A"), (0.06, "B"), (0.256, "C")]
)
def test_texts_with_many_wrong_words_keep_a_set_from_the_better_grades(
    wrong_share: float | None, expected: str
) -> None:
    clips = judge_clips([GOOD] * 60)
    assert grade(clips, judge_amount(clips), wrong_share) == expected
    few = judge_clips([GOOD])
    assert grade(few, judge_amount(few), wrong_share) == "D"


def test_what_is_left_out_counts_neither_for_the_grade_nor_for_the_amount() -> None:
    bad = replace(GOOD, used=False, measures=replace(GOOD.measures, snr_db=3.0))
    clips = judge_clips([GOOD] * 60 + [bad] * 60)
    enough = judge_amount(clips)
    assert (enough.verdict, enough.seconds) == ("enough", 300.0)
    assert grade(clips, enough) == "A"
    assert troubles_of(clips) == []


def test_the_most_frequent_trouble_comes_first_in_the_advice() -> None:
    noisy = replace(GOOD, measures=replace(GOOD.measures, snr_db=3.0))
    doubtful = replace(GOOD, confidence=0.2)
    advice = advise(troubles_of(judge_clips([GOOD, doubtful, noisy, noisy])))
    assert [sentence.split(":")[0] for sentence in advice] == [
        "2 clips noisy",
        "1 clip recognised with little confidence",
    ]
