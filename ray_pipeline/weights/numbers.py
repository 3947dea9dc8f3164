"""Whether a network's weights are numbers. Those of a training that broke may not be, and then a
voice says anything at all, or nothing, without an error."""

from __future__ import annotations

from torch import nn

from ray_pipeline.core.errors import BadModelFile


def require_numbers(network: nn.Module, name: str) -> None:
    """`name` is that of the file it was loaded from. Raises BadModelFile."""
    if not all(bool(weight.isfinite().all()) for weight in network.state_dict().values()):
        raise BadModelFile(
            f"{name} has weights that are not numbers.",
            hint="It comes from a training that broke: choose another of its files, or train "
            "again.",
        )
