"""What is told of a training's speed, with a clock that a test moves on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from ray_pipeline.training.metrics import gradient_norm
from ray_pipeline.training.pace import Pace, in_words
from ray_pipeline.training.reports import _mean_of
from ray_pipeline.training.worker import EpochReport


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _batches(clock: Clock, count: int, wait: float) -> Iterator[int]:
    for number in range(count):
        clock.now += wait
        yield number


def _epoch(pace: Pace, clock: Clock, *, steps: int, wait: float, work: float) -> None:
    pace.start_epoch()
    for _ in pace.timed(_batches(clock, steps, wait)):
        clock.now += work


def test_waiting_for_data_is_told_apart_from_steps() -> None:
    clock = Clock()
    pace = Pace(clock)
    _epoch(pace, clock, steps=10, wait=0.1, work=1.9)
    told = pace.of_epoch(audio_seconds=60)
    assert told["steps_per_second"] == pytest.approx(0.5)
    assert told["data_wait"] == pytest.approx(0.05)
    assert told["audio_seconds_per_second"] == pytest.approx(3)


def test_what_is_left_counts_steps_and_the_rest_of_each_epoch() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.seconds_left(10, 1) is None
    _epoch(pace, clock, steps=5, wait=0, work=2)
    assert pace.seconds_left(10, 2) == pytest.approx(20)
    clock.now += 7  # judging, exports, checkpoints
    _epoch(pace, clock, steps=5, wait=0, work=2)
    assert pace.seconds_left(10, 2) == pytest.approx(20 + 2 * 7)


def test_steps_of_a_machine_that_has_got_busy_count_as_they_are_now() -> None:
    clock = Clock()
    pace = Pace(clock)
    _epoch(pace, clock, steps=500, wait=0, work=1)
    _epoch(pace, clock, steps=500, wait=0, work=3)
    assert pace.seconds_left(100, 0) == pytest.approx(300)


def test_an_epoch_without_a_step_tells_nothing() -> None:
    pace = Pace(Clock())
    pace.start_epoch()
    assert pace.of_epoch(0.0) == {}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "about 10 s left"),
        (41, "about 40 s left"),
        (700, "about 12 min left"),
        (9000, "about 2.5 h left"),
    ],
)
def test_what_is_left_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_the_sound_of_all_workers_adds_up_and_their_waiting_does_not() -> None:
    speed = {"sovits/audio_seconds_per_second": 3.0, "sovits/data_wait": 0.01}
    reports = [EpochReport(1, 3, {}, [], 1.0, speed=speed) for _ in range(2)]
    assert _mean_of(reports).speed == {
        "sovits/audio_seconds_per_second": 6.0,
        "sovits/data_wait": 0.01,
    }


def test_a_number_that_one_worker_has_not_is_the_mean_of_the_others() -> None:
    reports = [
        EpochReport(epoch=1, step=1, values=values, clips=[], seconds=1.0)
        for values in ({"norm": 2.0, "loss": 1.0}, {"loss": 3.0})
    ]
    assert _mean_of(reports).values == {"norm": 2.0, "loss": 2.0}


def test_the_norm_of_the_gradients_is_that_over_all_parameters() -> None:
    layers = [torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)]
    parameters = [p for layer in layers for p in layer.parameters()]
    optimizer = torch.optim.AdamW(parameters)
    for number, parameter in enumerate(parameters):
        parameter.grad = torch.full_like(parameter, float(number))
    expected = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None]).norm()
    found = gradient_norm(optimizer, torch.amp.GradScaler("cpu", enabled=False))
    torch.testing.assert_close(found, expected)
