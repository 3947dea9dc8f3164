"""The inputs that both sides get, and weights that both sides have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks import deterministic_fill as fill
from ray_pipeline.models.gpt.decoding import Sentence
from ray_pipeline.models.sovits.config import SovitsConfig
from ray_pipeline.training.gpt.data import GptBatch
from ray_pipeline.training.sovits.data import SovitsBatch

SAMPLES_PER_FRAME = 640


def filled(model: nn.Module) -> dict[str, Tensor]:
    """Deterministic weights of a network's keys and shapes, rounded to what a file in half
    precision keeps."""
    return {
        name: torch.from_numpy(fill.fill(name, x.shape, str(x.dtype)))
        .to(x.dtype)
        .half()
        .to(x.dtype)
        for name, x in model.state_dict().items()
    }


def uniform(tag: str, *shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
    return torch.from_numpy(fill.uniform(tag, shape, low, high))


def integers(tag: str, *shape: int, high: int) -> Tensor:
    return torch.from_numpy(fill.integers(tag, shape, 0, high))


@dataclass(frozen=True)
class Utterance:
    """What one decode of the second stage is given: codes [1, 1, T], text [1, L], each refer
    [1, 1025, F], each speaker [1, 20480] or None."""

    codes: Tensor
    text: Tensor
    refers: list[Tensor]
    speakers: list[Tensor] | None


def utterance(config: SovitsConfig, num_tokens: int = 25, num_references: int = 2) -> Utterance:
    references = range(num_references)
    speakers = None
    if config.speaker_dim is not None:
        speakers = [uniform(f"sv{i}", 1, config.speaker_dim, high=2) for i in references]
    return Utterance(
        codes=integers("codes", 1, 1, num_tokens, high=config.codebook_size),
        text=integers("text", 1, 20, high=config.num_phones),
        refers=[uniform(f"refer{i}", 1, config.spec_bins, 90 + 7 * i, low=0) for i in references],
        speakers=speakers,
    )


def sovits_batch(config: SovitsConfig, items: int, num_frames: int, device: str) -> SovitsBatch:
    """Items of one length, as the buckets of the sampler nearly make them."""
    speaker = None
    if config.speaker_dim is not None:
        speaker = uniform("speaker", items, config.speaker_dim).to(device)
    wav = uniform("wav", items, 1, num_frames * SAMPLES_PER_FRAME, low=-0.5, high=0.5)
    batch: Mapping[str, Tensor] = {
        "ssl": uniform("ssl", items, config.ssl_dim, num_frames),
        "spec": uniform("spec", items, config.spec_bins, num_frames, low=0),
        "spec_lengths": torch.full((items,), num_frames),
        "wav": wav,
        "phones": integers("phones", items, 40, high=config.num_phones),
        "phone_lengths": torch.full((items,), 40),
    }
    names = [f"clip{i}" for i in range(items)]
    moved = {name: x.to(device) for name, x in batch.items()}
    return SovitsBatch(names=names, speaker=speaker, **moved)


def gpt_batch(items: int, num_phones: int, num_tokens: int, device: str) -> GptBatch:
    batch: Mapping[str, Tensor] = {
        "phones": integers("phones", items, num_phones, high=700),
        "phone_lengths": torch.full((items,), num_phones),
        "tokens": integers("tokens", items, num_tokens, high=1024),
        "token_lengths": torch.full((items,), num_tokens),
        "bert": uniform("bert", items, 1024, num_phones),
    }
    names = [f"clip{i}" for i in range(items)]
    return GptBatch(names=names, **{name: x.to(device) for name, x in batch.items()})


@dataclass(frozen=True)
class Sentences:
    """phones [L] and bert [1024, L] of each sentence, one prompt [P] for all of them."""

    phones: list[Tensor]
    bert: list[Tensor]
    prompt: Tensor

    def ours(self) -> list[Sentence]:
        pairs = zip(self.phones, self.bert, strict=True)
        return [Sentence(phones, bert, self.prompt) for phones, bert in pairs]


def sentences(count: int, device: str, dtype: torch.dtype = torch.float32) -> Sentences:
    """Texts of 30 to 60 phones after a prompt of 4 seconds."""
    lengths = [30 + 30 * i // max(count - 1, 1) for i in range(count)]
    return Sentences(
        [integers(f"text{i}", n, high=700).to(device) for i, n in enumerate(lengths)],
        [uniform(f"bert{i}", 1024, n).to(device, dtype) for i, n in enumerate(lengths)],
        integers("prompt", 100, high=1024).to(device),
    )
