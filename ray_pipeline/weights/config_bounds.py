"""Whether the numbers in a weight file's configuration are ones that a model can have.

A model is built from them before its tensors are looked at: a billion layers, or a billion
samples for a frame, would be made at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_LARGEST_WIDTH = 65_536  # the largest in use is a feed-forward of 4096, or a vocabulary
_LARGEST_IN_LISTS = 512  # kernel sizes, rates and dilations of convolutions
_LONGEST_LIST = 64
_MOST_LAYERS = 256
_LAYER_COUNTS = (
    "n_layer",
    "n_layers",
    "n_layers_q",
    "posterior_layers",
    "num_flows",
    "flow_layers",
)
_MOST_SAMPLES_A_FRAME = 65_536
_MOST_SECONDS = 600


def impossible_number(config: Any) -> str | None:
    """What in a file's `config` no model can have, as in "model.n_layer is 1000000000"; None
    where all of it may be. Whether its tensors fit is found when they are put into the model."""
    if not isinstance(config, Mapping):
        return None
    model, data = config.get("model"), config.get("data")
    for name, value in model.items() if isinstance(model, Mapping) else ():
        if isinstance(value, (list, tuple)):
            if len(value) > _LONGEST_LIST:
                return f"model.{name} has {len(value)} entries"
            if any(abs(number) > _LARGEST_IN_LISTS for number in _numbers(value)):
                return f"model.{name} is {str(value)[:60]}"
        elif isinstance(value, (int, float)):
            most = _MOST_LAYERS if name in _LAYER_COUNTS else _LARGEST_WIDTH
            if not abs(value) <= most:
                return f"model.{name} is {value}"
    if isinstance(model, Mapping) and _product(model.get("upsample_rates")) > _MOST_SAMPLES_A_FRAME:
        return f"model.upsample_rates is {model['upsample_rates']}"
    seconds = data.get("max_sec") if isinstance(data, Mapping) else None
    if isinstance(seconds, (int, float)) and not 0 <= seconds <= _MOST_SECONDS:
        return f"data.max_sec is {seconds}"
    return None


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, (list, tuple)):
        for item in value[: _LONGEST_LIST + 1]:
            yield from _numbers(item)
    elif isinstance(value, (int, float)):
        yield value


def _product(rates: Any) -> float:
    product = 1.0
    for rate in _numbers(rates):
        product *= abs(rate)
    return product
