"""How the channels of a recording become one.

The rule is the plain average. Two kinds of recordings would be ruined by it and are mended:
a channel with nothing in it would halve the level, and one with the opposite sign (a wrongly
soldered cable) would cancel the voice. Floats of the size of integers, which programs write that
forget to divide by 32768, are brought down to full scale. What was mended is said in a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ray_pipeline.audio.levels import from_db

_EMPTY_CHANNEL_DB = -40.0  # below the loudest channel
_OPPOSITE_CORRELATION = -0.5
_AUDIBLE_OFFSET = 0.01  # of full scale: half the slicer's default threshold of -34 dB
_FULL_SCALE = 0.99
_CLIPPED_SHARE = 0.001
_ABSURD = 1e10  # the largest integers that somebody may have stored as floats lie at 2e9
_DAMAGED_SHARE = 0.01
# Nobody overdrives a float recording by 18 dB, and one bad sample does not make it integers.
_FAR_ABOVE_FULL_SCALE, _FAR_ABOVE_SHARE = 8.0, 0.05
# Integers of 16, 24 and 32 bits; one bit more for what was resampled after it was scaled.
_INTEGER_SCALES = tuple(2.0**bits for bits in (15, 16, 23, 24, 31, 32))


@dataclass
class ChannelStatistics:
    """Running sums over blocks [N, C]; enough to decide the mix without the samples."""

    num_channels: int
    num_samples: int = 0
    num_not_finite: int = 0
    num_clipped: int = 0
    num_sounding: int = 0
    num_far_above: int = 0
    loudest: float = 0.0
    sums: NDArray[np.float64] = field(init=False)
    products: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.sums = np.zeros(self.num_channels)
        self.products = np.zeros((self.num_channels, self.num_channels))

    def add(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Count a block [N, C] in; returns it with NaN, infinite and absurd samples set to zero."""
        finite = np.abs(block) < _ABSURD  # false for NaN too
        if not finite.all():
            self.num_not_finite += int((~finite).any(axis=1).sum())
            block = np.where(finite, block, np.float32(0))
        self.num_samples += len(block)
        levels = np.abs(block).max(axis=1, initial=0)
        self.num_clipped += int((levels >= _FULL_SCALE).sum())
        self.num_sounding += int((levels > 0).sum())
        self.num_far_above += int((levels > _FAR_ABOVE_FULL_SCALE).sum())
        self.loudest = max(self.loudest, float(levels.max(initial=0)))
        wide = block.astype(np.float64)
        self.sums += wide.sum(axis=0)
        self.products += wide.T @ wide
        return block

    @property
    def not_finite_share(self) -> float:
        return self.num_not_finite / max(self.num_samples, 1)

    @property
    def is_damaged(self) -> bool:
        """More samples are no numbers than a listener would forgive as clicks."""
        return self.not_finite_share > _DAMAGED_SHARE

    @property
    def clipped_share(self) -> float:
        return self.num_clipped / max(self.num_samples, 1)

    @property
    def full_scale(self) -> float:
        """1, or the power of two that stands for it where the samples are integers' sizes."""
        if self.num_far_above <= _FAR_ABOVE_SHARE * self.num_sounding:
            return 1.0
        return next(scale for scale in _INTEGER_SCALES if self.loudest <= scale or scale == 2.0**32)

    def plan(self) -> MixPlan:
        """The weights of the mix and what is to be said about them."""
        count = max(self.num_samples, 1)
        means = self.sums / count
        covariance = self.products / count - np.outer(means, means)
        levels = np.sqrt(np.maximum(np.diag(covariance), 0))
        loudest = int(levels.argmax())
        heard = levels >= levels[loudest] * from_db(_EMPTY_CHANNEL_DB)
        opposite = heard & (covariance[loudest] < _OPPOSITE_CORRELATION * levels * levels[loudest])
        weights = np.where(heard, np.where(opposite, -1.0, 1.0), 0.0) / heard.sum()
        offset = float(weights @ means) / self.full_scale
        mended = offset if abs(offset) > _AUDIBLE_OFFSET else 0.0
        remarks = self._remarks(heard, opposite, mended)
        return MixPlan(weights, mended, remarks, self.full_scale)

    def _remarks(
        self, heard: NDArray[np.bool_], opposite: NDArray[np.bool_], offset: float
    ) -> list[str]:
        remarks = []
        if self.full_scale != 1:
            remarks.append(
                f"its samples are as large as integers and were divided by {self.full_scale:.0f}"
            )
        if not heard.all():
            remarks.append(f"{_numbers(~heard)} nearly empty and left out of the mix")
        if opposite.any():
            remarks.append(f"{_numbers(opposite)} out of phase and turned round")
        if offset:
            remarks.append(f"a constant offset of {offset:+.3f} was removed")
        if self.num_not_finite:
            remarks.append(f"{self.num_not_finite} samples were no numbers and set to zero")
        return remarks

    @property
    def clipping_remark(self) -> list[str]:
        """Of samples that are at their final scale."""
        if self.clipped_share <= _CLIPPED_SHARE:
            return []
        return [f"{self.clipped_share:.1%} of the samples are at full scale (clipped)"]


@dataclass(frozen=True)
class MixPlan:
    """`weights` [C] sum to one for a plain average; `offset` is taken off the mix. Samples are
    divided by `full_scale` before they are mixed."""

    weights: NDArray[np.float64]
    offset: float
    remarks: list[str]
    full_scale: float = 1.0

    @property
    def is_plain_average(self) -> bool:
        return (
            not self.offset
            and self.full_scale == 1
            and np.allclose(self.weights, 1 / len(self.weights))
        )

    def at_full_scale(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        return block if self.full_scale == 1 else block / np.float32(self.full_scale)

    def mix(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """[N, C] at full scale -> [N]"""
        mixed = block.astype(np.float64) @ self.weights - self.offset
        return mixed.astype(np.float32)


def plain_average(num_channels: int) -> MixPlan:
    return MixPlan(np.full(num_channels, 1 / num_channels), 0.0, [])


def _numbers(chosen: NDArray[np.bool_]) -> str:
    numbers = [str(index + 1) for index in np.flatnonzero(chosen)]
    return f"channel {numbers[0]} is" if len(numbers) == 1 else f"channels {', '.join(numbers)} are"
