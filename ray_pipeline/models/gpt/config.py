"""The sizes of a stage-1 model, and the nested dictionary that weight files carry.

Every version is one of these configurations; the modules know no version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ray_pipeline.core.audio_format import TOKENS_PER_SECOND
from ray_pipeline.core.errors import BadModelFile


@dataclass(frozen=True, kw_only=True)
class GptConfig:
    """Defaults are the original's `s1longer-v2`, which v2, v2Pro and v2ProPlus share.

    `vocab_size` counts the semantic tokens and, as the last of them, the end mark.
    `layer_dropout` acts in training on positions, attention and feed-forward; the original
    cannot set it, so its files do not carry it.
    """

    width: int = 512
    num_layers: int = 24
    num_heads: int = 16
    feed_forward: int = 2048
    phoneme_vocab_size: int = 732
    vocab_size: int = 1025
    bert_dim: int = 1024
    embedding_dropout: float = 0.0
    layer_dropout: float = 0.1
    max_seconds: int = 54
    default_top_k: int = 15

    def __post_init__(self) -> None:
        if self.width % (2 * self.num_heads):
            raise ValueError("width must be a multiple of twice the number of heads")

    @property
    def eos(self) -> int:
        """The end mark; it also pads the targets of shorter items."""
        return self.vocab_size - 1

    @property
    def early_stop(self) -> int:
        """How many tokens a decode may produce at most: twice the longest training item."""
        return 2 * TOKENS_PER_SECOND * self.max_seconds

    def to_export(self) -> dict[str, Any]:
        """The sections `data`, `model` and `inference` of an exported file's `config`."""
        model: dict[str, Any] = {
            "vocab_size": self.vocab_size,
            "phoneme_vocab_size": self.phoneme_vocab_size,
            "embedding_dim": self.width,
            "hidden_dim": self.width,
            "head": self.num_heads,
            "linear_units": self.feed_forward,
            "n_layer": self.num_layers,
            "dropout": self.embedding_dropout,
            "EOS": self.eos,
            "random_bert": 0,
        }
        if self.layer_dropout != GptConfig.layer_dropout:
            model["layer_dropout"] = self.layer_dropout
        return {
            "data": {
                "max_eval_sample": 8,
                "max_sec": self.max_seconds,
                "num_workers": 4,
                "pad_val": self.eos,
            },
            "model": model,
            "inference": {"top_k": self.default_top_k},
        }

    @classmethod
    def from_export(cls, config: Mapping[str, Any]) -> GptConfig:
        """Read what `to_export` or the original wrote. Raises BadModelFile."""
        try:
            model = config["model"]
            sizes = cls(
                width=int(model["hidden_dim"]),
                num_layers=int(model["n_layer"]),
                num_heads=int(model["head"]),
                feed_forward=int(model.get("linear_units", 4 * model["hidden_dim"])),
                phoneme_vocab_size=int(model["phoneme_vocab_size"]),
                vocab_size=int(model["vocab_size"]),
                embedding_dropout=float(model.get("dropout", 0)),
                layer_dropout=float(model.get("layer_dropout", cls.layer_dropout)),
                max_seconds=int(config["data"]["max_sec"]),
                default_top_k=int(config.get("inference", {}).get("top_k", cls.default_top_k)),
            )
            consistent = model["EOS"] == sizes.eos and model["embedding_dim"] == sizes.width
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _bad(f"it lacks or garbles {error}") from error
        if not consistent:
            raise _bad("its end mark or its embedding width does not fit the rest")
        return sizes


def _bad(reason: str) -> BadModelFile:
    return BadModelFile(
        f"The GPT model file has a configuration that cannot be used: {reason}.",
        hint="Use a stage-1 file (.ckpt) that GPT-SoVITS or this service exported.",
    )


_LONGER_V2 = GptConfig()
_LONGER = replace(_LONGER_V2, phoneme_vocab_size=512, default_top_k=5)
_NANO = GptConfig(
    width=128, num_layers=4, num_heads=4, feed_forward=512, vocab_size=513, max_seconds=54
)

GPT_CONFIGS: dict[str, GptConfig] = {
    "v1": _LONGER,
    "v2": _LONGER_V2,
    "v2Pro": _LONGER_V2,
    "v2ProPlus": _LONGER_V2,
    "nano": _NANO,
}


def tiny_gpt_config() -> GptConfig:
    """Small enough for a unit test: two layers of width 32 and 40 semantic tokens."""
    return GptConfig(
        width=32,
        num_layers=2,
        num_heads=2,
        feed_forward=64,
        vocab_size=41,
        bert_dim=1024,
        max_seconds=2,
    )
