import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ray_pipeline.models.gpt.config import GPT_CONFIGS, tiny_gpt_config
from ray_pipeline.models.gpt.decoding import Sentence, decode_batch
from ray_pipeline.models.gpt.model import Text2Semantic, top3_accuracy, training_mask
from ray_pipeline.models.gpt.sampling import Sampling

MANIFESTS = Path(__file__).parents[2] / "conformance" / "manifests"


@pytest.fixture
def model() -> Text2Semantic:
    torch.manual_seed(0)
    return Text2Semantic(tiny_gpt_config()).eval()


def example(num_phones: int, num_tokens: int, seed: int = 1) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    phones = torch.randint(1, 700, (1, num_phones), generator=generator)
    tokens = torch.randint(0, 40, (1, num_tokens), generator=generator)
    bert = torch.randn(1, 1024, num_phones, generator=generator)
    return phones, torch.tensor([num_phones]), tokens, torch.tensor([num_tokens]), bert


@pytest.mark.parametrize(("name", "manifest"), [("v1", "t2s_s1longer"), ("v2", "t2s_s1longer-v2")])
def test_keys_and_shapes_are_those_of_the_original(name: str, manifest: str) -> None:
    entries = json.loads((MANIFESTS / f"{manifest}.json").read_text())["entries"]
    with torch.device("meta"):
        found = Text2Semantic(GPT_CONFIGS[name]).state_dict()
    assert [[key, list(value.shape)] for key, value in found.items()] == [e[:2] for e in entries]


def test_nano_has_the_same_keys_with_fewer_layers() -> None:
    entries = json.loads((MANIFESTS / "t2s_s1longer-v2.json").read_text())["entries"]
    names = {key for key, *_ in entries}
    with torch.device("meta"):
        found = set(Text2Semantic(GPT_CONFIGS["nano"]).state_dict())
    assert found == {
        name for name in names if "h.layers." not in name or int(name.split(".")[2]) < 4
    }


def test_a_token_sees_no_later_token(model: Text2Semantic) -> None:
    phones, phone_lengths, tokens, lengths, bert = example(6, 12)
    before = model(phones, phone_lengths, tokens, lengths, bert).logits
    tokens = tokens.clone()
    tokens[0, 7] = (tokens[0, 7] + 1) % 40
    after = model(phones, phone_lengths, tokens, lengths, bert).logits
    changed = (before - after).abs().amax(-1)[0] > 1e-6
    # Prediction i is made from the tokens before i.
    assert not changed[:8].any()
    assert changed[8:].all()


def test_targets_end_in_the_end_mark_and_padding_is_one_too(model: Text2Semantic) -> None:
    phones, phone_lengths, tokens, lengths, bert = example(6, 5)
    padded = torch.nn.functional.pad(tokens, (0, 2), value=3)
    targets = model(phones, phone_lengths, padded, lengths, bert).targets
    assert targets[0].tolist() == [*tokens[0].tolist(), 40, 40, 40]


def test_the_first_phones_of_a_shorter_item_are_hidden() -> None:
    mask = training_mask(torch.tensor([5, 3]), 5, torch.tensor([4, 2]), 4)[:, 0]
    assert mask[1, 4].tolist() == [False, False, True, True, True, False, False, False, False]
    assert mask[1, 6].tolist() == [False, False, True, True, True, True, True, False, False]
    assert mask[0, 6].tolist() == [True] * 7 + [False] * 2


def test_the_loss_is_summed_over_the_batch(model: Text2Semantic) -> None:
    one = model(*example(6, 9))
    phones, phone_lengths, tokens, lengths, bert = example(6, 9)
    twice = model(*(torch.cat([x, x]) for x in (phones, phone_lengths, tokens, lengths, bert)))
    torch.testing.assert_close(twice.loss, 2 * one.loss)


def test_a_rejected_sequence_adds_the_preference_loss(model: Text2Semantic) -> None:
    phones, phone_lengths, tokens, lengths, bert = example(6, 9)
    plain = model(phones, phone_lengths, tokens, lengths, bert)
    same = model(phones, phone_lengths, tokens, lengths, bert, tokens, lengths)
    assert plain.preference_loss == 0
    # Two equal sequences: -log sigmoid(0).
    torch.testing.assert_close(same.loss - plain.loss, torch.tensor(0.6931), atol=1e-3, rtol=0)


def test_top3_accuracy_leaves_end_marks_out() -> None:
    logits = torch.zeros(1, 3, 5)
    logits[0, 0, [1, 2, 3]] = 1.0
    logits[0, 1, [1, 2, 3]] = 1.0
    assert top3_accuracy(logits, torch.tensor([[2, 0, 4]]), eos=4) == 0.5


def test_training_on_one_sentence_learns_it() -> None:
    torch.manual_seed(0)
    # With dropout so small a model says it by heart for some seeds only.
    model = Text2Semantic(replace(tiny_gpt_config(), layer_dropout=0.0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    phones, phone_lengths, tokens, lengths, bert = example(6, 15)
    for _ in range(40):
        optimizer.zero_grad()
        output = model(phones, phone_lengths, tokens, lengths, bert)
        output.loss.backward()
        optimizer.step()
    model.eval()
    said = Sentence(phones[0], bert[0], tokens[0, :2])
    [decoded] = decode_batch(model, [said], Sampling(top_k=1, repetition_penalty=1.0))
    assert decoded.tokens[:13].tolist() == tokens[0, 2:].tolist()
