"""What inference spends its time on: tokens of stage 1, and the vocoder."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import torch
from torch import nn

from benchmarks.compare import original, workloads
from benchmarks.compare.speed import Maker, Pair, Work
from ray_pipeline.models.gpt.config import GPT_CONFIGS
from ray_pipeline.models.gpt.decoding import decode_batch
from ray_pipeline.models.gpt.half_weights import use_half_weights
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.sampling import Sampling
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS, SovitsConfig
from ray_pipeline.models.sovits.layers import fuse_weight_norm
from ray_pipeline.models.sovits.synthesizer import Synthesizer

NUM_TOKENS = 100  # four seconds, a usual sentence
BATCH = 8
VOCODER_FRAMES = 50
TOP_K = 15

Models = tuple[Text2Semantic, nn.Module]


def makers(device: str) -> list[Maker]:
    cuda = device == "cuda"
    types = [torch.float32, torch.float16] if cuda else [torch.float32]
    found = []
    for dtype in types:
        suffix = str(dtype).removeprefix("torch.")
        found += _gpt_makers(device, dtype, suffix, half_weights=False)
        if not cuda:
            found += _gpt_makers(device, dtype, "half weights", half_weights=True)
        found += [
            Maker(f"vocoder {version} {suffix}", lambda v=version, t=dtype: _vocoder(v, device, t))
            for version in ("v2", "v2ProPlus")
        ]
    return found


def _gpt_makers(device: str, dtype: torch.dtype, suffix: str, half_weights: bool) -> list[Maker]:
    def both() -> tuple[Text2Semantic, nn.Module]:
        ours, theirs = gpt_models(device, dtype)
        return use_half_weights(ours) if half_weights else ours, theirs

    def build(make: Callable[[Models, str, torch.dtype], Pair]) -> Callable[[], Pair]:
        return lambda: make(both(), device, dtype)

    return [
        Maker(f"gpt decode 1 {suffix}", build(_single)),
        Maker(f"gpt decode {BATCH} {suffix}", build(_batch)),
        Maker(f"gpt decode {BATCH} over 1 {suffix}", build(_batch_over_one)),
    ]


def gpt_models(device: str, dtype: torch.dtype) -> tuple[Text2Semantic, nn.Module]:
    """Ours and theirs with the same weights, whose end mark is never likely: every decode
    then has the same length."""
    from AR.models.t2s_model import Text2SemanticDecoder

    config = GPT_CONFIGS["v2"]
    ours = Text2Semantic(config)
    weights = workloads.filled(ours)
    weights["ar_predict_layer.weight"][config.eos] = 0
    ours.load_state_dict(weights)
    theirs = Text2SemanticDecoder(config=config.to_export(), top_k=3)
    theirs.load_state_dict(weights)
    return ours.to(device, dtype).eval(), theirs.to(device, dtype).eval()


def our_decode(model: Text2Semantic, given: workloads.Sentences, top_k: int = TOP_K) -> float:
    """All sentences side by side; the number of tokens."""
    sampling = Sampling(top_k=top_k)
    decoded = decode_batch(model, given.ours(), sampling, max_tokens=NUM_TOKENS - 1)
    return sum(len(one.tokens) for one in decoded)


def _single(models: Models, device: str, dtype: torch.dtype) -> Pair:
    ours, theirs = models
    given = workloads.sentences(1, device, dtype)
    return Pair(
        "one sentence",
        "tokens/s",
        lambda: our_decode(ours, given),
        lambda: original.decode_alone(theirs, given, NUM_TOKENS, TOP_K),
    )


def _batch(models: Models, device: str, dtype: torch.dtype) -> Pair:
    ours, theirs = models
    given = workloads.sentences(BATCH, device, dtype)
    return Pair(
        "eight sentences",
        "tokens/s",
        lambda: our_decode(ours, given),
        lambda: original.decode_together(theirs, given, NUM_TOKENS, TOP_K),
    )


def _batch_over_one(models: Models, device: str, dtype: torch.dtype) -> Pair:
    """Our batch against our own single decode."""
    ours, _ = models
    together = workloads.sentences(BATCH, device, dtype)
    alone = workloads.sentences(1, device, dtype)
    return Pair(
        "ours: batch over one",
        "tokens/s",
        lambda: our_decode(ours, together),
        lambda: our_decode(ours, alone),
    )


@torch.no_grad()
def agreements() -> Iterator[str]:
    """How far smaller weights and float32 are apart after the same past."""
    ours, _ = gpt_models("cpu", torch.float32)
    batch = workloads.gpt_batch(2, 50, 125, "cpu")
    given = (batch.phones, batch.phone_lengths, batch.tokens, batch.token_lengths, batch.bert)
    exact = ours(*given).logits
    rounded = use_half_weights(copy.deepcopy(ours))(*given).logits
    yield f"half weights: {agreement(exact, rounded)}"


def agreement(exact: torch.Tensor, rounded: torch.Tensor) -> str:
    """Of two sets of logits [..., V]. How often the likeliest token is the same says little where
    many are nearly as likely, so the distributions are compared too."""
    same = exact.argmax(-1) == rounded.argmax(-1)
    best = exact.topk(2, dim=-1).values
    error = (rounded - exact).std()
    # Of the difference of two scores, each of which is off by `error`.
    clear = best[..., 0] - best[..., 1] > 2 * 2**0.5 * error
    p, q = exact.log_softmax(-1), rounded.log_softmax(-1)
    apart = (p.exp() * (p - q)).sum(-1).mean()
    choices = -(p.exp() * p).sum(-1).mean()
    return (
        f"the likeliest token is the same in {int(same.sum())} of {same.numel()} places, "
        f"in {int(same[clear].sum())} of the {int(clear.sum())} where it leads by more than "
        f"twice the error of its lead; scores are off by {float(error):.3f} and spread by "
        f"{float(exact.std(-1).mean()):.3f}; divergence {float(apart):.5f} nats, "
        f"perplexity {float(choices.exp()):.1f} of {exact.shape[-1]}"
    )


def _vocoder(version: str, device: str, dtype: torch.dtype) -> Pair:
    """Only the generator; the rate is seconds of sound a second."""
    config = SOVITS_CONFIGS[version]
    ours, theirs = _synthesizers(config)
    fuse_weight_norm(ours)
    latent = workloads.uniform("latent", 1, config.inter_channels, VOCODER_FRAMES)
    ge = workloads.uniform("ge", 1, config.gin_channels, 1)
    latent, ge = latent.to(device, dtype), ge.to(device, dtype)
    return Pair(
        version,
        "s/s",
        _speaking(ours.dec.to(device, dtype), latent, ge),
        _speaking(theirs.dec.to(device, dtype), latent, ge),
    )


def _speaking(vocoder: nn.Module, latent: torch.Tensor, ge: torch.Tensor) -> Work:
    def speak() -> float:
        with torch.no_grad():
            return vocoder(latent, ge).shape[-1] / 32000

    return speak


def _synthesizers(config: SovitsConfig) -> tuple[Synthesizer, nn.Module]:
    ours = Synthesizer(config)
    weights = workloads.filled(ours)
    ours.load_state_dict(weights)
    theirs, _ = original.synthesizer_and_discriminator(config)
    theirs.load_state_dict(weights)
    return ours.eval(), theirs.eval()
