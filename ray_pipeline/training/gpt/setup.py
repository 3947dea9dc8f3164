"""What a GPT training starts from: its network, its order of clips, its length."""

from __future__ import annotations

import torch
from torch.utils.data import BatchSampler

from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.training.batch import EpochSampler
from ray_pipeline.training.gpt.sampler import BucketOrderSampler, CountedFromZero
from ray_pipeline.training.gpt.settings import GptSettings
from ray_pipeline.training.recipe import TrainingLength, plan_length
from ray_pipeline.training.recomputing import recompute
from ray_pipeline.training.share_sampler import ShareBatchSampler
from ray_pipeline.training.worker import TrainWorker
from ray_pipeline.weights.files import load_gpt, load_matching


def build_gpt(settings: GptSettings) -> Text2Semantic:
    """The network before the first step; the same on every worker and every attempt."""
    torch.manual_seed(settings.seed)
    model = Text2Semantic(settings.model)
    first = settings.start or settings.pretrained
    if first is not None:
        load_matching(model, load_gpt(first, settings.version).state_dict)
    if settings.recompute:
        recompute(model.h.layers)
    return model


def make_sampler(settings: GptSettings, worker: TrainWorker) -> EpochSampler:
    recipe = settings.recipe
    seconds = [item.seconds for item in settings.items]
    if recipe.own_shares:
        shares = ShareBatchSampler(
            seconds,
            settings.batch_size,
            num_replicas=worker.num_workers,
            rank=worker.rank,
            seed=settings.seed,
            min_batches=recipe.min_epoch_steps,
        )
        return CountedFromZero(shares, shares.set_epoch)
    order = BucketOrderSampler(
        seconds, settings.batch_size, num_replicas=worker.num_workers, rank=worker.rank
    )
    batches = BatchSampler(order, settings.batch_size, drop_last=False)
    return CountedFromZero(batches, order.set_epoch)


def gpt_length(settings: GptSettings, epoch_steps: int) -> TrainingLength:
    """In batches; `max_steps` counts steps of the optimiser."""
    every = settings.recipe.accumulate
    most = settings.max_steps
    return plan_length(
        settings.epochs,
        epoch_steps,
        min_steps=settings.recipe.min_steps,
        max_steps=None if most is None else most * every + (every > 1),
    )
