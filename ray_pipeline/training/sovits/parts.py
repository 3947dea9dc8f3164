"""One iteration on a batch that does not fit into memory as a whole.

Both optimisers take one step, with the gradients that the whole batch has: each part counts by its
share of the clips, and its divergence by its share of the frames. The generator makes each part
twice, for the discriminator has to learn from all parts before it judges the first; what is drawn
at random is drawn again for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ray_pipeline.training.healing import learning_from
from ray_pipeline.training.sovits.data import SovitsBatch
from ray_pipeline.training.sovits.recipe import SovitsPhase
from ray_pipeline.training.sovits.step import SovitsStepper, true_segments


@dataclass(frozen=True)
class Draws:
    """What is drawn at random for a part otherwise: `SovitsStepper.step`."""

    starts: Tensor
    posterior_noise: Tensor


def step_in_parts(
    stepper: SovitsStepper,
    parts: Sequence[SovitsBatch],
    phase: SovitsPhase,
    draws: Sequence[Draws] | None = None,
) -> dict[str, Tensor]:
    """The losses of the whole batch before their weights, without gradient."""
    clips = sum(len(part.names) for part in parts)
    frames = torch.stack([part.spec_lengths.sum() for part in parts]).sum()
    device = parts[0].spec.device
    fixed = [(d.starts, d.posterior_noise) for d in draws] if draws else [(None, None)] * len(parts)
    before = _random_state(device)
    sums: dict[str, Tensor] = {}

    def add(name: str, loss: Tensor) -> None:
        sums[name] = sums.get(name, torch.zeros((), device=device)) + loss.detach()

    if phase.adversarial:
        stepper.discriminator_optimizer.zero_grad()
        for number, part in enumerate(parts, 1):
            is_last = number == len(parts)
            with learning_from(part.names), _exchange_only_if(stepper.discriminator, is_last):
                with torch.no_grad():
                    output = stepper.generate(part, phase, *fixed[number - 1])
                real = true_segments(part, output.ids_slice, phase.segment_frames)
                loss = stepper.discriminator_loss(real, output.y_hat.float())
                loss = loss * (len(part.names) / clips)
                stepper.scaler.scale(loss).backward()
            add("discriminator", loss)
        stepper.update("discriminator")
        _put_back(before, device)
    stepper.generator_optimizer.zero_grad()
    for number, part in enumerate(parts, 1):
        is_last = number == len(parts)
        with learning_from(part.names), _exchange_only_if(stepper.generator, is_last):
            output = stepper.generate(part, phase, *fixed[number - 1])
            terms, _, _ = stepper.generator_losses(part, phase, output)
            share = len(part.names) / clips
            shared = {name: loss * share for name, loss in terms.items()}
            shared["kl"] = terms["kl"] * (part.spec_lengths.sum() / frames)
            total = stepper.weigh(shared)
            stepper.scaler.scale(total).backward()
        for name, loss in {**shared, "total": total}.items():
            add(name, loss)
    stepper.update("generator")
    stepper.scaler.update()
    return sums


def _exchange_only_if(module: nn.Module, is_last: bool) -> AbstractContextManager[None]:
    no_sync = getattr(module, "no_sync", None)
    return nullcontext() if is_last or no_sync is None else no_sync()


def _random_state(device: torch.device) -> tuple[Tensor, Tensor | None]:
    of_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return torch.get_rng_state(), of_device


def _put_back(state: tuple[Tensor, Tensor | None], device: torch.device) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)
