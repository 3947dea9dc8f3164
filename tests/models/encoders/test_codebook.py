from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.models.encoders.codebook import Codebook, fit
from ray_pipeline.models.encoders.content import NanoContentEncoder
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from tests import speech


@pytest.fixture(scope="module")
def features() -> list[Tensor]:
    encoder = NanoContentEncoder()
    return [encoder(speech.clip(name), 32_000)[0] for name in speech.names()]


@pytest.fixture(scope="module")
def codebook(features: list[Tensor]) -> Codebook:
    return fit(features, seed=1)


def num_tokens(features: list[Tensor]) -> int:
    return sum(clip.shape[1] // 2 for clip in features)


def test_a_token_stands_for_two_frames_and_an_odd_one_is_dropped(
    codebook: Codebook, features: list[Tensor]
) -> None:
    clip = features[0][None]
    assert codebook.encode(clip[..., :40]).shape == (1, 1, 20)
    assert codebook.encode(clip[..., :41]).shape == (1, 1, 20)


def test_the_codebook_has_a_row_for_every_four_tokens_and_is_filled_up(
    codebook: Codebook, features: list[Tensor]
) -> None:
    assert codebook.rows.shape == (512, 80)
    assert codebook.used == min(512, num_tokens(features) // 4)
    assert codebook.counts.sum() == num_tokens(features)


def test_unused_rows_are_never_the_nearest(codebook: Codebook, features: list[Tensor]) -> None:
    assert codebook.used < 512
    strange = [
        torch.full((1, 80, 10), -9.21),
        torch.full((1, 80, 10), 30.0),
        100 * torch.randn(1, 80, 1000, generator=torch.Generator().manual_seed(0)),
    ]
    for clip in [*(clip[None] for clip in features), *strange]:
        codes = codebook.encode(clip)
        assert (codebook.counts[codes] > 0).all()


def test_the_same_seed_gives_the_same_codebook_and_another_seed_another(
    codebook: Codebook, features: list[Tensor]
) -> None:
    again, other = fit(features, seed=1), fit(features, seed=2)
    assert all(map(torch.equal, codebook.state_dict().values(), again.state_dict().values()))
    assert not torch.equal(codebook.rows, other.rows)


def test_the_projection_normalises_and_decorrelates(
    codebook: Codebook, features: list[Tensor]
) -> None:
    clips = [clip[:, : clip.shape[1] // 2 * 2] for clip in features]
    joined = torch.cat(clips, dim=1)[None]
    projected = torch.nn.functional.conv1d(joined, codebook.weight, codebook.bias, stride=2)[0]
    covariance = torch.cov(projected).numpy()
    variances = np.diag(covariance)
    assert np.abs(projected.mean(1)).max() < 1e-3
    assert np.abs(covariance - np.diag(variances)).max() < 1e-2
    assert (np.diff(variances) <= 1e-3).all()
    # Two normalised frames of 80 bins have a variance of 160; half the axes keep nearly all.
    assert 150 < variances.sum() < 161


def test_tokens_keep_more_of_the_sound_than_a_mean_frame(
    codebook: Codebook, features: list[Tensor]
) -> None:
    joined = torch.cat([clip[:, : clip.shape[1] // 2 * 2] for clip in features], dim=1)[None]
    projected = torch.nn.functional.conv1d(joined, codebook.weight, codebook.bias, stride=2)[0]
    error = (projected.T - codebook.rows[codebook.encode(joined)[0, 0]]).square().sum(1).mean()
    assert error < 0.5 * projected.var(dim=1).sum()


def test_half_precision_of_an_exported_voice_keeps_nearly_every_token(
    codebook: Codebook, features: list[Tensor]
) -> None:
    halved = {key: value.half() for key, value in codebook.state_dict().items()}
    exported = Codebook.from_state_dict(halved)
    joined = torch.cat(features, dim=1)[None]
    same = (exported.encode(joined) == codebook.encode(joined)).float().mean()
    assert same > 0.98


def test_saving_and_loading_gives_the_same_codebook(codebook: Codebook, tmp_path: Path) -> None:
    path = tmp_path / "codebook.safetensors"
    codebook.save(path)
    loaded = Codebook.load(path)
    assert all(map(torch.equal, codebook.state_dict().values(), loaded.state_dict().values()))


@pytest.mark.parametrize("content", [None, b"", b"something else entirely"])
def test_a_damaged_codebook_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "codebook.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadModelFile, match="extract_semantic_features"):
        Codebook.load(path)


def test_very_little_speech_gives_few_rows(features: list[Tensor]) -> None:
    assert fit([features[0][:, :41]], seed=1).used == 5
    assert fit([features[0][:, :2]], seed=1).used == 1


def test_no_speech_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="two frames"):
        fit([], seed=1)
    with pytest.raises(ValueError, match="two frames"):
        fit([torch.zeros(80, 1)], seed=1)


def test_a_synthesizer_that_takes_the_codebook_gives_the_same_tokens(
    codebook: Codebook, features: list[Tensor]
) -> None:
    synthesizer = Synthesizer(SOVITS_CONFIGS["nano"]).eval()
    codebook.apply(synthesizer)
    for clip in features:
        tokens = synthesizer.extract_latent(clip[None])
        assert torch.equal(tokens, codebook.encode(clip[None]))
