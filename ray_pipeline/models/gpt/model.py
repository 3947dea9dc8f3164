"""The stage-1 network: phones and BERT features in, semantic tokens out.

    phones ─ embedding + bert_proj(bert) + position ─┐
                                                     ├─ 24 layers ─ scores of the next token
    tokens ─ embedding + position ───────────────────┘

Text attends to all text and to no audio; audio attends to all text and causally to audio.
Positions of both are counted from 0. Module names are those of the original's weight files
(there with the prefix `model.`).

Unusual, and kept because trained weights depend on it:
- In training, items are padded on the right, but the text mask hides the same number of
  phones on the left: a shorter item loses its first phones and sees its padding.
- The loss is summed over all positions of the batch, padding (whose target is the end mark)
  included.

B = batch, L = phones, T = tokens, S = L + T, D = width, H = heads, K = D / H.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ray_pipeline.models.gpt.config import GptConfig
from ray_pipeline.models.gpt.dropout import Dropout, attend_with_dropout
from ray_pipeline.models.gpt.preference import preference_loss, sequence_log_probabilities
from ray_pipeline.models.products import Linear, linear


class GptOutput(NamedTuple):
    """`logits` [B, T + 1, V] and `targets` [B, T + 1] include the padded positions; `loss`
    includes `preference_loss`, which is 0 unless rejected sequences were given."""

    loss: Tensor
    top3_accuracy: Tensor
    logits: Tensor
    targets: Tensor
    preference_loss: Tensor
    log_probabilities: Tensor | None


class TokenEmbedding(nn.Module):
    def __init__(self, num_tokens: int, width: int, dropout: float) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(num_tokens, width)
        self.dropout = Dropout(dropout)

    def forward(self, ids: Tensor) -> Tensor:
        return self.dropout(self.word_embeddings(ids))


class ScaledPosition(nn.Module):
    """Adds a sinusoid (Vaswani et al. 2017) times one learned factor."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.alpha = nn.Parameter(torch.ones(1))
        self.dropout = Dropout(dropout)

    def table(self, num_positions: int) -> Tensor:
        """[positions, D] in the parameters' type: sines in even places, cosines in odd."""
        place = torch.arange(num_positions, device=self.alpha.device, dtype=torch.float32)
        even = torch.arange(0, self.width, 2, device=self.alpha.device, dtype=torch.float32)
        angle = place[:, None] * torch.exp(even * (-math.log(10000.0) / self.width))
        return torch.stack([angle.sin(), angle.cos()], -1).flatten(1).to(self.alpha.dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(x + self.alpha * self.table(x.shape[1]))


class SelfAttention(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.dropout = config.layer_dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * config.width, config.width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * config.width))
        self.out_proj = Linear(config.width, config.width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def project(self, x: Tensor) -> Tensor:
        """[B, S, D] to queries, keys and values: [3, B, H, S, K]."""
        return self.split(linear(x, self.in_proj_weight, self.in_proj_bias))

    def split(self, packed: Tensor) -> Tensor:
        """[B, S, 3 D] to [3, B, H, S, K]."""
        batch, length, _ = packed.shape
        return packed.view(batch, length, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """[B, H, S, K] to [B, S, D]; `mask` is True where a query may look, or else what is
        added to the scores."""
        dropout = self.dropout if self.training else 0.0
        if dropout and mask is not None and mask.is_floating_point():
            mixed = attend_with_dropout(queries, keys, values, mask, dropout)
        else:
            mixed = F.scaled_dot_product_attention(queries, keys, values, mask, dropout_p=dropout)
        return self.join(mixed)

    def join(self, mixed: Tensor) -> Tensor:
        """What the heads found, [B, H, S, K], to [B, S, D]."""
        joined: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return joined


class Layer(nn.Module):
    """x = norm1(x + attention(x)); x = norm2(x + linear2(relu(linear1(x))))"""

    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.self_attn = SelfAttention(config)
        self.linear1 = Linear(config.width, config.feed_forward)
        self.linear2 = Linear(config.feed_forward, config.width)
        self.norm1 = nn.LayerNorm(config.width)
        self.norm2 = nn.LayerNorm(config.width)
        self.dropout = Dropout(config.layer_dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        queries, keys, values = self.self_attn.project(x)
        return self.finish(x, self.self_attn.attend(queries, keys, values, mask))

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Everything after the attention."""
        x = self.norm1(x + self.dropout(attended))
        inner = self.dropout(F.relu(self.linear1(x)))
        return self.norm2(x + self.dropout(self.linear2(inner)))


class Stack(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_layers))

    def each(self) -> Iterable[Layer]:
        return cast("Iterable[Layer]", self.layers)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        if x.device.type == "cpu":  # where the attention would do so in every layer
            mask = torch.zeros(mask.shape, dtype=x.dtype).masked_fill_(~mask, -torch.inf)
        for layer in self.layers:
            x = layer(x, mask)
        return x


class Text2Semantic(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.config = config
        width, dropout = config.width, config.embedding_dropout
        self.bert_proj = Linear(config.bert_dim, width)
        self.ar_text_embedding = TokenEmbedding(config.phoneme_vocab_size, width, dropout)
        self.ar_text_position = ScaledPosition(width, config.layer_dropout)
        self.ar_audio_embedding = TokenEmbedding(config.vocab_size, width, dropout)
        self.ar_audio_position = ScaledPosition(width, config.layer_dropout)
        self.h = Stack(config)
        self.ar_predict_layer = Linear(width, config.vocab_size, bias=False)

    def forward(
        self,
        phones: Tensor,
        phone_lengths: Tensor,
        tokens: Tensor,
        token_lengths: Tensor,
        bert: Tensor,
        rejected: Tensor | None = None,
        rejected_lengths: Tensor | None = None,
    ) -> GptOutput:
        """The training loss of a batch.

        `phones` [B, L] and `tokens` [B, T] are padded on the right, `bert` [B, bert_dim, L].
        With `rejected` [B, T'] and their lengths (see `preference.damage`) the preference
        loss is added.
        """
        text = self.embed_text(phones, bert)
        logits, targets = self._score(text, phone_lengths, tokens, token_lengths)
        loss = F.cross_entropy(logits.transpose(1, 2), targets, reduction="sum")
        preference, pair = loss.new_zeros(()), None
        if rejected is not None and rejected_lengths is not None:
            others = self._score(text, phone_lengths, rejected, rejected_lengths)
            chosen = sequence_log_probabilities(logits, targets)
            pair = torch.stack([chosen, sequence_log_probabilities(*others)])
            preference = preference_loss(pair[0], pair[1])
        accuracy = top3_accuracy(logits.detach(), targets, self.config.eos)
        return GptOutput(loss + preference, accuracy, logits, targets, preference, pair)

    def embed_text(self, phones: Tensor, bert: Tensor) -> Tensor:
        """[B, L] and [B, bert_dim, L] to [B, L, D]."""
        embedded = self.ar_text_embedding(phones) + self.bert_proj(bert.transpose(1, 2))
        return self.ar_text_position(embedded)

    def embed_audio(self, tokens: Tensor) -> Tensor:
        """[B, T] to [B, T, D]."""
        return self.ar_audio_position(self.ar_audio_embedding(tokens))

    def _score(
        self, text: Tensor, phone_lengths: Tensor, tokens: Tensor, token_lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits [B, T + 1, V] in float32 and targets [B, T + 1]."""
        num_phones, num_tokens = text.shape[1], tokens.shape[1]
        place = torch.arange(num_tokens, device=tokens.device)
        padded = tokens.masked_fill(place >= token_lengths[:, None], self.config.eos)
        targets = F.pad(padded, (0, 1), value=self.config.eos)
        mask = training_mask(phone_lengths, num_phones, token_lengths, num_tokens)
        states = self.h(torch.cat([text, self.embed_audio(padded)], dim=1), mask)
        return self.ar_predict_layer(states[:, num_phones - 1 :]).float(), targets


def training_mask(
    phone_lengths: Tensor, num_phones: int, token_lengths: Tensor, num_tokens: int
) -> Tensor:
    """[B, 1, S, S], True where a query (row) may look at a key (column)."""
    device = phone_lengths.device
    total = num_phones + num_tokens
    place = torch.arange(total, device=device)
    is_text = place < num_phones
    by_kind = is_text[None, :] | (place[:, None] >= place[None, :])
    hidden_phones = num_phones - phone_lengths[:, None]
    text_keys = place[None, :num_phones] >= hidden_phones
    audio_keys = place[None, :num_tokens] < token_lengths[:, None]
    keys = torch.cat([text_keys, audio_keys], dim=1)
    return (by_kind[None] & keys[:, None, :])[:, None]


def top3_accuracy(logits: Tensor, targets: Tensor, eos: int) -> Tensor:
    """How often the target is among the three likeliest, end marks not counted."""
    counted = targets != eos
    hit = (logits.topk(3, dim=-1).indices == targets[..., None]).any(-1)
    return (hit & counted).sum() / counted.sum().clamp(min=1)
