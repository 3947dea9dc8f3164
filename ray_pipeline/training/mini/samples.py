"""Held-out clips as exported weights of the second stage say them: their own tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.models.mini.files import load_synthesizer
from ray_pipeline.training.mini.settings import SynthesizerSettings


def say_again(settings: SynthesizerSettings, path: Path, clips: Sequence[str]) -> list[Waveform]:
    """A waveform [N] at 32 kHz a clip, on the CPU; the noise is the same for all weights. Raises
    BadModelFile."""
    synthesizer = load_synthesizer(path).synthesizer
    tokens = {item.name: np.array(item.tokens, np.int64) for item in settings.held_out}
    waves: list[Waveform] = []
    for number, clip in enumerate(clips):
        noise = torch.Generator().manual_seed(number)
        with torch.inference_mode():
            wav = synthesizer.decode(tokens[clip], generator=noise)
        waves.append(wav.float().numpy())
    return waves
