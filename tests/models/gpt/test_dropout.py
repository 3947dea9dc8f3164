import pytest
import torch
from torch.nn import functional as F

from ray_pipeline.models.gpt.config import tiny_gpt_config
from ray_pipeline.models.gpt.dropout import Dropout, attend_with_dropout, drop
from ray_pipeline.models.gpt.model import Text2Semantic


def test_a_share_is_dropped_and_the_mean_stays() -> None:
    torch.manual_seed(0)
    dropped = drop(torch.ones(400, 501), 0.1)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.1, abs=0.003)
    assert dropped.mean().item() == pytest.approx(1, abs=0.003)
    assert dropped.unique().tolist() == [0, pytest.approx(1 / 0.9, rel=1e-3)]


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    kept = drop(torch.ones(400_000), 0.5) > 0
    for distance in (1, 2, 3, 4):  # four values share a draw
        both = (kept[distance:] & kept[:-distance]).float().mean().item()
        assert both == pytest.approx(0.25, abs=0.005)


def test_a_seed_decides_what_is_dropped() -> None:
    def masks() -> list[torch.Tensor]:
        torch.manual_seed(3)
        return [drop(torch.ones(50), 0.5) for _ in range(2)]

    first, second = masks()
    assert torch.equal(torch.stack([first, second]), torch.stack(masks()))
    assert not torch.equal(first, second)


def test_the_gradient_passes_where_values_pass() -> None:
    x = torch.ones(1000, requires_grad=True)
    dropped = drop(x, 0.3)
    dropped.sum().backward()
    assert torch.equal(x.grad, dropped.detach())


def test_nothing_is_dropped_outside_training() -> None:
    x = torch.ones(100)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x
    with pytest.raises(ValueError, match="chance"):
        Dropout(1.0)


def test_attention_without_chance_is_attention() -> None:
    torch.manual_seed(0)
    queries, keys, values = torch.randn(3, 2, 4, 9, 8)
    mask = torch.ones(2, 1, 9, 9, dtype=torch.bool).tril()
    bias = torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)
    expected = F.scaled_dot_product_attention(queries, keys, values, mask)
    torch.testing.assert_close(attend_with_dropout(queries, keys, values, bias, 0.0), expected)


def test_training_drops_and_on_average_says_what_evaluation_says() -> None:
    torch.manual_seed(0)
    model = Text2Semantic(tiny_gpt_config())
    phones, tokens = torch.randint(1, 700, (1, 6)), torch.randint(0, 40, (1, 9))
    given = (phones, torch.tensor([6]), tokens, torch.tensor([9]), torch.randn(1, 1024, 6))
    copies = [x.expand(400, *x.shape[1:]) for x in given]
    with torch.no_grad():
        varied = model.train()(*copies).logits
        still = model.eval()(*given).logits[0]
    assert not torch.equal(varied[0], varied[1])
    assert (varied.mean(0) - still).norm() < 0.3 * still.norm()
