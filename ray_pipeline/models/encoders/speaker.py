"""Who speaks: waveform to one vector a speaker.

ERes2NetV2 for the Pro versions, statistics of filter banks for nano, none for v1 and v2.
Both hear 16 kHz through the same Kaldi filter bank. Shapes: waveforms [T] mono in -1..1,
vectors [1, speaker_dim].
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch
import torchaudio
from torch import Tensor

from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.errors import BackendMissing, BadModelFile
from ray_pipeline.core.pretrained_bases import SPEAKER_ENCODER_FILE, PretrainedBase

_RATE_HZ = 16_000
_BINS = 80
# Brings natural logarithms to about 1, which suits the linear layer behind.
_NANO_SCALE = 3.0
_FULL_SCALE = 32768.0
_SILENCE = 1e-5


class SpeakerEncoder(Protocol):
    """`speaker_dim` is the length of the vector."""

    speaker_dim: int

    def __call__(self, wav: Waveform, sample_rate: int) -> Tensor:
        """[1, speaker_dim] of a waveform in -1..1, at least 25 ms of it."""


def load_speaker_encoder(
    base: PretrainedBase, models_dir: Path, device: str | torch.device = "cpu"
) -> SpeakerEncoder | None:
    """The encoder of the base model's speaker vectors, None where it has none (v1, v2).

    Raises BackendMissing or BadModelFile when the weights are absent or wrong.
    """
    if base.speaker_encoder is None:
        return None
    if base.speaker_encoder == "nano":
        return NanoSpeakerEncoder(device)
    return Eres2NetEncoder(models_dir / SPEAKER_ENCODER_FILE, device)


def filter_bank(wav: Tensor) -> Tensor:
    """Kaldi's log mel filter bank: 16 kHz waveform [T] in -1..1 to [frames, 80].

    25 ms windows every 10 ms, no dither, no scaling to 16-bit values, no mean subtraction.
    """
    return torchaudio.compliance.kaldi.fbank(
        wav[None], num_mel_bins=_BINS, sample_frequency=_RATE_HZ, dither=0.0
    )


def to_16k(wav: Waveform, sample_rate: int) -> Tensor:
    """Resampled by torchaudio's default filter, as the original does for speaker vectors."""
    return torchaudio.functional.resample(torch.from_numpy(wav).float(), sample_rate, _RATE_HZ)


class Eres2NetEncoder:
    """The fused map of ERes2NetV2, averaged over time: 20480 values."""

    speaker_dim = 20480

    def __init__(self, path: Path, device: str | torch.device = "cpu") -> None:
        from ray_pipeline.models.encoders.eres2net import Eres2Net

        self._model = Eres2Net()
        self._model.load_state_dict(_read_weights(path))
        self._model.eval().requires_grad_(False).to(device)
        self._device = device

    @torch.inference_mode()
    def __call__(self, wav: Waveform, sample_rate: int) -> Tensor:
        features = filter_bank(to_16k(wav, sample_rate))
        return self._model(features[None].to(self._device))


class NanoSpeakerEncoder:
    """Means and standard deviations of 80 filter bank bins over time: 160 values.

    The waveform is brought to one peak, and the mean over all bins taken out of the means, so
    that the level of a recording does not pass for a trait of the voice.
    """

    speaker_dim = 2 * _BINS

    def __init__(self, device: str | torch.device = "cpu") -> None:
        self._device = device

    @torch.inference_mode()
    def __call__(self, wav: Waveform, sample_rate: int) -> Tensor:
        clip = to_16k(wav, sample_rate)
        # In -1..1 the quiet frames would lie under the filter bank's floor.
        features = filter_bank(clip * (_FULL_SCALE / clip.abs().max().clamp(min=_SILENCE)))
        means = features.mean(dim=0)
        spread = features.std(dim=0, correction=0)
        vector = torch.cat([means - means.mean(), spread]) / _NANO_SCALE
        return vector[None].to(self._device)


def _read_weights(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise BackendMissing(
            f"The speaker encoder {path.name} is not in the models folder.",
            hint="Run `gsv models pull v2ProPlus`.",
        )
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise BadModelFile(
            f"{path.name} is not a readable weight file: {type(error).__name__}.",
            hint="Delete it and run `gsv models pull v2ProPlus` again.",
        ) from error
    if not isinstance(weights, dict):
        raise BadModelFile(f"{path.name} does not hold a table of weights.")
    return weights
