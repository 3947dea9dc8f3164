"""Checkpoints of the GPT training, in the layout of the original's: PyTorch Lightning's.

The original goes on from ours and ours from its own. Lightning counts epochs from 0 and its
global step in steps of the optimiser; how many batches were done stands in its loops' state.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from ray_pipeline.training.checkpoints import Position, foreign_checkpoint, only_file, restore
from ray_pipeline.weights.archive import load_archive

CHECKPOINT_PATTERN = "epoch=*.ckpt"
_PREFIX = "model."
_BATCH_PROGRESS = "epoch_loop.batch_progress"


def gpt_checkpoint(
    model: nn.Module,
    optimizer: Optimizer,
    position: Position,
    *,
    optimizer_steps: int,
    next_rate: float,
) -> dict[str, Any]:
    """The file's name and content. `position.step` counts batches. `next_rate` is the learning
    rate of the next step of the optimiser: the original takes it from here."""
    state = optimizer.state_dict()
    for group in state["param_groups"]:
        group["lr"] = next_rate
    content: dict[str, Any] = {
        "epoch": position.epoch - 1,
        "global_step": optimizer_steps,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {_PREFIX + key: value for key, value in model.state_dict().items()},
        "loops": {"fit_loop": _loop_state(position, optimizer_steps)},
        "optimizer_states": [state],
        # Its schedule keeps the rate where it is, whatever step it believes to be at.
        "lr_schedulers": [],
    }
    return {f"epoch={position.epoch - 1}-step={optimizer_steps}.ckpt": content}


def load_gpt_checkpoint(
    folder: Path, model: nn.Module, optimizer: Optimizer, *, epoch_batches: int
) -> tuple[Position, int]:
    """Where the training stood, and how many steps the optimiser had taken. `epoch_batches` is
    how many batches an epoch has now, for files that do not say how many were done.

    Raises BadModelFile when the file is missing, damaged or of another model."""
    path = only_file(folder, CHECKPOINT_PATTERN)
    content = load_archive(path)
    try:
        prefixed, [state] = content["state_dict"], content["optimizer_states"]
        epoch, optimizer_steps = int(content["epoch"]) + 1, int(content["global_step"])
        batches = _batches_done(content)
    except (KeyError, TypeError, ValueError) as error:
        raise foreign_checkpoint(path) from error
    weights = {key.removeprefix(_PREFIX): value for key, value in prefixed.items()}
    restore(path, model, optimizer, weights, state)
    return Position(epoch, epoch * epoch_batches if batches is None else batches), optimizer_steps


def epoch_of_name(path: Path) -> int:
    """How many epochs are done at `epoch=…`, which counts from 0. Raises BadModelFile."""
    number = path.stem.removeprefix("epoch=").partition("-")[0]
    if not number.isdigit():
        raise foreign_checkpoint(path)
    return int(number) + 1


def _batches_done(content: dict[str, Any]) -> int | None:
    if "batches" in content:  # ours, until November 2026
        return int(content["batches"])
    fit_loop = content.get("loops", {}).get("fit_loop", {})
    done = fit_loop.get(_BATCH_PROGRESS, {}).get("total", {}).get("completed")
    return None if done is None else int(done)


def _loop_state(position: Position, optimizer_steps: int) -> dict[str, Any]:
    """Of Lightning's fit loop after the last batch of an epoch. It has to be whole: a part that
    is missing is an error there."""
    epochs = _counts(position.epoch) | {"completed": max(position.epoch - 1, 0)}
    nothing: dict[str, Any] = {"total": _counts(0), "current": _counts(0)}
    steps = {"ready": optimizer_steps, "completed": optimizer_steps}
    no_steps = {"total": {"ready": 0, "completed": 0}, "current": {"ready": 0, "completed": 0}}
    no_zeroing = {"ready": 0, "started": 0, "completed": 0}
    batches, of_epoch = _counts(position.step), _counts(position.step // max(position.epoch, 1))
    return {
        "state_dict": {},
        "epoch_loop.state_dict": {"_batches_that_stepped": position.step},
        _BATCH_PROGRESS: {"total": batches, "current": of_epoch, "is_last_batch": True},
        "epoch_loop.scheduler_progress": no_steps,
        "epoch_loop.automatic_optimization.state_dict": {},
        "epoch_loop.automatic_optimization.optim_progress": {
            "optimizer": {
                "step": no_steps,
                "zero_grad": {"total": no_zeroing, "current": no_zeroing},
            }
        },
        "epoch_loop.manual_optimization.state_dict": {},
        "epoch_loop.manual_optimization.optim_step_progress": {"total": steps, "current": steps},
        "epoch_loop.val_loop.state_dict": {},
        "epoch_loop.val_loop.batch_progress": {**nothing, "is_last_batch": False},
        "epoch_progress": {"total": epochs, "current": epochs},
    }


def _counts(number: int) -> dict[str, int]:
    return dict.fromkeys(("ready", "started", "processed", "completed"), number)
