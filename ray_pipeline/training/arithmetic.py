"""In which numbers a training computes on its device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ray_pipeline.training.precision import Precision, precision_of_gpu
from ray_pipeline.training.recipe import Recipe


@dataclass(frozen=True)
class Arithmetic:
    """Weights, gradients, optimisers and losses are float32 always; with another `precision`
    products and convolutions of the forward and the backward pass are not."""

    precision: Precision = "float32"
    device_type: str = "cpu"

    def autocast(self) -> torch.autocast:
        """Around a forward pass."""
        dtype: torch.dtype = getattr(torch, self.precision)
        return torch.autocast(self.device_type, dtype, enabled=self.precision != "float32")

    def scaler(self) -> torch.amp.GradScaler:
        """Of losses, whose gradients are too small for float16 otherwise; does nothing where the
        range is that of float32."""
        return torch.amp.GradScaler(self.device_type, enabled=self.precision == "float16")


def load_scaler(scaler: torch.amp.GradScaler, state: Mapping[str, Any]) -> None:
    """Take over the state of another, which is empty where a training comes from a device that
    needed none."""
    if state:
        scaler.load_state_dict(dict(state))


def arithmetic_of(device: torch.device, recipe: Recipe) -> Arithmetic:
    """float32 on a CPU: there bfloat16 gained nothing, not where the processor has it either
    (docs/measurements/2026-11-30-training-precision.md)."""
    if device.type != "cuda" or not recipe.half_precision:
        return Arithmetic("float32", device.type)
    name = torch.cuda.get_device_name(device)
    precision = precision_of_gpu(torch.cuda.get_device_capability(device), name)
    if precision == "bfloat16" and not recipe.bfloat16:
        precision = "float16"
    return Arithmetic(precision, device.type)


def allow_tensor_float() -> None:
    """Let a GPU's tensor cores take the products that stay in float32, with 10 bits of mantissa, as
    the original's trainings do."""
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
