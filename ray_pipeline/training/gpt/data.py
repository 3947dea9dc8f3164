"""From an experiment folder to batches for the GPT training.

Shapes: B batch, L phones, T semantic tokens (25 a second).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from ray_pipeline.core.audio_format import TOKENS_PER_SECOND
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.batch import Batch, ExampleCache
from ray_pipeline.training.experiment_files import (
    DroppedClip,
    Objection,
    phone_ids,
    read_phones,
    read_semantic_tokens,
    unknown_phones,
)

BERT_WIDTH = 1024
_MAX_PHONES_PER_TOKEN = 1 / 2.5
PHONES_PER_SECOND = (3.0, 25.0)  # what training takes


@dataclass(frozen=True)
class GptItem:
    name: str
    phones: tuple[int, ...]
    tokens: tuple[int, ...]

    @property
    def seconds(self) -> float:
        return len(self.tokens) / TOKENS_PER_SECOND


@dataclass(frozen=True)
class GptExample:
    """phones [L], tokens [T], bert [1024, L]."""

    name: str
    phones: Tensor
    tokens: Tensor
    bert: Tensor

    @property
    def num_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in (self.phones, self.tokens, self.bert))


@dataclass(frozen=True)
class GptBatch(Batch):
    """phones [B, L] padded with 0, tokens [B, T] padded with the end mark, bert [B, 1024, L]
    padded with 0, lengths [B]. Padding is on the right."""

    phones: Tensor
    phone_lengths: Tensor
    tokens: Tensor
    token_lengths: Tensor
    bert: Tensor


def find_gpt_items(
    experiment: Experiment, phone_table: Mapping[str, int], *, max_seconds: float
) -> tuple[list[GptItem], list[DroppedClip]]:
    """Clips with phones and tokens that fit the model, in the order of their names, and those
    left out: too long, unknown phones, or a rate of speech outside 3 to 25 phones a second."""
    phones_of = read_phones(experiment)
    max_tokens = int(max_seconds * TOKENS_PER_SECOND)
    kept, dropped = [], []
    for name, tokens in sorted(read_semantic_tokens(experiment).items()):
        item = _check(name, phones_of.get(name), tokens, phone_table, max_tokens)
        if isinstance(item, GptItem):
            kept.append(item)
        else:
            dropped.append(item.of(name))
    return kept, dropped


def _check(
    name: str,
    phones: list[str] | None,
    tokens: list[int],
    phone_table: Mapping[str, int],
    max_tokens: int,
) -> GptItem | Objection:
    """The item, or why it is none."""
    if phones is None:
        words = "has no phones in 2-name2text.txt"
        return Objection(words, "missing_features", {"files": "2-name2text.txt"})
    if not tokens:
        words = "has no semantic tokens"
        return Objection(words, "missing_features", {"files": "6-name2semantic.tsv"})
    if len(tokens) > max_tokens:
        words = f"{len(tokens)} semantic tokens, more than {max_tokens}"
        return Objection(words, "too_many_tokens", {"tokens": len(tokens), "most": max_tokens})
    ids = phone_ids(phones, phone_table)
    if ids is None:
        return unknown_phones(phones, phone_table)
    if len(ids) > max_tokens * _MAX_PHONES_PER_TOKEN:
        most = int(max_tokens * _MAX_PHONES_PER_TOKEN)
        words = f"{len(ids)} phones, more than {most}"
        return Objection(words, "too_many_phones", {"phones": len(ids), "most": most})
    slowest, fastest = PHONES_PER_SECOND
    rate = len(ids) / (len(tokens) / TOKENS_PER_SECOND)
    if not slowest <= rate <= fastest:
        words = (
            f"{rate:.1f} phones a second, outside {slowest:g} to {fastest:g}: "
            "text and sound hardly belong together"
        )
        numbers = {"rate": round(rate, 1), "least": slowest, "most": fastest}
        return Objection(words, "wrong_rate", numbers)
    return GptItem(name, tuple(ids), tuple(tokens))


class GptDataset(Dataset[GptExample]):
    """Items with their BERT features, zeros where a clip has none (all but Chinese). Each file is
    read once while there is room."""

    def __init__(self, experiment: Experiment, items: Sequence[GptItem]) -> None:
        self._experiment = experiment
        self._items = items
        self._cache: ExampleCache[GptExample] = ExampleCache()

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> GptExample:
        item = self._items[index]
        return self._cache.get(item.name, lambda: self._load(item))

    def _load(self, item: GptItem) -> GptExample:
        return GptExample(
            item.name,
            torch.tensor(item.phones),
            torch.tensor(item.tokens),
            self._bert(item),
        )

    def _bert(self, item: GptItem) -> Tensor:
        """Raises StepFailed when the features belong to another text."""
        path = self._experiment.bert_of(item.name)
        if not path.is_file():
            return torch.zeros(1, 1).expand(BERT_WIDTH, len(item.phones))  # takes no memory
        bert: Tensor = torch.load(path, map_location="cpu", weights_only=True)
        if bert.shape[-1] != len(item.phones):
            raise StepFailed(
                f"3-bert/{path.name} covers {bert.shape[-1]} phones, "
                f"but the text of {item.name} has {len(item.phones)}.",
                hint="Run extract_text_features again with force.",
                clip=item.name,
            )
        return bert.detach().float()


def collate_gpt(examples: Sequence[GptExample], *, eos: int) -> GptBatch:
    longest = max(len(example.phones) for example in examples)
    berts = [pad(example.bert, (0, longest - example.bert.shape[-1])) for example in examples]
    return GptBatch(
        names=[example.name for example in examples],
        phones=pad_sequence([e.phones for e in examples], batch_first=True),
        phone_lengths=torch.tensor([len(e.phones) for e in examples]),
        tokens=pad_sequence([e.tokens for e in examples], batch_first=True, padding_value=eos),
        token_lengths=torch.tensor([len(e.tokens) for e in examples]),
        bert=torch.stack(berts),
    )
