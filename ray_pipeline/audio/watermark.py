"""An inaudible mark in synthetic speech that says that it is synthetic, by resemble-perth.

    mark = load_watermark()        None where the library is not installed
    marked = mark.put(wav)
    mark.is_in(marked)             True, False, or None for silence

The mark lies below 2 kHz, under what the ear masks, and is the same for all speech: it says nothing
of who or when. It survives MP3, AAC and Opus; what was measured: docs/measurements. Sound that is
streamed is marked part by part; at both ends of a part the mark fades, so that no join is a step.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform

PACKAGE = "resemble-perth"
# A shorter part has no room for a frame of it (2,048 samples) and two fades.
_SHORTEST = 4096
_FADE = 320
# Of windows of 2 s: speech without the mark had up to 0.45, with it, also after MP3 and Opus at
# usual rates, hardly ever less than this.
_IS_MARKED = 0.75
# Windows in which there is nothing to judge (-60 dB).
_SILENT = 1e-3


def is_installed() -> bool:
    return importlib.util.find_spec("perth") is not None


class Watermark:
    """Made by `load_watermark`. For one thread at a time."""

    def __init__(self, net: Any) -> None:
        self._net = net

    def put(self, wav: Waveform) -> Waveform:
        """Float32 [N] at 32 kHz within -1..1 to the same with the mark; what is too short or
        silent stays as it is. Equal sound gives equal sound."""
        import torch

        if len(wav) < _SHORTEST or np.abs(wav).max() < _SILENT:
            return wav
        with torch.inference_mode():
            marked = self._net.apply_watermark(wav, SAMPLE_RATE)
        # It gives whole frames only; what is behind the last of them stays as it is.
        added = marked.astype(np.float32) - wav[: len(marked)]
        if not np.isfinite(added).all():
            return wav
        ramp = np.arange(_FADE, dtype=np.float32) / _FADE
        added[:_FADE] *= ramp
        added[-_FADE:] *= ramp[::-1]
        whole = wav.copy()
        whole[: len(added)] += added
        return whole.clip(-1.0, 1.0)

    def is_in(self, window: Waveform) -> bool | None:
        """Whether float32 [N] at 32 kHz, about 2 s, has the mark; None where nobody could tell:
        in silence. A steady tone is taken for marked, speech is not."""
        import torch

        if len(window) < _SHORTEST or np.sqrt(np.mean(window**2)) < _SILENT:
            return None
        with torch.inference_mode():
            sureness = self._net.get_watermark(window, SAMPLE_RATE, round=False)
        return bool(sureness >= _IS_MARKED)


def load_watermark() -> Watermark | None:
    """None where the library is not installed. Takes seconds; PyTorch is imported. Raises what the
    library raises if it is there and broken."""
    if not is_installed():
        return None
    # It tells where its weights are on standard output, which is not ours to write to.
    with _resource_names(), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from perth.perth_net.perth_net_implicit.perth_watermarker import PerthImplicitWatermarker

        return Watermark(PerthImplicitWatermarker())


@contextlib.contextmanager
def _resource_names() -> Iterator[None]:
    """The library asks `pkg_resources`, which setuptools has no more since version 81, for one
    thing: the path of a folder beside its code. While it is imported somebody answers."""
    name = "pkg_resources"
    if importlib.util.find_spec(name) is not None:
        yield
        return
    stand_in: Any = types.ModuleType(name)
    stand_in.resource_filename = _beside
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]


def _beside(package: str, resource: str) -> str:
    return str(Path(str(sys.modules[package].__file__)).parent / resource)
