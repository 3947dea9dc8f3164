"""What the generator and the discriminators are asked to reach, in float32.

Adversarial terms are least squares (LS-GAN) and feature matching as in HiFi-GAN, the
divergence is that of VITS between posterior and prior.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

FeatureMaps = Sequence[Sequence[Tensor]]  # one list a discriminator


def feature_loss(real: FeatureMaps, fake: FeatureMaps) -> Tensor:
    """Twice the sum of the mean distances of all feature maps. Real maps get no gradient."""
    terms = [
        (of_real.detach().float() - of_fake.float()).abs().mean()
        for real_maps, fake_maps in zip(real, fake, strict=True)
        for of_real, of_fake in zip(real_maps, fake_maps, strict=True)
    ]
    return 2 * torch.stack(terms).sum()


def discriminator_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Scores [B, N] of each discriminator: real ones should be 1, fake ones 0."""
    terms = [
        (1 - of_real.float()).square().mean() + of_fake.float().square().mean()
        for of_real, of_fake in zip(real, fake, strict=True)
    ]
    return torch.stack(terms).sum()


def generator_loss(fake: Sequence[Tensor]) -> Tensor:
    """Scores [B, N] of each discriminator for generated audio: they should be 1."""
    return torch.stack([(1 - scores.float()).square().mean() for scores in fake]).sum()


def kl_loss(z_p: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, mask: Tensor) -> Tensor:
    """Divergence of the posterior's sample from the prior, summed over channels, a frame.

    Latents [B, C, T], mask [B, 1, T]; the mean runs over the frames inside the mask.
    """
    z_p, logs_q, m_p, logs_p, mask = (x.float() for x in (z_p, logs_q, m_p, logs_p, mask))
    kl = logs_p - logs_q - 0.5 + 0.5 * (z_p - m_p).square() * torch.exp(-2 * logs_p)
    return (kl * mask).sum() / mask.sum()
