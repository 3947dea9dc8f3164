from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from ray_pipeline.models.sovits import layers
from ray_pipeline.models.sovits.layers import (
    NormedConv1d,
    NormedConv2d,
    NormedConvTranspose1d,
    frame_mask,
    fuse_weight_norm,
)

_PAIRS = [
    (
        NormedConv1d(6, 8, 5, stride=2, padding=2, groups=2),
        nn.Conv1d(6, 8, 5, stride=2, padding=2, groups=2),
        (2, 6, 21),
    ),
    (
        NormedConv2d(3, 4, 5, stride=3, padding=2),
        nn.Conv2d(3, 4, (5, 1), stride=(3, 1), padding=(2, 0)),
        (2, 3, 17, 3),
    ),
    (
        NormedConvTranspose1d(4, 2, 8, stride=4, padding=2),
        nn.ConvTranspose1d(4, 2, 8, stride=4, padding=2),
        (2, 4, 9),
    ),
]


@pytest.mark.parametrize("has_avx512", [False, True])
@pytest.mark.parametrize(("ours", "plain", "shape"), _PAIRS)
def test_computes_what_torchs_weight_norm_computes(
    ours: nn.Module,
    plain: nn.Module,
    shape: tuple[int, ...],
    has_avx512: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(layers, "has_avx512", lambda: has_avx512)
    ours, theirs = copy.deepcopy(ours), weight_norm(copy.deepcopy(plain), dim=0)
    state = ours.state_dict()
    with torch.no_grad():
        theirs.bias.copy_(state["bias"])
        theirs.parametrizations.weight.original0.copy_(state["weight_g"] * 1.5)
        theirs.parametrizations.weight.original1.copy_(state["weight_v"])
        ours.weight_g.mul_(1.5)
    x = torch.randn(shape)
    torch.testing.assert_close(ours(x), theirs(x))


def test_parameters_have_the_spelling_and_order_of_the_files() -> None:
    assert list(NormedConv1d(2, 2, 3).state_dict()) == ["bias", "weight_g", "weight_v"]


def test_fusing_changes_no_output_and_leaves_the_files_keys() -> None:
    conv = NormedConv1d(4, 4, 3, padding=1)
    x = torch.randn(1, 4, 10)
    before, keys = conv(x), list(conv.state_dict())
    fuse_weight_norm(conv)
    torch.testing.assert_close(conv(x), before)
    assert list(conv.state_dict()) == keys


def test_training_and_loading_undo_the_fusing() -> None:
    conv = NormedConv1d(4, 4, 3)
    other = NormedConv1d(4, 4, 3)
    x = torch.randn(1, 4, 10)
    fuse_weight_norm(conv)
    conv.load_state_dict(other.state_dict())
    torch.testing.assert_close(conv(x), other(x))
    fuse_weight_norm(conv)
    conv.train()
    conv(x).sum().backward()
    assert conv.weight_g.grad is not None


def test_frame_mask_counts_from_the_left() -> None:
    assert frame_mask(torch.tensor([2, 0, 3]), 3).tolist() == [
        [True, True, False],
        [False, False, False],
        [True, True, True],
    ]
