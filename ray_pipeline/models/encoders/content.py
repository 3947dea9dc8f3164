"""What is said, apart from who says it: waveform to content features at 50 Hz.

Two encoders behind one interface: HuBERT for the full-size base models, and log-mel frames for
nano, which has to start without any download. `load_content_encoder` chooses by the table of
base models. Shapes: waveforms [T] mono, features [1, ssl_dim, frames].
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from ray_pipeline.audio.spectrogram import mel_spectrogram
from ray_pipeline.core.audio_format import HOP_SAMPLES, SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import BackendMissing, BadModelFile
from ray_pipeline.core.pretrained_bases import HUBERT_FOLDER, PretrainedBase

if TYPE_CHECKING:
    from transformers import HubertModel

# The original feeds HuBERT the loudness mix at this scale when it prepares training data.
_HUBERT_TRAINING_SCALE = 1145.14
_HUBERT_RATE_HZ = 16_000

_NANO_FFT_SAMPLES = 1024
_NANO_BINS = 80
_NANO_TOP_HZ = 8000.0
_NANO_LOG_FLOOR = math.log(1e-4)  # about 3 in 100 bins of clean speech lie under it
_SILENCE = 1e-5


class ContentEncoder(Protocol):
    """`ssl_dim` is the width of the features.

    Both methods give [1, ssl_dim, frames], float32, on the encoder's device.
    """

    ssl_dim: int

    def __call__(self, wav: Waveform, sample_rate: int) -> Tensor:
        """Features of a waveform in -1..1, as used for a reference at inference."""

    def of_training_clip(self, wav: Waveform) -> Tensor:
        """Features of a clip at 32 kHz, before the loudness mix, as used for training."""


def load_content_encoder(
    base: PretrainedBase, models_dir: Path, device: str | torch.device = "cpu"
) -> ContentEncoder:
    """The encoder that the base model was made with.

    Raises BackendMissing when its files are not in the models folder.
    """
    if base.content_encoder == "nano":
        return NanoContentEncoder(device)
    return HubertEncoder.load(models_dir / HUBERT_FOLDER, device)


def loudness_mix(wav: Waveform, full_scale: float) -> Waveform:
    """Half the waveform as it is and half of it brought to a peak of 0.95, times `full_scale`.

    The order of the operations is the original's; another one rounds a few samples differently.
    The waveform must not be silent.
    """
    peak = np.abs(wav).max()
    mixed: Waveform = wav / peak * (0.95 * 0.5 * full_scale) + 0.5 * full_scale * wav
    return mixed


def mixed_int16(wav: Waveform) -> NDArray[np.int16]:
    """The loudness mix as the samples of a 16-bit file: cut toward zero, wrapping around where
    a recording above full scale exceeds them, as the original does."""
    return loudness_mix(wav, 32768).astype(np.int32).astype(np.int16)


def to_rate(wav: Waveform, from_hz: int, to_hz: int) -> Waveform:
    """[N] to [ceil(N * to / from)], as librosa does by default: soxr at high quality, a missing
    last sample filled with zero. (librosa itself takes a second to import.)"""
    if from_hz == to_hz:
        return wav
    resampled: Waveform = soxr.resample(wav, from_hz, to_hz, quality="HQ")
    wanted = -(-len(wav) * to_hz // from_hz)
    return np.pad(resampled[:wanted], (0, max(0, wanted - len(resampled))))


class HubertEncoder:
    """The last hidden layer of a HuBERT base model (Hsu et al. 2021, Chinese weights by
    TencentGameMate) on the raw 16 kHz waveform, without any normalisation of the input.

    Whole multiples of 640 samples at 32 kHz give one frame fewer than the spectrogram has.
    """

    def __init__(self, model: HubertModel, device: str | torch.device = "cpu") -> None:
        self._model = model.eval().requires_grad_(False).to(device)
        self._device = device
        self.ssl_dim: int = model.config.hidden_size

    @classmethod
    def load(cls, folder: Path, device: str | torch.device = "cpu") -> HubertEncoder:
        """From a folder with config.json and weights. Raises BackendMissing or BadModelFile."""
        from transformers import HubertModel

        if not (folder / "config.json").is_file():
            raise BackendMissing(
                f"The content encoder {folder.name} is not in the models folder.",
                hint="Run `gsv models pull` for the base model of the task.",
            )
        try:
            model = HubertModel.from_pretrained(folder, local_files_only=True)
        except Exception as error:
            raise BadModelFile(
                f"The content encoder {folder.name} cannot be loaded: {error}",
                hint="Delete its folder and run `gsv models pull` again.",
            ) from error
        return cls(model, device)

    def __call__(self, wav: Waveform, sample_rate: int) -> Tensor:
        return self.of_16k(to_rate(wav, sample_rate, _HUBERT_RATE_HZ))

    def of_training_clip(self, wav: Waveform) -> Tensor:
        mixed = loudness_mix(wav, _HUBERT_TRAINING_SCALE)
        return self.of_16k(to_rate(mixed, SAMPLE_RATE, _HUBERT_RATE_HZ))

    @torch.inference_mode()
    def of_16k(self, wav: Waveform) -> Tensor:
        """[1, ssl_dim, frames] of a 16 kHz waveform at whatever scale it comes."""
        batch = torch.from_numpy(wav).to(self._device)[None]
        hidden: Tensor = self._model(batch).last_hidden_state
        return hidden.transpose(1, 2)


class NanoContentEncoder:
    """80 log-mel bins up to 8 kHz, one frame for each whole 640 samples at 32 kHz.

    A clip is brought to the same peak first, so that training and inference hear the same
    level. The bins stay raw; what normalises them is fitted to the data of a task and is part
    of the projection behind the encoder (`models/codebook.py`).
    """

    ssl_dim = _NANO_BINS

    def __init__(self, device: str | torch.device = "cpu") -> None:
        self._device = device

    @torch.inference_mode()
    def __call__(self, wav: Waveform, sample_rate: int) -> Tensor:
        clip = torch.from_numpy(to_rate(wav, sample_rate, SAMPLE_RATE)).float().to(self._device)
        log_mel = mel_spectrogram(
            clip / clip.abs().max().clamp(min=_SILENCE),
            _NANO_FFT_SAMPLES,
            HOP_SAMPLES,
            _NANO_FFT_SAMPLES,
            num_mels=_NANO_BINS,
            sample_rate=SAMPLE_RATE,
            fmax=_NANO_TOP_HZ,
        )
        return log_mel.clamp(min=_NANO_LOG_FLOOR)

    def of_training_clip(self, wav: Waveform) -> Tensor:
        return self(wav, SAMPLE_RATE)
