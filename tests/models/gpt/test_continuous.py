"""Sentences that come and go get the tokens that they would get alone."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch

from ray_pipeline.models.gpt.config import GptConfig, tiny_gpt_config
from ray_pipeline.models.gpt.continuous import ContinuousDecoder
from ray_pipeline.models.gpt.decoding import MIN_TOKENS, Decoded, decode_batch
from ray_pipeline.models.gpt.half_weights import can_use_half_weights, use_half_weights
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.row_store import BLOCK, SlotRows
from ray_pipeline.models.gpt.sampling import Sampling
from tests.models.gpt.test_decoding import EOS, prefer_eos, sentence

Spoken = dict[int, Decoded]

SAID = [sentence(7, 9, 1), sentence(4, 9, 2), sentence(12, 3, 3), sentence(5, None, 4)]
SAMPLINGS = [
    Sampling(top_k=8, top_p=0.95, temperature=0.9),
    Sampling(top_k=1),
    Sampling(top_k=None, temperature=1.5, repetition_penalty=1.0),
    Sampling(top_k=8, top_p=0.95, temperature=0.9),
]


@pytest.fixture
def model() -> Text2Semantic:
    torch.manual_seed(0)
    return Text2Semantic(tiny_gpt_config()).eval()


def generator(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(10 + number)


def alone(model: Text2Semantic, max_tokens: int | None = 40) -> Spoken:
    return {
        number: decode_batch(
            model, [one], sampling, generators=[generator(number)], max_tokens=max_tokens
        )[0]
        for number, (one, sampling) in enumerate(zip(SAID, SAMPLINGS, strict=True))
    }


def come_and_go(
    decoder: ContinuousDecoder, arrives: Callable[[int], bool] = lambda _: True
) -> Spoken:
    """All of SAID, each admitted at a step at which it `arrives`, when there is a row."""
    waiting, rows, spoken = list(range(len(SAID))), dict[int, int](), Spoken()
    while waiting or decoder.num_running:
        if waiting and decoder.num_free and (arrives(waiting[0]) or not decoder.num_running):
            number = waiting.pop(0)
            rows[decoder.admit(SAID[number], SAMPLINGS[number], generator(number))] = number
        for row, decoded in decoder.step():
            spoken[rows.pop(row)] = decoded
    return spoken


def same(left: Spoken, right: Spoken) -> bool:
    return [(left[n].tokens.tolist(), left[n].ended) for n in range(len(SAID))] == [
        (right[n].tokens.tolist(), right[n].ended) for n in range(len(SAID))
    ]


@pytest.mark.parametrize("seed", range(5))
def test_company_changes_no_token_whenever_sentences_come(model: Text2Semantic, seed: int) -> None:
    chance = random.Random(seed)
    decoder = ContinuousDecoder(model, num_rows=3, max_tokens=40)
    spoken = come_and_go(decoder, lambda _: chance.random() < 0.2)
    assert same(spoken, alone(model))


def test_slots_side_by_side_give_the_same_tokens(model: Text2Semantic) -> None:
    decoder = ContinuousDecoder(model, num_rows=3, max_tokens=40)
    decoder._store = SlotRows(model, 3)
    chance = random.Random(1)
    assert same(come_and_go(decoder, lambda _: chance.random() < 0.2), alone(model))


@pytest.mark.skipif(not can_use_half_weights(), reason="torch lacks the product here")
def test_with_half_weights_company_changes_hardly_a_bit_of_the_scores() -> None:
    """None with AVX-512; with AVX2 numbers of rows have products of their own, which add up in
    another order."""
    torch.manual_seed(0)
    config = GptConfig(width=128, num_layers=3, num_heads=4, feed_forward=512)
    model = use_half_weights(Text2Semantic(config).eval().requires_grad_(False))

    def scores(others: int) -> torch.Tensor:
        decoder = ContinuousDecoder(model, num_rows=8)
        for number in range(others):
            decoder.admit(SAID[number % 4], SAMPLINGS[0], generator(number))
            decoder.step()
        row = decoder.admit(SAID[0], Sampling(top_k=1))
        for _ in range(8):
            decoder.step()
        return decoder._rows[row].scores

    rounding = 0.0 if "AVX512" in torch.backends.cpu.get_cpu_capability() else 1e-5
    torch.testing.assert_close(scores(0), scores(7), atol=rounding, rtol=0)


@pytest.mark.parametrize("slots", [False, True])
def test_a_sentence_longer_than_a_block_is_told_as_a_whole(
    model: Text2Semantic, slots: bool
) -> None:
    with torch.no_grad():
        model.ar_predict_layer.weight[EOS] = 0
    most = 2 * BLOCK
    [wanted] = decode_batch(model, [SAID[0]], Sampling(top_k=1), max_tokens=most)
    decoder = ContinuousDecoder(model, num_rows=2, max_tokens=most)
    if slots:
        decoder._store = SlotRows(model, 2)
    before = decoder.num_bytes
    decoder.admit(SAID[0], Sampling(top_k=1))
    [decoded] = [one for _ in range(most + 1) for _, one in decoder.step()]
    assert len(decoded.tokens) == most + 1
    assert not decoded.ended
    assert torch.equal(decoded.tokens, wanted.tokens)
    assert decoder.num_bytes == before


def test_a_dropped_sentence_frees_its_row_and_disturbs_nobody(model: Text2Semantic) -> None:
    decoder = ContinuousDecoder(model, num_rows=2, max_tokens=40)
    stays = decoder.admit(SAID[0], SAMPLINGS[0], generator(0))
    leaves = decoder.admit(SAID[1], SAMPLINGS[1], generator(1))
    with pytest.raises(ValueError, match="taken"):
        decoder.admit(SAID[2], SAMPLINGS[2])
    for _ in range(3):
        decoder.step()
    assert len(decoder.tokens(leaves)) == 3
    decoder.drop(leaves)
    assert decoder.num_free == 1
    spoken = dict(one for _ in range(42) for one in decoder.step())
    assert list(spoken) == [stays]
    assert spoken[stays].tokens.tolist() == alone(model)[0].tokens.tolist()
    assert decoder.num_bytes == 0


def test_nothing_shorter_than_eleven_tokens_comes_out(model: Text2Semantic) -> None:
    prefer_eos(model)
    decoder = ContinuousDecoder(model)
    decoder.admit(SAID[0], Sampling(top_k=1))
    [(_, decoded)] = [one for _ in range(MIN_TOKENS + 1) for one in decoder.step()]
    assert decoded.ended
    assert len(decoded.tokens) == MIN_TOKENS


def test_forbidden_tokens_never_come_out(model: Text2Semantic) -> None:
    usable = torch.zeros(EOS, dtype=torch.bool)
    usable[[3, 5, 8, 13]] = True
    decoder = ContinuousDecoder(model, usable_tokens=usable)
    decoder.admit(SAID[0], Sampling(top_k=None, temperature=2.0), generator(0))
    said = [one for _ in range(decoder.limit) for _, one in decoder.step()]
    assert set(said[0].tokens.tolist()) <= {3, 5, 8, 13}


def test_a_long_prompt_has_positions_of_its_own(model: Text2Semantic) -> None:
    long = sentence(5, 400)
    [wanted] = decode_batch(model, [long], Sampling(top_k=1), max_tokens=20)
    decoder = ContinuousDecoder(model, max_tokens=20)
    decoder.admit(long, Sampling(top_k=1))
    [decoded] = [one for _ in range(21) for _, one in decoder.step()]
    assert torch.equal(decoded.tokens, wanted.tokens)
