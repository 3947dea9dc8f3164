import pytest

from ray_pipeline.training.recipe import plan_length
from ray_pipeline.training.sovits.recipe import NANO_SOVITS_RECIPE, SOVITS_RECIPE


def test_nano_turns_adversarial_after_three_fifths() -> None:
    phases = [NANO_SOVITS_RECIPE.phase_at(step, 500) for step in (0, 299, 300, 499)]
    assert [phase.adversarial for phase in phases] == [False, False, True, True]
    assert [phase.segment_frames for phase in phases] == [64, 64, 32, 32]


def test_the_original_recipe_decays_once_before_its_first_epoch() -> None:
    assert SOVITS_RECIPE.phase_at(0, 10).adversarial
    assert SOVITS_RECIPE.rate_at(0, 10, epoch=1) == pytest.approx(1e-4 * 0.999875)
    assert SOVITS_RECIPE.rate_at(9, 10, epoch=2) == pytest.approx(1e-4 * 0.999875**2)


def test_nano_ends_at_a_tenth_of_its_adversarial_rate() -> None:
    rates = [NANO_SOVITS_RECIPE.rate_at(step, 500, epoch=0) for step in (0, 299, 300, 400, 500)]
    assert rates == pytest.approx([2e-3, 2e-3, 1e-3, 0.55e-3, 0.1e-3])


@pytest.mark.parametrize(
    ("epochs", "epoch_steps", "min_steps", "max_steps", "expected"),
    [
        (20, 14, 500, None, (36, 500)),  # raised to the floor, the last epoch is shorter
        (50, 14, 500, None, (50, 700)),
        (50, 14, 500, 30, (3, 30)),  # the limit wins over both
        (8, 10, 0, None, (8, 80)),
    ],
)
def test_length_honours_epochs_floor_and_limit(
    epochs: int,
    epoch_steps: int,
    min_steps: int,
    max_steps: int | None,
    expected: tuple[int, int],
) -> None:
    length = plan_length(epochs, epoch_steps, min_steps=min_steps, max_steps=max_steps)
    assert (length.epochs, length.total_steps) == expected
