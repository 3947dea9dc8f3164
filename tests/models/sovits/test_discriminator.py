from __future__ import annotations

import torch

from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.discriminator import Discriminator
from ray_pipeline.models.sovits.losses import discriminator_loss, feature_loss, generator_loss


def _nano() -> Discriminator:
    config = SOVITS_CONFIGS["nano"]
    return Discriminator(config.periods, config.discriminator_divisor)


def test_narrow_discriminators_have_one_score_list_for_each_period_and_the_wave() -> None:
    scores, maps = _nano()(torch.rand(2, 1, 4001) - 0.5)
    assert len(scores) == len(maps) == 4
    assert all(score.shape[0] == 2 and score.dim() == 2 for score in scores)
    assert [len(group) for group in maps] == [7, 6, 6, 6]


def test_a_length_that_no_period_divides_is_mirrored_not_refused() -> None:
    scores, _ = _nano()(torch.rand(1, 1, 3001) - 0.5)
    assert all(score.isfinite().all() for score in scores)


def test_losses_pull_in_opposite_directions() -> None:
    ones, zeros = [torch.ones(2, 5)], [torch.zeros(2, 5)]
    assert discriminator_loss(ones, zeros) == 0
    assert discriminator_loss(zeros, ones) == 2
    assert generator_loss(ones) == 0
    assert generator_loss(zeros) == 1


def test_feature_matching_moves_the_fake_side_only() -> None:
    real = torch.zeros(2, 3, requires_grad=True)
    fake = torch.ones(2, 3, requires_grad=True)
    loss = feature_loss([[real]], [[fake]])
    loss.backward()
    assert loss == 2
    assert real.grad is None
    assert fake.grad is not None
