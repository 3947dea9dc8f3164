"""Memory for time (`if_grad_ckpt`): gradient checkpointing, after Chen et al. 2016,
"Training deep nets with sublinear memory cost".

Of a block only what goes in is kept; what is inside is computed again when its gradient is asked
for, with the same dropout, so the numbers are those of a training without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint


def recompute(blocks: Iterable[nn.Module]) -> None:
    """For good. Names and values of weights stay as they are."""
    for block in blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
