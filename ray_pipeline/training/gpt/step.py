"""One batch of the GPT training: gradients, and every few batches a step of the optimiser.

Knows nothing of epochs, files or Ray.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer

from ray_pipeline.models.gpt.model import GptOutput
from ray_pipeline.models.gpt.preference import damage
from ray_pipeline.training.arithmetic import Arithmetic
from ray_pipeline.training.gpt.data import GptBatch
from ray_pipeline.training.gpt.recipe import GptRecipe
from ray_pipeline.training.gpt.scaled_adam import ScaledAdam
from ray_pipeline.training.healing import Care, learning_from
from ray_pipeline.training.metrics import gradient_norm


def gpt_optimizer(model: nn.Module, recipe: GptRecipe) -> Optimizer:
    if recipe.scaled_adam:
        return ScaledAdam(
            model.parameters(),
            lr=recipe.learning_rate,
            betas=recipe.betas,
            clipping_scale=2.0,
            clipping_update_period=1000,
        )
    return AdamW(model.parameters(), lr=recipe.learning_rate, betas=recipe.betas, fused=True)


# Damaged copies of the tokens [B, T'] and their lengths [B].
Rejected = tuple[Tensor, Tensor]


class GptStepper:
    """Gradients of `recipe.accumulate` batches are summed, not averaged. As in the original, a
    step follows the batches number 4, 8, 12 … of an epoch (counted from 0, never 0 itself), and
    what is left at its end goes into the next epoch."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        recipe: GptRecipe,
        *,
        arithmetic: Arithmetic | None = None,
        steps_done: int = 0,
        care: Care | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.steps_done = steps_done
        self._recipe = recipe
        self._arithmetic = arithmetic or Arithmetic()
        self._care = care or Care()
        self.scaler = self._arithmetic.scaler()
        self.gradient_norms: dict[str, Tensor] = {}
        optimizer.zero_grad()

    def step(self, batch: GptBatch, index: int) -> dict[str, Tensor]:
        """`index` is the batch's number in its epoch, from 0. Returns `loss` (the mean over
        positions, end marks of the padding included) and `top3`, without gradient; with
        preferences also their loss, and the share of clips that are likelier than their copies."""
        is_last = self._steps_after(index)
        parts = batch.parts(self._care.at_a_time)
        results = []
        for number, (part, rejected) in enumerate(self._with_rejected(batch, parts), 1):
            is_over = is_last and number == len(parts)
            with learning_from(part.names), self._exchange_only_if(is_over):
                results.append(self._learn(part, len(batch.names), rejected))
        self.gradient_norms = self._update() if is_last else {}
        return results[0] if len(results) == 1 else _joined(parts, results)

    def _with_rejected(
        self, batch: GptBatch, parts: Sequence[GptBatch]
    ) -> Iterable[tuple[GptBatch, Rejected | None]]:
        """The parts with the copies of their clips, which are drawn and padded together."""
        if not self._recipe.preference:
            return ((part, None) for part in parts)
        copies, lengths = damage(batch.tokens)
        sizes = [len(part.names) for part in parts]
        return zip(parts, zip(copies.split(sizes), lengths.split(sizes), strict=True), strict=True)

    def _learn(
        self, batch: GptBatch, num_clips: int, rejected: Rejected | None
    ) -> dict[str, Tensor]:
        """Add the gradient of a batch that is a part of one with `num_clips`: all its parts
        together have that of the whole."""
        output = self._forward(batch, rejected)
        positions = output.targets.numel()
        whole = positions // len(batch.names) * num_clips
        of_tokens = output.loss - output.preference_loss  # a sum, the other is a mean over clips
        loss = of_tokens + output.preference_loss * (len(batch.names) / num_clips)
        loss = loss / whole if self._recipe.mean_loss else loss
        self.scaler.scale(loss).backward()
        results = {"loss": of_tokens.detach() / positions, "top3": output.top3_accuracy.detach()}
        if output.log_probabilities is not None:
            chosen, others = output.log_probabilities.detach()
            results["preference_loss"] = output.preference_loss.detach()
            results["preferred"] = (chosen > others).float().mean()
        return results

    def _steps_after(self, index: int) -> bool:
        every = self._recipe.accumulate
        return every == 1 or (index > 0 and index % every == 0)

    def _forward(self, batch: GptBatch, rejected: Rejected | None) -> GptOutput:
        with self._arithmetic.autocast():
            output: GptOutput = self.model(
                batch.phones,
                batch.phone_lengths,
                batch.tokens,
                batch.token_lengths,
                batch.bert,
                *(rejected or ()),
            )
        return output

    def _update(self) -> dict[str, Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = self._recipe.rate_at(self.steps_done) * self._care.rate_factor
        if self._recipe.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            norm = clip_grad_norm_(self.model.parameters(), self._recipe.clip_norm)
        else:
            norm = gradient_norm(self.optimizer, self.scaler)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        self.steps_done += 1
        return {"gradient_norm": norm}

    def _exchange_only_if(self, is_last: bool) -> AbstractContextManager[None]:
        """Several workers average their gradients once a step, not once a batch."""
        no_sync = getattr(self.model, "no_sync", None)
        return nullcontext() if is_last or no_sync is None else no_sync()


def _joined(parts: Sequence[GptBatch], results: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The means over all clips; of `top3` over all tokens."""
    clips = torch.tensor([float(len(part.names)) for part in parts])
    tokens = torch.stack([part.token_lengths.sum().float() for part in parts]).cpu()
    joined = {}
    for name in results[0]:
        weights = tokens if name == "top3" else clips
        values = torch.stack([result[name] for result in results]).cpu()
        joined[name] = (values * weights).sum() / weights.sum()
    return joined
