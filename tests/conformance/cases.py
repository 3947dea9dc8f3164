"""The table from the kind of a golden case to the function that computes its outputs.

A runner takes a `Case` and returns its outputs by name. It reads every number from
`case.meta["params"]`, so it serves any file of its kind. Each subject keeps a module with a
dictionary `CASES`; the kind is `meta["case"]`, a version may follow it after an underscore.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.conformance.golden_io import Case

Runner = Callable[[Case], Mapping[str, Any]]

_MODULES = ("sovits_cases", "gpt_cases", "encoder_cases", "training_cases")


def runners() -> dict[str, Runner]:
    """Every kind that some module has code for."""
    table: dict[str, Runner] = {}
    for name in _MODULES:
        full_name = f"{__package__}.{name}"
        if importlib.util.find_spec(full_name) is not None:
            table |= importlib.import_module(full_name).CASES
    return table


def waveform(samples: NDArray[Any]) -> NDArray[np.float32]:
    """An input in -1…1: the golden files store waveforms as int16 or as they are."""
    floats: NDArray[np.float32] = samples.astype(np.float32)
    return floats / np.float32(32768) if samples.dtype == np.int16 else floats


def find_runner(kind: str, table: Mapping[str, Runner]) -> Runner | None:
    """The runner of `kind`, or of the longest name that `kind` continues after an underscore."""
    names = [name for name in table if kind == name or kind.startswith(name + "_")]
    return table[max(names, key=len)] if names else None
