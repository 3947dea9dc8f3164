"""How the GPT of a base is trained. The original's recipe fine-tunes a pretrained base; nano's
trains a small network from nothing on few clips, and was found by measuring."""

from __future__ import annotations

from dataclasses import dataclass

from ray_pipeline.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class GptRecipe(Recipe):
    """With `scaled_adam` the optimiser and its two-valued rate are the original's: 0.01 for
    the first step, 0.002 for all others. Otherwise AdamW at `learning_rate` after a linear
    warm-up. `accumulate` batches are summed before a step; the loss is a sum over positions,
    or with `mean_loss` their mean. `preference` adds the loss of `models.gpt.preference`: `if_dpo`
    of the original."""

    scaled_adam: bool
    learning_rate: float
    betas: tuple[float, float]
    warmup_steps: int = 0
    clip_norm: float | None = None
    accumulate: int = 1
    mean_loss: bool = False
    preference: bool = False

    def batch_size(self, wanted: int, num_items: int) -> int:
        """nano's recipe sets an upper limit; the original's leaves at least four batches an epoch.
        A pair of sequences takes twice the memory, so with them the original halves what is
        wanted."""
        if self.preference:
            wanted = max(wanted // 2, 1)
        if self.max_batch_size is not None:
            return min(wanted, self.max_batch_size)
        return max(min(wanted, num_items // 4), 1)

    def rate_at(self, step: int) -> float:
        """The learning rate of optimiser step number `step`, from 0."""
        if self.scaled_adam:
            return SCALED_ADAM_FIRST_RATE if step == 0 else SCALED_ADAM_RATE
        return self.learning_rate * min(1.0, (step + 1) / max(self.warmup_steps, 1))


SCALED_ADAM_FIRST_RATE = 0.01
SCALED_ADAM_RATE = 0.002

GPT_RECIPE = GptRecipe(
    scaled_adam=True,
    learning_rate=SCALED_ADAM_RATE,
    betas=(0.9, 0.95),
    accumulate=4,
)

NANO_GPT_RECIPE = GptRecipe(
    scaled_adam=False,
    learning_rate=1e-3,
    betas=(0.9, 0.999),
    warmup_steps=20,
    clip_norm=1.0,
    mean_loss=True,
    own_shares=True,
    max_batch_size=4,
    min_steps=150,
    min_epoch_steps=5,
    half_precision=False,
)


def gpt_recipe(version: str) -> GptRecipe:
    return NANO_GPT_RECIPE if version == "nano" else GPT_RECIPE
