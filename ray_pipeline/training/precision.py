"""Which GPUs compute in float16: those with which the original does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_TOO_OLD = (6, 1)  # Pascal: float16 at a fraction of the speed
_GTX_16 = (7, 5)  # Turing without tensor cores: float16 turns into NaN


def uses_half_precision(device: torch.device) -> bool:
    """Never on a CPU; on a GPU above compute capability 6.1 that is no GTX 16xx."""
    if device.type != "cuda":
        return False
    import torch

    capability = torch.cuda.get_device_capability(device)
    return gpu_is_good_at_half(capability, torch.cuda.get_device_name(device))


def gpu_is_good_at_half(capability: tuple[int, int], name: str) -> bool:
    """`capability` is CUDA's, `name` as the driver gives it."""
    is_gtx_16 = capability == _GTX_16 and re.search(r"16\d{2}", name) is not None
    return capability > _TOO_OLD and not is_gtx_16
