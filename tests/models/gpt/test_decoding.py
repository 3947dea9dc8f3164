import pytest
import torch

from ray_pipeline.models.gpt.config import tiny_gpt_config
from ray_pipeline.models.gpt.decoding import MIN_TOKENS, Sentence, decode_batch
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.sampling import Sampling

EOS = tiny_gpt_config().eos


@pytest.fixture
def model() -> Text2Semantic:
    torch.manual_seed(0)
    return Text2Semantic(tiny_gpt_config()).eval()


def sentence(num_phones: int, num_prompt: int | None, seed: int = 1) -> Sentence:
    generator = torch.Generator().manual_seed(seed)
    phones = torch.randint(1, 700, (num_phones,), generator=generator)
    bert = torch.randn(1024, num_phones, generator=generator)
    prompt = None
    if num_prompt is not None:
        prompt = torch.randint(0, EOS, (num_prompt,), generator=generator)
    return Sentence(phones, bert, prompt)


def prefer_eos(model: Text2Semantic) -> None:
    """Make the end mark the likeliest token always."""
    last = model.h.layers[-1]
    with torch.no_grad():
        last.norm2.weight.zero_()
        last.norm2.bias.fill_(1.0)
        model.ar_predict_layer.weight.zero_()
        model.ar_predict_layer.weight[EOS] = 1.0


@pytest.mark.parametrize("prompt", [None, 9])
def test_the_cache_gives_what_a_full_pass_gives(model: Text2Semantic, prompt: int | None) -> None:
    said = sentence(7, prompt)
    seen: list[torch.Tensor] = []
    [decoded] = decode_batch(
        model,
        [said],
        Sampling(top_k=1),
        max_tokens=20,
        on_logits=lambda _, logits: seen.append(logits.clone()),
    )
    before = torch.empty(0, dtype=torch.long) if said.prompt is None else said.prompt
    tokens = torch.cat([before, decoded.tokens])
    with torch.inference_mode():
        full = model(
            said.phones[None],
            torch.tensor([7]),
            tokens[None],
            torch.tensor([len(tokens)]),
            said.bert[None],
        ).logits[0, len(before) :]
    for step, logits in enumerate(seen):
        width = logits.shape[1]
        torch.testing.assert_close(logits[0], full[step, :width], atol=1e-5, rtol=1e-4)


def test_sentences_get_together_what_they_get_alone(model: Text2Semantic) -> None:
    said = [sentence(7, 9, 1), sentence(4, 9, 2), sentence(12, 3, 3), sentence(5, None, 4)]
    sampling = Sampling(top_k=8, top_p=0.95, temperature=0.9)

    def generators() -> list[torch.Generator]:
        return [torch.Generator().manual_seed(10 + i) for i in range(len(said))]

    together = decode_batch(model, said, sampling, generators=generators(), max_tokens=40)
    alone = [
        decode_batch(model, [one], sampling, generators=[generator], max_tokens=40)[0]
        for one, generator in zip(said, generators(), strict=True)
    ]
    assert [d.tokens.tolist() for d in together] == [d.tokens.tolist() for d in alone]
    assert [d.ended for d in together] == [d.ended for d in alone]


def test_nothing_shorter_than_eleven_tokens_comes_out(model: Text2Semantic) -> None:
    prefer_eos(model)
    [decoded] = decode_batch(model, [sentence(7, 9)], Sampling(top_k=1))
    assert decoded.ended
    assert len(decoded.tokens) == MIN_TOKENS == 11


def test_the_early_stop_keeps_one_token_more(model: Text2Semantic) -> None:
    with torch.no_grad():
        model.ar_predict_layer.weight[EOS] = 0
    # Nothing is above zero but the others, so the end mark is hardly ever the likeliest.
    [decoded] = decode_batch(model, [sentence(7, 9)], Sampling(top_k=1), max_tokens=12)
    assert not decoded.ended
    assert len(decoded.tokens) == 13


def test_a_seed_decides_the_tokens(model: Text2Semantic) -> None:
    said = sentence(7, 9)

    def speak(seed: int) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        [decoded] = decode_batch(model, [said], Sampling(), generators=[generator])
        return decoded.tokens.tolist()

    assert speak(1) == speak(1)
    assert speak(1) != speak(2)


def test_forbidden_tokens_never_come_out(model: Text2Semantic) -> None:
    usable = torch.zeros(EOS, dtype=torch.bool)
    usable[[3, 5, 8, 13]] = True
    sampling = Sampling(top_k=None, temperature=2.0)
    generator = torch.Generator().manual_seed(0)
    [decoded] = decode_batch(
        model, [sentence(7, 9)], sampling, generators=[generator], usable_tokens=usable
    )
    assert set(decoded.tokens.tolist()) <= {3, 5, 8, 13}
    assert len(decoded.tokens) >= MIN_TOKENS
