"""Which checkpoint is chosen, in which words, and which exports are kept."""

import itertools

import pytest

from ray_pipeline.core.selection import (
    SELECTION,
    Checkpoint,
    choose_checkpoint,
    compared,
    is_worse,
    ranking,
    to_drop,
)

MEL = "sovits/held_out_mel"


def point(epoch: int, score: float | None = None, **more) -> Checkpoint:
    validation = {} if score is None else {MEL: score}
    return Checkpoint(
        epoch=epoch, step=epoch * 10, file=f"e{epoch}", size=10, validation=validation, **more
    )


def chosen(*points: Checkpoint) -> tuple[int, str, str | None]:
    choice = choose_checkpoint(points)
    assert choice is not None
    return choice.checkpoint.epoch, choice.reason, choice.warning


def test_an_under_trained_a_good_an_over_trained_and_a_broken_one_are_told_apart() -> None:
    epoch, reason, warning = chosen(point(1, 0.9), point(5, 0.5), point(20, 0.6), point(50, 7.0))
    assert epoch == 5
    assert reason == "Epoch 5 has the least sovits/held_out_mel on the clips held out, 0.5."
    assert warning is not None
    assert warning.startswith("Validation has risen since epoch 5")


def test_the_earlier_of_two_equals_is_preferred() -> None:
    least = 0.5
    equal = least * (1 + SELECTION.within * 0.9)
    epoch, reason, warning = chosen(point(1, 0.9), point(4, equal), point(9, least))
    assert (epoch, warning) == (4, None)
    assert "earliest" in reason
    assert "0.5" in reason
    unequal = least * (1 + SELECTION.within * 1.1)
    assert chosen(point(4, unequal), point(9, least))[0] == 9


def test_without_numbers_it_is_the_last_and_says_why() -> None:
    assert chosen(point(1), point(2))[:2] == (2, "The last: no clips were held out to judge by.")


def test_what_was_deleted_or_only_passed_through_is_not_chosen() -> None:
    assert choose_checkpoint([point(1, 0.1, kept=False)]) is None
    passed, gone = point(1, 0.1, candidate=False), point(2, 0.2, kept=False)
    assert chosen(passed, gone, point(3, 0.3))[0] == 3
    assert chosen(passed)[0] == 1  # better than nothing


def test_only_a_plainly_higher_score_is_worse() -> None:
    assert is_worse(point(1, 0.6), point(1, 0.5))
    assert not is_worse(point(1, 0.505), point(1, 0.5))
    assert not is_worse(point(1, 0.4), point(1, 0.5))
    assert not is_worse(point(1), point(1, 0.5))


def heard(epoch: int, loss: float, cer: float, likeness: float = 1.0, **more) -> Checkpoint:
    return point(epoch, loss, judged={"cer": cer, "likeness": likeness}, **more)


def test_what_is_heard_outweighs_a_little_loss() -> None:
    epoch, reason, _ = chosen(heard(1, 0.50, 0.3), heard(2, 0.55, 0.02), heard(3, 0.53, 0.05, 0.4))
    assert epoch == 2
    assert reason == (
        "Epoch 2 has the least score of the 3 listened to, 0.57 "
        "(cer 0.02, likeness 1, sovits/held_out_mel 0.55)."
    )


def test_a_character_or_two_is_no_difference() -> None:
    assert chosen(heard(1, 0.5, 0.025), heard(2, 0.5, 0.02))[0] == 1
    assert chosen(heard(1, 0.5, 0.05), heard(2, 0.5, 0.02))[0] == 2


def test_what_nobody_listened_to_is_not_compared_with_what_somebody_did() -> None:
    points = [point(1, 0.52), heard(2, 0.5, 0.1), point(3, 0.7), heard(4, 0.51, 0.3)]
    assert chosen(*points)[0] == 2
    assert [c.epoch for c in ranking(points)] == [2, 4, 1, 3]
    assert compared(points[0], points[1]) == (0.52, 0.5)
    assert not is_worse(points[1], points[0])


def test_the_ranking_ends_with_what_was_passed_through_and_what_cannot_speak() -> None:
    broken = point(4, 0.1, problem="It is silent (-90 dBFS).")
    passed, gone = point(1, 0.2, candidate=False), point(2, 0.1, kept=False)
    points = [passed, gone, heard(3, 0.5, 0.0), broken, heard(5, 0.6, 0.0)]
    assert chosen(*points)[0] == 3
    assert [c.epoch for c in ranking(points)] == [3, 5, 1, 4]
    assert chosen(broken)[0] == 4  # there is nothing else


def test_too_many_epochs_are_told_by_the_loss_and_not_by_one_misheard_word() -> None:
    assert chosen(heard(1, 0.5, 0.0), heard(2, 0.5, 0.2))[2] is None
    assert chosen(heard(1, 0.5, 0.1), heard(2, 0.6, 0.0))[2] is not None


def keep(scores: list[float | None], *, most_bytes: int, most: int | None = None) -> list[int]:
    """Epochs that are left when each is added in turn, as a training does."""
    kept: list[Checkpoint] = []
    for epoch, score in enumerate(scores, 1):
        kept.append(point(epoch, score))
        dropped = to_drop(kept, most_bytes=most_bytes, most=most)
        kept = [c for c in kept if c not in dropped]
        assert sum(c.size for c in kept) <= max(most_bytes, 30)
    return [c.epoch for c in kept]


def test_of_fifty_epochs_a_limit_in_bytes_keeps_some_of_the_whole_run() -> None:
    kept = keep([None] * 50, most_bytes=100)
    assert (kept[0], kept[-1], len(kept)) == (1, 50, 10)
    gaps = [later - earlier for earlier, later in itertools.pairwise(kept)]
    assert max(gaps) <= 16


def test_the_best_early_one_survives_the_run() -> None:
    scores: list[float | None] = [1.0 if epoch != 7 else 0.2 for epoch in range(1, 51)]
    kept = keep(scores, most_bytes=60)
    assert 7 in kept
    assert {1, 50} <= set(kept)


@pytest.mark.parametrize("best", [1, 2, 5])
def test_the_best_and_the_last_are_kept_however_large(best: int) -> None:
    scores: list[float | None] = [1.0 if epoch != best else 0.2 for epoch in range(1, 6)]
    assert set(keep(scores, most_bytes=1)) == {best, 5}
    assert set(keep(scores, most_bytes=1000, most=2)) >= {best, 5}
