"""Gradient checkpointing: less is kept, and nothing else is different."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.gpt.data import GptDataset, collate_gpt
from ray_pipeline.training.gpt.setup import build_gpt
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.sovits.data import SovitsDataset, collate_sovits
from ray_pipeline.training.sovits.setup import build_networks
from ray_pipeline.training.sovits.step import SovitsStepper, sovits_optimizers
from ray_pipeline.training.sovits.trainer import train_sovits
from ray_pipeline.training.worker import LocalWorker
from tests.training.experiment import gpt_settings, sovits_settings
from tests.training.test_stopped_writing import assert_equal, weight_files


@contextmanager
def kept_for_gradients() -> Iterator[list[int]]:
    """The bytes of each tensor that is kept inside, views of one counted once."""
    sizes: list[int] = []
    seen: set[int] = set()

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen and not isinstance(tensor, nn.Parameter):
            seen.add(storage.data_ptr())
            sizes.append(storage.nbytes())
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        yield sizes


def _gpt_pass(experiment: Experiment, settings: Any) -> None:
    dataset = GptDataset(experiment, settings.items)
    batch = collate_gpt([dataset[0], dataset[1]], eos=settings.model.eos)
    build_gpt(settings)(
        batch.phones, batch.phone_lengths, batch.tokens, batch.token_lengths, batch.bert
    )


def _sovits_pass(experiment: Experiment, settings: Any) -> None:
    dataset = SovitsDataset(experiment, settings.items, with_speaker=True)
    batch = collate_sovits([dataset[0], dataset[1]])
    networks = build_networks(settings)
    optimizers = sovits_optimizers(*networks, settings.recipe)
    stepper = SovitsStepper(*networks, optimizers, settings.recipe)
    stepper.generate(batch, settings.recipe.phases[-1])


@pytest.mark.parametrize(
    ("make", "forward"), [(gpt_settings, _gpt_pass), (sovits_settings, _sovits_pass)]
)
def test_with_if_grad_ckpt_a_network_keeps_less_for_its_gradients(
    experiment: Experiment, tmp_path: Path, make: Callable[..., Any], forward: Callable[..., None]
) -> None:
    settings, kept = make(experiment, tmp_path), []
    for recompute in (False, True):
        with kept_for_gradients() as sizes:
            forward(experiment, replace(settings, recompute=recompute))
        kept.append(sum(sizes))
    assert kept[1] < 0.6 * kept[0], kept


@pytest.mark.parametrize(
    ("make", "train"), [(gpt_settings, train_gpt), (sovits_settings, train_sovits)]
)
def test_if_grad_ckpt_changes_no_weight(
    experiment: Experiment, tmp_path: Path, make: Callable[..., Any], train: Callable[..., None]
) -> None:
    """Two epochs with dropout, in SoVITS without and with adversary."""
    results = []
    for recompute in (False, True):
        out = tmp_path / str(recompute)
        train(replace(make(experiment, out), recompute=recompute), LocalWorker(out / "run"))
        files = weight_files(out)
        results.append({name: {**content, "config": None} for name, content in files.items()})
    assert results[0].keys() == results[1].keys()
    for name, content in results[0].items():
        assert_equal(content, results[1][name], name)
