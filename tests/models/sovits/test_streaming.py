"""Sound made stretch by stretch, of a synthesizer that has learned nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.streaming import StreamedDecode
from ray_pipeline.models.sovits.synthesizer import Synthesizer

HOP = 640
BOUNDARIES = [10, 26, 51, 60]


@pytest.fixture(scope="module")
def network() -> Synthesizer:
    torch.manual_seed(0)
    made = Synthesizer(SOVITS_CONFIGS["nano"]).eval()
    with torch.no_grad():  # untrained, it is nearly silent and the flow does nothing
        for name, weight in made.named_parameters():
            if name.startswith("flow") and "post" in name:
                weight.normal_(0, 0.05)
            if name.startswith("dec.") and name.endswith("original1"):
                weight.mul_(3)
    return made


def streamed(
    network: Synthesizer, tokens: list[int], boundaries: list[int], **settings: float
) -> list[Tensor]:
    config = network.config
    torch.manual_seed(1)
    spec = torch.rand(1, config.spec_bins, 60)
    voice = network.mean_embedding([spec], [torch.rand(1, config.speaker_dim or 1)])
    text = torch.arange(1, 21)[None]
    generator = torch.Generator().manual_seed(5)
    decode = StreamedDecode(network, voice, text, generator, **settings)
    parts = [decode.more(tokens[:count], last=False) for count in boundaries[:-1]]
    return [*parts, decode.more(tokens, last=True)]


def tokens() -> list[int]:
    return torch.randint(0, 512, (60,), generator=torch.Generator().manual_seed(2)).tolist()


@pytest.mark.parametrize("speed", [1.0, 1.3])
def test_the_stretches_are_the_whole_length_together(network: Synthesizer, speed: float) -> None:
    parts = streamed(network, tokens(), BOUNDARIES, speed=speed)
    assert sum(map(len, parts)) == int(2 * 60 / speed) * HOP
    assert len(parts[0]) == pytest.approx((2 * 10 / speed - 5) * HOP, abs=HOP)


def test_what_was_decided_by_tokens_alone_does_not_change(network: Synthesizer) -> None:
    """Whatever comes later, what was given stays, so a stream is the same each time."""
    other = [*tokens()[:26], *reversed(tokens()[26:])]
    first, second = (streamed(network, said, BOUNDARIES) for said in (tokens(), other))
    torch.testing.assert_close(first[0], second[0])
    torch.testing.assert_close(first[1], second[1])


def test_without_a_join_there_is_the_same_sound(network: Synthesizer) -> None:
    """The tail alone, with its context, is what the vocoder makes of the whole; so with one
    stretch before the end only the waiting frames were made twice."""
    with torch.inference_mode():
        whole = torch.cat(streamed(network, tokens(), [60]))
        twice = torch.cat(streamed(network, tokens(), [60, 60]))
    torch.testing.assert_close(twice, whole, atol=1e-4, rtol=1e-3)


def test_joins_cannot_be_told_from_other_places(network: Synthesizer) -> None:
    """Spectral flux where two stretches meet lies within what the sound has anyway."""
    parts = streamed(network, tokens(), BOUNDARIES)
    wav = torch.cat(parts).numpy()
    joins = np.cumsum([len(part) for part in parts])[:-1]
    flux = _flux(wav)
    hop, usual = 160, np.percentile(flux, 95)
    at_joins = [flux[join // hop - 4 : join // hop + 8].max() for join in joins]
    elsewhere = [part.max() for part in np.array_split(flux, len(flux) // 12)]
    assert max(at_joins) <= np.percentile(elsewhere, 95)
    assert np.mean(at_joins) <= usual
    # The measure would see a join that was not faded.
    broken = np.concatenate([wav[: joins[1]], -wav[joins[1] :]])
    at = joins[1] // hop
    assert _flux(broken)[at - 4 : at + 8].max() > np.percentile(elsewhere, 95)


def _flux(wav: np.ndarray) -> np.ndarray:
    """How much a spectrum of 10 ms rises from one to the next, every 5 ms, in log magnitudes."""
    frames = np.lib.stride_tricks.sliding_window_view(wav, 320)[::160]
    log = np.log(np.abs(np.fft.rfft(frames * np.hanning(320))) + 1e-4)
    return np.array([np.maximum(0, after - before).mean() for before, after in pairwise(log)])
