import numpy as np
import pytest
import torch

from ray_pipeline.models.mini.config import MINI, tiny_config
from ray_pipeline.models.mini.durations import DurationModel
from ray_pipeline.models.mini.files import new_base
from ray_pipeline.models.mini.synthesizer import MiniSynthesizer
from ray_pipeline.models.mini.tokens import tokens_of
from ray_pipeline.models.mini.vocoder import pulses


def test_the_base_has_at_most_eight_million_parameters() -> None:
    base = new_base(MINI)
    networks = (base.durations, base.synthesizer)

    assert sum(p.numel() for network in networks for p in network.parameters()) <= 8_000_000


def test_durations_do_not_depend_on_the_padding_behind() -> None:
    torch.manual_seed(0)
    model = DurationModel(tiny_config().durations).eval()
    phones, speaker = torch.tensor([3, 4, 5, 6]), torch.zeros(1, 162)
    padded = torch.cat([phones, torch.full((40,), model.phones.padding)])[None]

    alone = model(phones[None], torch.tensor([4]), speaker)
    beside = model(padded, torch.tensor([4]), speaker)

    # All but the phones near the end, whose neighbours are padding instead of nothing.
    torch.testing.assert_close(alone[:, :1], beside[:, :1], atol=0.05, rtol=0.05)


def test_every_token_becomes_640_samples() -> None:
    torch.manual_seed(0)
    synthesizer = MiniSynthesizer(tiny_config()).eval()
    tokens = tokens_of(np.array([1, 2, 3]), np.array([3, 1, 6]))

    wav = synthesizer.decode(tokens)

    assert wav.shape == (10 * 640,)
    assert bool(torch.isfinite(wav).all())


def test_the_same_noise_gives_the_same_waveform() -> None:
    torch.manual_seed(0)
    synthesizer = MiniSynthesizer(tiny_config()).eval()
    tokens = tokens_of(np.array([1, 2]), np.array([3, 4]))

    first, second, other = (
        synthesizer.decode(tokens, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )

    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("hz", [80.0, 200.0])
def test_pulses_come_once_a_period_and_have_unit_power(hz: float) -> None:
    train = pulses(torch.full((1, 100), hz))[0]

    peaks = int((train > train.max() * 0.6).int().diff().clamp(min=0).sum())
    assert peaks == pytest.approx(hz, abs=2)
    assert float(train.square().mean()) == pytest.approx(1.0, rel=0.05)


def test_where_there_is_no_voice_there_are_no_pulses() -> None:
    pitch = torch.cat([torch.zeros(1, 10), torch.full((1, 10), 150.0)], dim=1)

    train = pulses(pitch)[0]

    assert not train[: 10 * 320].any()
    assert train[10 * 320 :].abs().max() > 1
