"""The shape of every SoVITS variant as data: v1, v2, v2Pro, v2ProPlus and nano.

All variants are the same modules; nothing but this table knows how they differ.
Lengths are in frames of 640 samples (50 a second), channels are plain counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ray_pipeline.core.audio_format import HOP_SAMPLES, SAMPLE_RATE

FFT_SIZE = 2048
SPEC_BINS = FFT_SIZE // 2 + 1

# What the original's files carry in their `model` section. Everything else of SovitsConfig is
# fixed in the original by the version, so only other variants write it down.
_OFFICIAL_FIELDS = (
    "version",
    "inter_channels",
    "hidden_channels",
    "filter_channels",
    "n_heads",
    "n_layers",
    "kernel_size",
    "p_dropout",
    "resblock",
    "resblock_kernel_sizes",
    "resblock_dilation_sizes",
    "upsample_rates",
    "upsample_initial_channel",
    "upsample_kernel_sizes",
    "gin_channels",
    "semantic_frame_rate",
    "freeze_quantizer",
)
# Carried by the original's files and used by nobody.
_UNUSED_OFFICIAL: dict[str, Any] = {"n_layers_q": 3, "use_spectral_norm": False}


@dataclass(frozen=True, kw_only=True)
class SovitsConfig:
    """One variant. The first block has the original's names, so that its files can be read."""

    version: str
    inter_channels: int = 192
    hidden_channels: int = 192
    filter_channels: int = 768
    n_heads: int = 2
    n_layers: int = 6
    kernel_size: int = 3
    p_dropout: float = 0.1
    resblock: str = "1"
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    upsample_rates: tuple[int, ...] = (10, 8, 2, 2, 2)
    upsample_initial_channel: int = 512
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 8, 2, 2)
    gin_channels: int = 512
    semantic_frame_rate: str = "25hz"
    freeze_quantizer: bool = True

    num_phones: int = 732
    spec_bins: int = SPEC_BINS
    style_bins: int = 704  # the lowest bins, the ones that the reference encoder sees
    style_channels: int = 128
    style_heads: int = 2
    mrte_channels: int = 512
    mrte_heads: int = 4
    posterior_layers: int = 16
    num_flows: int = 4
    flow_layers: int = 4
    ssl_dim: int = 768  # width of the content features and of the codebook
    codebook_size: int = 1024
    speaker_dim: int | None = None  # width of the speaker vector, None without one
    periods: tuple[int, ...] = (2, 3, 5, 7, 11)  # of the discriminators beside the first
    discriminator_divisor: int = 1  # their channels are the original's divided by this

    @property
    def samples_per_frame(self) -> int:
        product = 1
        for rate in self.upsample_rates:
            product *= rate
        return product

    def model_section(self) -> dict[str, Any]:
        """The `model` section of an exported file: the original's keys, and for a variant that
        the original does not know every other field as well."""
        values = {name: _as_lists(value) for name, value in asdict(self).items()}
        if self.version not in OFFICIAL_VERSIONS:
            return values | _UNUSED_OFFICIAL
        return {name: values[name] for name in _OFFICIAL_FIELDS} | _UNUSED_OFFICIAL

    def export_config(self) -> dict[str, Any]:
        """A whole `config` of an exported file, for weights without a training run behind them."""
        return {
            "train": {"segment_size": 32 * self.samples_per_frame},
            "data": dict(DATA_SECTION),
            "model": self.model_section(),
            "version": self.version,
        }

    @classmethod
    def from_export(cls, config: Mapping[str, Any], version: str) -> SovitsConfig:
        """The shape that an exported file's `config` asks for.

        The variant named by `version` gives what the file leaves out. Raises KeyError for an
        unknown version, TypeError or ValueError for values of another kind.
        """
        base = SOVITS_CONFIGS[version]
        names = set(_OFFICIAL_FIELDS) if version in OFFICIAL_VERSIONS else _field_names()
        section = config.get("model", {})
        given = {name: section[name] for name in names if name in section}
        given = {name: _like(getattr(base, name), value) for name, value in given.items()}
        return replace(base, **(given | {"version": version}))


def _field_names() -> set[str]:
    return {field.name for field in fields(SovitsConfig)}


def _as_lists(value: Any) -> Any:
    return [_as_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value


def _like(sample: Any, value: Any) -> Any:
    """`value` in the type of `sample`; ValueError when it is something else altogether."""
    value = _as_tuples(value)
    if isinstance(sample, float) and isinstance(value, int):
        value = float(value)
    if sample is not None and value is not None and type(value) is not type(sample):
        raise ValueError(f"expected something like {sample!r}, got {value!r}")
    return value


DATA_SECTION: Mapping[str, Any] = {
    "max_wav_value": 32768.0,
    "sampling_rate": SAMPLE_RATE,
    "filter_length": FFT_SIZE,
    "hop_length": HOP_SAMPLES,
    "win_length": FFT_SIZE,
    "n_mel_channels": 128,
    "mel_fmin": 0.0,
    "mel_fmax": None,
    "add_blank": True,
    "n_speakers": 300,
    "cleaned_text": True,
}

OFFICIAL_VERSIONS = ("v1", "v2", "v2Pro", "v2ProPlus")

_V2 = SovitsConfig(version="v2")
_V2_PRO = replace(
    _V2,
    version="v2Pro",
    gin_channels=1024,
    p_dropout=0.0,
    speaker_dim=20480,
    periods=(2, 3, 5, 7, 11, 17, 23),
)

SOVITS_CONFIGS: Mapping[str, SovitsConfig] = {
    "v1": replace(_V2, version="v1", num_phones=322, style_bins=SPEC_BINS),
    "v2": _V2,
    "v2Pro": _V2_PRO,
    "v2ProPlus": replace(
        _V2_PRO,
        version="v2ProPlus",
        upsample_initial_channel=768,
        upsample_kernel_sizes=(20, 16, 8, 2, 2),
    ),
    # Small enough to learn something from scratch in minutes on two cores.
    "nano": SovitsConfig(
        version="nano",
        inter_channels=64,
        hidden_channels=64,
        filter_channels=128,
        n_layers=2,
        p_dropout=0.0,
        resblock="2",
        resblock_kernel_sizes=(3, 7),
        resblock_dilation_sizes=((1, 3), (1, 3)),
        upsample_initial_channel=128,
        gin_channels=128,
        style_channels=64,
        mrte_channels=128,
        posterior_layers=4,
        num_flows=2,
        flow_layers=2,
        ssl_dim=80,
        codebook_size=512,
        speaker_dim=160,
        periods=(2, 3, 5),
        discriminator_divisor=16,
    ),
}
