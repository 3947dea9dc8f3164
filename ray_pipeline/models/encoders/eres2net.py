"""ERes2NetV2, the speaker encoder of the Pro versions (Chen et al. 2024, 3D-Speaker).

A residual network over the filter bank as a picture. Each block splits its channels into four
groups and lets each group hear the one before it. Only the layout that GPT-SoVITS uses is here:
64 base channels, base width 24, four groups, blocks 3, 4, 6, 3. Module names follow the keys of
the published weights.

Shapes: B clips, C channels, F filter bank bins (80, halved by each stage but the first),
T frames (10 ms, halved likewise).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_BASE_CHANNELS = 64
_BASE_WIDTH = 24
_GROUPS = 4
_EXPANSION = 4
_BLOCKS = (3, 4, 6, 3)
_STRIDES = (1, 2, 2, 2)
_BINS = 80
_FUSION_REDUCTION = 4
_VECTOR_SIZE = 192


class Eres2Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        channels = [_BASE_CHANNELS << stage for stage in range(4)]
        outputs = [width * _EXPANSION for width in channels]
        self.conv1 = nn.Conv2d(1, _BASE_CHANNELS, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_BASE_CHANNELS)
        inputs = [_BASE_CHANNELS, *outputs]
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _stage(inputs[i], channels[i], _BLOCKS[i], _STRIDES[i], fused=i >= 2) for i in range(4)
        )
        self.layer3_ds = nn.Conv2d(outputs[2], outputs[3], 3, stride=2, padding=1, bias=False)
        self.fuse34 = Fusion(outputs[3])
        pooled = outputs[3] * (_BINS >> 3)
        self.seg_1 = nn.Linear(2 * pooled, _VECTOR_SIZE)  # in the file, of no use here

    def forward(self, features: Tensor) -> Tensor:
        """Filter bank [B, T, 80] to the time average of the fused map, [B, 20480]."""
        return self.fused_map(features).mean(dim=2)

    def fused_map(self, features: Tensor) -> Tensor:
        """Filter bank [B, T, 80] to [B, 20480, T / 8], channels before bands."""
        picture = features.transpose(1, 2)[:, None]
        picture = torch.relu(self.bn1(self.conv1(picture)))
        third = self.layer3(self.layer2(self.layer1(picture)))
        fused: Tensor = self.fuse34(self.layer4(third), self.layer3_ds(third))
        return fused.flatten(1, 2)


class Block(nn.Module):
    """Four groups of channels in a row, each hearing the one before.

        x ── 1x1 ──┬─ group 0 ─ conv ──────────────┐
                   ├─ group 1 ─ join ─ conv ───────┤
                   ├─ group 2 ─────── join ─ conv ─┼── 1x1 ── + shortcut(x)
                   └─ group 3 ───────────── … ─────┘

    `fused` joins by attention (stages 3 and 4), else by a sum (stages 1 and 2).
    """

    def __init__(self, inputs: int, channels: int, stride: int, *, fused: bool) -> None:
        super().__init__()
        width = channels * _BASE_WIDTH // 64
        outputs = channels * _EXPANSION
        self.conv1 = nn.Conv2d(inputs, width * _GROUPS, 1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width * _GROUPS)
        self.convs = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(_GROUPS)
        )
        self.bns = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(_GROUPS))
        self.fuse_models = (
            nn.ModuleList(Fusion(width) for _ in range(_GROUPS - 1)) if fused else None
        )
        self.conv3 = nn.Conv2d(width * _GROUPS, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        groups = _clamp(self.bn1(self.conv1(x))).chunk(_GROUPS, dim=1)
        heard = [self._hear(0, groups[0])]
        for i in range(1, _GROUPS):
            heard.append(self._hear(i, self._join(i, groups[i], heard[-1])))
        joined = self.bn3(self.conv3(torch.cat(heard, dim=1)))
        return _clamp(joined + self.shortcut(x))

    def _hear(self, i: int, group: Tensor) -> Tensor:
        return _clamp(self.bns[i](self.convs[i](group)))

    def _join(self, i: int, group: Tensor, previous: Tensor) -> Tensor:
        if self.fuse_models is None:
            return group + previous
        fused: Tensor = self.fuse_models[i - 1](previous, group)
        return fused


class Fusion(nn.Module):
    """Attentional fusion of two maps of equal shape: what weighs x up weighs y down."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = channels // _FUSION_REDUCTION
        self.local_att = nn.Sequential(
            nn.Conv2d(2 * channels, narrow, 1),
            nn.BatchNorm2d(narrow),
            nn.SiLU(),
            nn.Conv2d(narrow, channels, 1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        weight = 1 + torch.tanh(self.local_att(torch.cat([x, y], dim=1)))
        return x * weight + y * (2 - weight)


def _stage(inputs: int, channels: int, blocks: int, stride: int, *, fused: bool) -> nn.Sequential:
    first = Block(inputs, channels, stride, fused=fused)
    rest = (Block(channels * _EXPANSION, channels, 1, fused=fused) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)


def _clamp(x: Tensor) -> Tensor:
    return x.clamp(0, 20)
