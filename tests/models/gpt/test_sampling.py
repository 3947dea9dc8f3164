from pathlib import Path

import torch

from ray_pipeline.models.gpt.sampling import (
    Sampling,
    draw,
    keep_best,
    keep_nucleus,
    penalise_repetition,
    probabilities,
)
from tests.conformance.golden_io import Case
from tests.conformance.gpt_cases import sampling

GOLDEN = Path(__file__).parents[2] / "conformance" / "golden"


def test_filtered_probabilities_are_those_of_the_original() -> None:
    case = Case(str(GOLDEN / "sampling.npz"))
    for name, got in sampling(case).items():
        case.check(name, got)


def test_a_penalty_pushes_both_signs_down_once() -> None:
    logits = torch.tensor([[2.0, -2.0, 4.0]])
    seen = torch.tensor([[True, True, False]])
    assert penalise_repetition(logits, seen, 2.0).tolist() == [[1.0, -4.0, 4.0]]


def test_the_token_that_crosses_top_p_is_removed_and_the_best_one_stays() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.2]]).log()
    assert keep_nucleus(logits, 0.7).isfinite().tolist() == [[True, False, False]]
    assert keep_nucleus(logits, 0.9).isfinite().tolist() == [[True, True, False]]
    assert keep_nucleus(logits, 0.1).isfinite().tolist() == [[True, False, False]]


def test_the_nucleus_is_found_in_any_order() -> None:
    logits = torch.tensor([[0.2, 0.5, 0.3], [0.3, 0.2, 0.5]]).log()
    kept = keep_nucleus(logits, 0.9).isfinite()
    assert kept.tolist() == [[False, True, True], [True, False, True]]


def test_equals_of_the_last_kept_token_stay() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.0, 2.0]])
    assert keep_best(logits, 2).isfinite().tolist() == [[True, False, True, True]]


def test_top_p_comes_before_the_temperature() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.2]]).log()
    hot = Sampling(top_k=None, top_p=0.9, temperature=100.0)
    assert (probabilities(logits, hot) > 0).tolist() == [[True, True, False]]


def test_draws_follow_the_probabilities() -> None:
    logits = torch.tensor([[0.6, 0.3, 0.1]]).log().expand(3000, 3)
    generator = torch.Generator().manual_seed(0)
    drawn = draw(logits, Sampling(top_k=None), [generator] * 3000)
    shares = drawn.bincount(minlength=3) / 3000
    torch.testing.assert_close(shares, torch.tensor([0.6, 0.3, 0.1]), atol=0.03, rtol=0)


def test_top_k_one_takes_the_best() -> None:
    logits = torch.tensor([[1.0, 5.0, 2.0]])
    assert draw(logits, Sampling(top_k=1), [None]).tolist() == [1]
