"""Behaviour on the nano configuration; the golden cases hold the numbers of the full sizes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ray_pipeline.models.sovits import layers
from ray_pipeline.models.sovits.config import OFFICIAL_VERSIONS, SOVITS_CONFIGS
from ray_pipeline.models.sovits.discriminator import Discriminator
from ray_pipeline.models.sovits.layers import fuse_weight_norm
from ray_pipeline.models.sovits.losses import kl_loss
from ray_pipeline.models.sovits.synthesizer import Synthesizer, SynthesizerOutput

_MANIFESTS = Path(__file__).parents[2] / "conformance" / "manifests"
_NANO = SOVITS_CONFIGS["nano"]


def _entries(name: str) -> list[tuple[str, list[int]]]:
    content = json.loads((_MANIFESTS / name).read_text())
    return [(key, shape) for key, shape, _ in content["entries"]]


@pytest.fixture(scope="module")
def nano() -> Synthesizer:
    torch.manual_seed(0)
    return Synthesizer(_NANO).eval()


def _batch(num_frames: int = 40) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "ssl": torch.randn(2, 80, num_frames, generator=generator),
        "spec": torch.rand(2, 1025, num_frames, generator=generator),
        "spec_lengths": torch.tensor([num_frames, num_frames - 6]),
        "text": torch.randint(0, 732, (2, 12), generator=generator),
        "text_lengths": torch.tensor([12, 9]),
        "sv": torch.randn(2, 160, generator=generator),
    }


@pytest.mark.parametrize("version", OFFICIAL_VERSIONS)
def test_keys_shapes_and_order_are_those_of_the_originals_files(version: str) -> None:
    with torch.device("meta"):
        state = Synthesizer(SOVITS_CONFIGS[version]).state_dict()
    assert [(key, list(x.shape)) for key, x in state.items()] == _entries(f"sovits_{version}.json")


@pytest.mark.parametrize("version", ["v2", "v2Pro"])
def test_discriminator_keys_are_those_of_the_originals_files(version: str) -> None:
    with torch.device("meta"):
        state = Discriminator(SOVITS_CONFIGS[version].periods).state_dict()
    assert [(key, list(x.shape)) for key, x in state.items()] == _entries(f"mpd_{version}.json")


def test_nanos_keys_follow_the_originals_pattern(nano: Synthesizer) -> None:
    def pattern(key: str) -> str:
        # Residual blocks of type "2" have one list of convolutions, those of type "1" two.
        return re.sub(r"\.convs[12]?\.", ".convs.", re.sub(r"\.\d+(?=\.)", ".N", key))

    ours = {pattern(key) for key in nano.state_dict()}
    assert ours == {pattern(key) for key, _ in _entries("sovits_v2ProPlus.json")}


def test_nano_is_small(nano: Synthesizer) -> None:
    assert sum(p.numel() for p in nano.parameters()) < 1_700_000


def test_training_forward_gives_a_segment_and_reaches_every_part_but_the_codebook() -> None:
    torch.manual_seed(0)
    model = Synthesizer(_NANO)
    output: SynthesizerOutput = model(**_batch(), segment_frames=8)
    assert output.y_hat.shape == (2, 1, 8 * 640)
    assert output.quantized.shape == (2, 80, 40)
    kl = kl_loss(output.z_p, output.logs_q, output.m_p, output.logs_p, output.z_mask)
    (output.y_hat.square().mean() + kl).backward()
    silent = {name for name, p in model.named_parameters() if p.grad is None}
    assert silent == {"ssl_proj.weight", "ssl_proj.bias"}


def test_a_seed_decides_the_segment_and_the_posteriors_sample(nano: Synthesizer) -> None:
    first, second, third = (
        nano(**_batch(), segment_frames=8, generator=torch.Generator().manual_seed(seed))
        for seed in (3, 3, 4)
    )
    assert torch.equal(first.y_hat, second.y_hat)
    assert not torch.equal(first.z, third.z)


def test_padding_of_an_item_does_not_change_its_latents(nano: Synthesizer) -> None:
    # With the voice vector held fixed: its own convolutions see two frames of padding, an
    # oddity of the original that is kept.
    batch = _batch()
    ge, ge_text = nano.global_embedding(batch["spec"], batch["spec_lengths"], batch["sv"])
    mask = torch.ones(2, 1, 40)
    mask[1, :, 34:] = 0
    semantic, noise = torch.randn(2, 80, 40), torch.randn(2, _NANO.inter_channels, 40)
    together = [
        *nano.enc_p(semantic, mask, batch["text"], batch["text_lengths"], ge_text)[:3],
        *nano.enc_q(batch["spec"], mask, ge, noise),
    ]
    alone = [
        *nano.enc_p(
            semantic[1:, :, :34],
            mask[1:, :, :34],
            batch["text"][1:, :9],
            batch["text_lengths"][1:],
            ge_text[1:],
        )[:3],
        *nano.enc_q(batch["spec"][1:, :, :34], mask[1:, :, :34], ge[1:], noise[1:, :, :34]),
    ]
    for whole, single in zip(together, alone, strict=True):
        torch.testing.assert_close(whole[1:, :, :34], single, atol=1e-5, rtol=1e-4)
        assert whole[1:, :, 34:].eq(0).all()


@pytest.mark.parametrize(("speed", "frames"), [(1.0, 20), (1.25, 17), (0.8, 26)])
def test_decode_length_follows_tokens_and_speed(
    nano: Synthesizer, speed: float, frames: int
) -> None:
    wave = _speak(nano, speed=speed)
    assert wave.shape == (1, 1, frames * 640)
    assert wave.isfinite().all()


def test_fused_weights_speak_the_same(nano: Synthesizer) -> None:
    before = _speak(nano)
    fuse_weight_norm(nano)
    torch.testing.assert_close(_speak(nano), before)
    nano.train().eval()


@pytest.mark.parametrize("has_avx512", [False, True])
def test_the_vocoder_says_the_same_whether_something_learns_or_not(
    nano: Synthesizer, has_avx512: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "has_avx512", lambda: has_avx512)
    latent, ge = torch.randn(2, _NANO.inter_channels, 9), torch.randn(2, _NANO.gin_channels, 1)
    learning = nano.dec(latent, ge)
    with torch.no_grad():
        speaking = nano.dec(latent, ge)
    assert learning.requires_grad
    assert not speaking.requires_grad
    torch.testing.assert_close(speaking, learning.detach())


def test_noise_repeats_with_the_seed(nano: Synthesizer) -> None:
    first, second, third = (
        _speak(nano, noise_scale=0.5, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_a_speaker_vector_is_demanded_where_the_model_has_one(nano: Synthesizer) -> None:
    with pytest.raises(ValueError, match="nano needs a speaker vector"):
        nano.global_embedding(torch.rand(1, 1025, 10), torch.tensor([10]))


def test_an_odd_last_frame_gives_no_token(nano: Synthesizer) -> None:
    assert nano.extract_latent(torch.randn(3, 80, 21)).shape == (3, 1, 10)


def test_a_fitted_codebook_decides_the_tokens() -> None:
    model = Synthesizer(_NANO)
    entries = torch.randn(_NANO.codebook_size, 80)
    model.quantizer.codebook.embed.copy_(entries)
    tokens = torch.tensor([[5, 500, 77]])
    vectors = model.quantizer.decode(tokens) + 0.01 * torch.randn(1, 80, 3)
    assert model.quantizer.encode(vectors).tolist() == tokens.tolist()


def _speak(model: Synthesizer, noise_scale: float = 0.0, **options: object) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    return model.decode(
        torch.randint(0, 512, (1, 1, 10), generator=generator),
        torch.randint(0, 732, (1, 6), generator=generator),
        [torch.rand(1, 1025, 30, generator=generator)],
        [torch.randn(1, 160, generator=generator)],
        noise_scale=noise_scale,
        **options,  # type: ignore[arg-type]
    )
