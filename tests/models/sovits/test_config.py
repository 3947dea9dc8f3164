from __future__ import annotations

import pytest

from ray_pipeline.models.sovits.config import OFFICIAL_VERSIONS, SOVITS_CONFIGS, SovitsConfig


@pytest.mark.parametrize("version", SOVITS_CONFIGS)
def test_an_exported_config_gives_the_same_shape_back(version: str) -> None:
    config = SOVITS_CONFIGS[version]
    assert SovitsConfig.from_export(config.export_config(), version) == config


@pytest.mark.parametrize("version", SOVITS_CONFIGS)
def test_every_frame_is_640_samples(version: str) -> None:
    assert SOVITS_CONFIGS[version].samples_per_frame == 640


@pytest.mark.parametrize("version", OFFICIAL_VERSIONS)
def test_official_files_carry_the_originals_keys_only(version: str) -> None:
    assert set(SOVITS_CONFIGS[version].model_section()) == {
        *("inter_channels", "hidden_channels", "filter_channels", "n_heads", "n_layers"),
        *("kernel_size", "p_dropout", "resblock", "resblock_kernel_sizes"),
        *("resblock_dilation_sizes", "upsample_rates", "upsample_initial_channel"),
        *("upsample_kernel_sizes", "n_layers_q", "use_spectral_norm", "gin_channels"),
        *("semantic_frame_rate", "freeze_quantizer", "version"),
    }


def test_a_files_own_numbers_win_over_the_versions() -> None:
    config = SovitsConfig.from_export({"model": {"n_layers": 4, "p_dropout": 0}}, "v2")
    assert (config.n_layers, config.p_dropout) == (4, 0.0)


def test_values_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="expected something like 6"):
        SovitsConfig.from_export({"model": {"n_layers": "six"}}, "v2")
