"""A sample to look at: its log-mel as a grey picture, a column 20 ms, low frequencies below."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ray_pipeline.audio.spectrogram import mel_spectrogram
from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.workspace import atomic_path

_RANGE = 8.0  # natural logarithms below the loudest: 70 dB


def write_mel_picture(path: Path, wav: Waveform) -> None:
    """A PNG of [128, F] pixels of a waveform [N] at 32 kHz."""
    from PIL import Image

    mel = mel_spectrogram(torch.from_numpy(np.ascontiguousarray(wav)))[0].numpy()
    light = np.clip((mel - mel.max()) / _RANGE + 1, 0, 1)
    pixels = (255 * light[::-1]).astype(np.uint8)
    with atomic_path(path) as partial:
        Image.fromarray(pixels).save(partial, format="PNG")
