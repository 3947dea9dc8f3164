"""Who is let in is spoken for without gaps, by the speed so far."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ray_pipeline.speaking.admission import Outlook, Stretch, foresee, seconds_to_wait
from ray_pipeline.speaking.speed import Cost, Speed


def pieces(count: int, seconds: float = 4.0) -> list[Stretch]:
    return [Stretch(seconds, seconds, n * seconds, begins=True) for n in range(count)]


def listens(count: int, started: float | None = None, arrived: float = 0.0) -> Outlook:
    return Outlook("v2", arrived, started, pieces(count))


def cost(share: float):
    """A second of sound takes `share` seconds of each thread, however many rows run."""
    return lambda version, rows: Cost(share, share, 0.0, share, share)


def test_so_many_are_let_in_as_the_machine_can_speak_for() -> None:
    """At a fifth of a second a second, four and not five: some caution is in it."""
    there: list[Outlook] = []
    while seconds_to_wait(there, listens(20, arrived=len(there)), cost(0.2)) is None:
        there.append(listens(20, arrived=len(there)))
        assert len(there) < 10
    assert len(there) == 4
    assert max(one.late for one in foresee(there, cost(0.2))) <= 0.05
    assert foresee([*there, listens(20, arrived=9)], cost(0.2))[-1].late > 0.05


def test_who_is_alone_is_spoken_for_however_slow_the_machine() -> None:
    assert seconds_to_wait([], listens(5), cost(3.0)) is None
    assert seconds_to_wait([listens(5)], listens(1, arrived=1), cost(0.8)) is not None


def test_where_one_alone_would_hear_gaps_nobody_is_refused_for_their_sake() -> None:
    """A program that asks for sentence after sentence would lose all but the first."""
    slow, fast = listens(5), replace(listens(5), version="mini")

    def mixed(version: str, rows: int) -> Cost:
        return cost(1.5 if version == "v2" else 0.1)(version, rows)

    assert seconds_to_wait([slow], listens(5, arrived=1), mixed) is None
    assert seconds_to_wait([slow, fast], listens(5, arrived=1), mixed) is not None
    assert seconds_to_wait([slow], replace(fast, arrived=1), mixed) is not None


def test_one_who_only_keeps_the_sound_waits_for_those_who_listen_and_is_let_in() -> None:
    kept = Outlook("v2", 1.0, None, pieces(5), patience=60.0)
    assert seconds_to_wait([listens(5, started=-1.0)], kept, cost(0.5)) is None
    assert seconds_to_wait([kept], listens(5), cost(0.5)) is None
    alone, beside = foresee([listens(5)], cost(0.5)), foresee([listens(5), kept], cost(0.5))
    assert beside[0] == alone[0]


def test_a_first_sound_that_would_let_another_run_dry_is_refused() -> None:
    """A piece of 4 s at half speed takes 2 s, and the other has 1 s left to hear."""
    other = Outlook("v2", 0.0, -3.0, [Stretch(4.0, 4.0, 4.0, begins=True)])
    in_time = Outlook("v2", 0.0, -3.0, [Stretch(0.0, 0.5, 4.0, begins=True)])
    assert seconds_to_wait([in_time], listens(1, arrived=1), cost(0.1)) is None
    assert seconds_to_wait([other], listens(1, arrived=1), cost(0.5)) is not None


def test_it_is_told_when_the_first_of_them_will_be_done() -> None:
    short, long = listens(2, started=-1.0), listens(9, started=-1.0)
    wait = seconds_to_wait([long, short], listens(9, arrived=1), cost(0.45))
    assert wait is not None
    assert 3.0 <= wait < foresee([long, short], cost(0.45))[0].done


def test_work_of_unknown_cost_refuses_nobody() -> None:
    assert seconds_to_wait([listens(99)], listens(99), lambda version, rows: None) is None


def test_speed_is_what_was_measured_of_late_and_is_judged_in_between() -> None:
    speed = Speed()
    assert speed.cost("v2", 1) is None
    for _ in range(3):  # the first of each makes ready
        speed.stepped("v2", 2, work=0.1, made=0.2)
        speed.sounded("v2", 1, work=0.3, made=1.0)
        speed.began("v2", work=0.05)
    assert speed.cost("v2", 2) == Cost(
        *(pytest.approx(each) for each in (0.5, 1.0, 0.05, 0.3, 0.3))
    )
    four, one = speed.cost("v2", 4), speed.cost("v2", 1)
    assert four is not None
    assert one is not None
    assert 0.25 < four.tokens < 0.5 < one.tokens
    assert speed.cost("mini", 1) is None
    for _ in range(200):  # the machine got slower
        speed.sounded("v2", 1, work=0.9, made=1.0)
    slow = speed.cost("v2", 2)
    assert slow is not None
    assert slow.sound == pytest.approx(0.9, rel=0.05)


def test_two_threads_make_sound_as_fast_as_they_were_seen_to() -> None:
    speed = Speed(num_lanes=2)
    for _ in range(3):
        speed.stepped("v2", 1, work=0.1, made=1.0)
        speed.sounded("v2", 1, work=0.4, made=1.0)
    guessed = speed.cost("v2", 2)
    assert guessed is not None
    assert guessed.sound == pytest.approx(0.3)  # between one and two of them
    assert guessed.lane == pytest.approx(0.6)
    for _ in range(3):
        speed.sounded("v2", 2, work=0.5, made=1.0)
    known, alone = speed.cost("v2", 9), speed.cost("v2", 1)
    assert known is not None
    assert alone is not None
    assert (known.sound, known.lane) == (pytest.approx(0.25), pytest.approx(0.5))
    assert alone.sound == alone.lane == pytest.approx(0.4)
