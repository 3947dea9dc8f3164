import pytest
import torch

from ray_pipeline.training.gpt.evaluation import token_perplexity, unigram_top3
from ray_pipeline.training.sovits.data import SovitsExample
from ray_pipeline.training.sovits.evaluation import choose_reference, constant_frame_error


def _example(name: str, num_frames: int) -> SovitsExample:
    wav = torch.sin(torch.arange(num_frames * 640) / 30)[None]
    empty = torch.zeros(1, num_frames)
    return SovitsExample(name, empty, empty, wav, torch.zeros(1), None)


def test_perplexity_counts_the_tokens_in_use() -> None:
    assert token_perplexity([[1, 2], [3, 4]]) == pytest.approx(4)
    assert token_perplexity([[7, 7, 7]]) == pytest.approx(1)


def test_unigram_answers_with_the_three_commonest() -> None:
    assert unigram_top3([[1, 1, 2, 2, 3, 4]]) == pytest.approx(5 / 6)


def test_a_steady_tone_is_nearly_its_own_mean_frame() -> None:
    tone = _example("tone", 60)
    error_of_tone = constant_frame_error([tone], [tone])
    noise = _example("noise", 60)
    loud = SovitsExample("n", noise.ssl, noise.spec, torch.rand(1, 38400), noise.phones, None)
    assert constant_frame_error([loud], [tone]) > 3 * error_of_tone


def test_the_reference_is_three_to_ten_seconds_where_there_is_one() -> None:
    examples = [_example("short", 60), _example("good", 200), _example("long", 600)]
    assert choose_reference(examples).name == "good"
    assert choose_reference([examples[0], examples[2]]).name == "short"
