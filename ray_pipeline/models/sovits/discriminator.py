"""Tell generated audio from real: HiFi-GAN's multi-period discriminator and one on the waveform.

B batch, T samples, p period, C channels.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ray_pipeline.models.sovits.layers import NormedConv1d, NormedConv2d

_SLOPE = 0.1
# channels, kernel, stride, groups
_WAVE_LAYERS = (
    (16, 15, 1, 1),
    (64, 41, 4, 4),
    (256, 41, 4, 16),
    (1024, 41, 4, 64),
    (1024, 41, 4, 256),
    (1024, 5, 1, 1),
)
# channels, stride; the kernel is 5
_PERIOD_LAYERS = ((32, 3), (128, 3), (512, 3), (1024, 3), (1024, 1))


class WaveDiscriminator(nn.Module):
    def __init__(self, channel_divisor: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList()
        previous = 1
        for channels, kernel, stride, groups in _WAVE_LAYERS:
            width = max(channels // channel_divisor, 1)
            self.convs.append(
                NormedConv1d(
                    previous,
                    width,
                    kernel,
                    stride=stride,
                    padding=kernel // 2,
                    groups=min(groups, _shared_divisor(previous, width)),
                )
            )
            previous = width
        self.conv_post = NormedConv1d(previous, 1, 3, padding=1)

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """[B, 1, T] → scores [B, N] and the map after each layer [B, C, T']."""
        return _run_layers(wave, self.convs, self.conv_post)


class PeriodDiscriminator(nn.Module):
    """Sees every p-th sample as one column of an image."""

    def __init__(self, period: int, channel_divisor: int) -> None:
        super().__init__()
        self.period = period
        self.convs = nn.ModuleList()
        previous = 1
        for channels, stride in _PERIOD_LAYERS:
            width = max(channels // channel_divisor, 1)
            self.convs.append(NormedConv2d(previous, width, 5, stride=stride, padding=2))
            previous = width
        self.conv_post = NormedConv2d(previous, 1, 3, stride=1, padding=1)

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """[B, 1, T] → scores [B, N] and the map after each layer [B, C, T', p]."""
        missing = -wave.shape[-1] % self.period
        wave = F.pad(wave, (0, missing), mode="reflect") if missing else wave
        return _run_layers(wave.unflatten(-1, (-1, self.period)), self.convs, self.conv_post)


def _run_layers(
    x: Tensor, convs: nn.ModuleList, conv_post: nn.Module
) -> tuple[Tensor, list[Tensor]]:
    maps = []
    for conv in convs:
        x = F.leaky_relu_(conv(x), _SLOPE)
        maps.append(x)
    x = conv_post(x)
    maps.append(x)
    return x.flatten(1), maps


def _shared_divisor(first: int, second: int) -> int:
    """Groups have to divide both widths; widths are powers of two here."""
    return min(first & -first, second & -second)


class Discriminator(nn.Module):
    """The waveform discriminator first, then one for each period."""

    def __init__(self, periods: tuple[int, ...], channel_divisor: int = 1) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(
            [
                WaveDiscriminator(channel_divisor),
                *(PeriodDiscriminator(period, channel_divisor) for period in periods),
            ]
        )

    def forward(self, y: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """y [B, 1, T] → the scores [B, N] and the feature maps of each discriminator."""
        results = [discriminator(y) for discriminator in self.discriminators]
        return [scores for scores, _ in results], [maps for _, maps in results]
