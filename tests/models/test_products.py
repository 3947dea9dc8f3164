"""The product of a training on a CPU beside torch's own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ray_pipeline.models import products
from ray_pipeline.models.products import Linear, linear, uses_onednn


@pytest.fixture(autouse=True)
def onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever processor the test runs on: the product is slower on some, and the same."""
    monkeypatch.setattr(products, "_onednn_is_faster", lambda: True)


@pytest.mark.parametrize("with_bias", [True, False])
def test_the_product_and_its_gradients_are_those_of_torch(with_bias: bool) -> None:
    generator = torch.Generator().manual_seed(1)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator).requires_grad_()

    x, weight, bias = drawn(2, 7, 48), drawn(33, 48), drawn(33) if with_bias else None
    inputs = [each for each in (x, weight, bias) if each is not None]
    assert uses_onednn(x, weight)
    ours, theirs = linear(x, weight, bias), F.linear(x, weight, bias)
    upstream = torch.randn(2, 7, 33, generator=generator)
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(
        torch.autograd.grad(ours, inputs, upstream),
        torch.autograd.grad(theirs, inputs, upstream),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_what_takes_no_gradient_gets_none_and_the_rest_does() -> None:
    x, weight = torch.randn(5, 8, requires_grad=True), torch.randn(3, 8)
    assert uses_onednn(x, weight)
    linear(x, weight).sum().backward()
    torch.testing.assert_close(x.grad, weight.sum(0).expand(5, 8))
    assert weight.grad is None


def test_speaking_and_other_types_are_left_to_torch() -> None:
    layer = Linear(8, 3)
    x = torch.randn(5, 8)
    with torch.no_grad():
        assert not uses_onednn(x, layer.weight)
        assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))
    assert not uses_onednn(x.double(), layer.weight.double())
    assert not uses_onednn(x, layer.weight.detach())


def test_its_result_may_be_changed_in_place() -> None:
    x, weight = torch.randn(2, 5, 8), torch.randn(3, 8, requires_grad=True)
    F.leaky_relu_(linear(x, weight).permute(0, 2, 1)).sum().backward()
    assert weight.grad is not None
