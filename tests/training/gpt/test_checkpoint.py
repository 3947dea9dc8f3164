"""Checkpoints go back and forth between this service and the original.

`data/epoch=1-step=4.ckpt` was written by the original itself, and LOSSES are those of its third
epoch, both by `benchmarks.compare.checkpoints.train_original` (GPT-SoVITS 48b1a01, Lightning
2.6.6); the folder's name in the file was shortened.
"""

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.compare.checkpoints import EPOCH_BATCHES, TINY, gpt_batches
from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.training.checkpoints import Position
from ray_pipeline.training.gpt.checkpoint import gpt_checkpoint, load_gpt_checkpoint
from ray_pipeline.training.gpt.recipe import GPT_RECIPE
from ray_pipeline.training.gpt.scaled_adam import ScaledAdam
from ray_pipeline.training.gpt.step import GptStepper, gpt_optimizer
from ray_pipeline.weights.archive import load_archive, save_archive

ORIGINAL = Path(__file__).parent / "data" / "epoch=1-step=4.ckpt"
LOSSES = [62.628407, 56.043041, 60.144863, 64.113724, 59.201424, 62.448410, 55.357155, 66.186035]
LOSSES += [64.566681]


def _ours() -> tuple[Text2Semantic, ScaledAdam]:
    torch.manual_seed(0)
    model = Text2Semantic(TINY)
    optimizer = gpt_optimizer(model, GPT_RECIPE)
    assert isinstance(optimizer, ScaledAdam)
    return model, optimizer


def _train_epoch(stepper: GptStepper) -> list[float]:
    """Losses as the original's: sums over the positions of a batch."""
    batches = enumerate(gpt_batches())
    return [float(stepper.step(batch, index)["loss"]) * 2 * 13 for index, batch in batches]


def test_ours_goes_on_from_a_checkpoint_of_the_original(tmp_path: Path) -> None:
    shutil.copy(ORIGINAL, tmp_path)
    model, optimizer = _ours()
    position, steps = load_gpt_checkpoint(tmp_path, model, optimizer, epoch_batches=99)
    assert (position, steps) == (Position(2, 18), 4)
    stepper = GptStepper(model, optimizer, GPT_RECIPE, steps_done=steps)
    assert _train_epoch(stepper) == pytest.approx(LOSSES, rel=1e-5)


def _saved(folder: Path, *, epochs: int = 2) -> dict[str, Any]:
    model, optimizer = _ours()
    stepper = GptStepper(model, optimizer, GPT_RECIPE)
    for _ in range(epochs):
        _train_epoch(stepper)
    steps = stepper.steps_done
    files = gpt_checkpoint(
        model,
        optimizer,
        Position(epochs, EPOCH_BATCHES * epochs),
        optimizer_steps=steps,
        next_rate=GPT_RECIPE.rate_at(steps),
    )
    for name, content in files.items():
        save_archive(folder / name, content)
    content: dict[str, Any] = load_archive(next(folder.glob("*.ckpt")))
    return content


def _layout(value: Any) -> Any:
    """Names all the way down, with shapes of tensors and types of the rest."""
    if isinstance(value, dict):
        return {key: _layout(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_layout(item) for item in value]
    return tuple(value.shape) if isinstance(value, torch.Tensor) else type(value)


def test_what_the_original_reads_is_where_it_writes_it_itself(tmp_path: Path) -> None:
    """Its loop's state, weights and optimiser; `benchmarks.compare_with_original --only
    checkpoints` lets it really go on."""
    ours, theirs = _saved(tmp_path), load_archive(ORIGINAL)
    assert ours["loops"]["fit_loop"] == theirs["loops"]["fit_loop"]
    assert _layout(ours["state_dict"]) == _layout(theirs["state_dict"])
    assert (ours["epoch"], ours["global_step"]) == (theirs["epoch"], theirs["global_step"])
    [our_state], [their_state] = ours["optimizer_states"], theirs["optimizer_states"]
    assert our_state["param_groups"] == their_state["param_groups"]
    assert our_state["state"].keys() == their_state["state"].keys()
    for number, theirs_of_group in their_state["state"].items():
        ours_of_group = _layout(our_state["state"][number])
        unread = theirs_of_group.keys() - ours_of_group.keys()
        # Its stacked scalars have scales that it never looks at.
        assert unread <= {"param_rms", "scale_exp_avg_sq", "scale_grads"}
        assert ours_of_group.items() <= _layout(theirs_of_group).items()
    assert next(iter(tmp_path.glob("*.ckpt"))).name == ORIGINAL.name


def test_the_rate_in_a_checkpoint_is_that_of_the_next_step(tmp_path: Path) -> None:
    model, optimizer = _ours()
    optimizer.param_groups[0]["lr"] = 0.01  # of the first step, which was the last
    files = gpt_checkpoint(model, optimizer, Position(1, 5), optimizer_steps=1, next_rate=0.002)
    for name, content in files.items():
        save_archive(tmp_path / name, content)
    [state] = load_archive(next(tmp_path.glob("*.ckpt")))["optimizer_states"]
    assert state["param_groups"][0]["lr"] == 0.002
    assert optimizer.param_groups[0]["lr"] == 0.01


def test_checkpoints_of_earlier_versions_of_this_service_are_gone_on_with(tmp_path: Path) -> None:
    content = _saved(tmp_path)
    del content["loops"]
    content["batches"] = 17
    [state] = content["optimizer_states"]
    group = state["param_groups"][0]
    group["min_rms"], group["max_rms"] = group.pop("param_min_rms"), group.pop("param_max_rms")
    norms = state["state"][3].pop("model_norms")
    state["state"][0]["model_norms"] = norms  # they were kept with the first parameter
    path = next(tmp_path.glob("*.ckpt"))
    torch.save(content, path)

    model, optimizer = _ours()
    position, steps = load_gpt_checkpoint(tmp_path, model, optimizer, epoch_batches=9)
    assert (position, steps) == (Position(2, 17), 4)
    restored = optimizer.state_dict()
    assert restored["param_groups"][0]["param_min_rms"] == 1e-5
    assert "min_rms" not in restored["param_groups"][0]
    assert torch.equal(restored["state"][3]["model_norms"], norms)
    assert "model_norms" not in restored["state"][0]
    _train_epoch(GptStepper(model, optimizer, GPT_RECIPE, steps_done=steps))


def test_a_checkpoint_that_does_not_count_batches_is_counted_by_its_epochs(tmp_path: Path) -> None:
    content = _saved(tmp_path)
    del content["loops"]
    torch.save(content, next(tmp_path.glob("*.ckpt")))
    model, optimizer = _ours()
    position, _ = load_gpt_checkpoint(tmp_path, model, optimizer, epoch_batches=9)
    assert position == Position(2, 18)


@pytest.mark.parametrize("key", ["optimizer_states", "state_dict", "epoch"])
def test_a_checkpoint_without_a_part_is_refused(tmp_path: Path, key: str) -> None:
    content = copy.deepcopy(_saved(tmp_path))
    del content[key]
    torch.save(content, next(tmp_path.glob("*.ckpt")))
    with pytest.raises(BadModelFile) as caught:
        load_gpt_checkpoint(tmp_path, *_ours(), epoch_batches=9)
    assert "force" in caught.value.hint
