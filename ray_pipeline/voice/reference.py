"""The recording whose voice and manner are imitated, and what the models need of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import torch
from torch import Tensor

from ray_pipeline.audio.converting import convert
from ray_pipeline.audio.spectrogram import spectrogram
from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import InvalidInput, StepFailed
from ray_pipeline.core.pretrained_bases import PretrainedBase
from ray_pipeline.models.encoders.content import ContentEncoder, to_rate
from ray_pipeline.models.encoders.speaker import SpeakerEncoder
from ray_pipeline.models.sovits.synthesizer import Synthesizer

MIN_SECONDS = 3.0
MAX_SECONDS = 10.0
# A frame or two of tolerance: a clip cut at 10 s may be a few samples longer.
_SLACK_SECONDS = 0.02

# What each content encoder is given: its rate, and the silence that the original puts behind the
# reference, in seconds. nano's training never sees such a tail.
_ENCODER_INPUT = {"hubert": (16_000, 0.6), "nano": (SAMPLE_RATE, 0.0)}


@dataclass(frozen=True)
class ReferenceFeatures:
    """`prompt` [P] semantic tokens, `spectrogram` [1, bins, F], `speaker` [1, speaker_dim] or
    None where the version has no speaker vector; `voice` is what `Synthesizer.mean_embedding`
    makes of the last two, `seconds` the length."""

    prompt: Tensor
    spectrogram: Tensor
    speaker: Tensor | None
    voice: tuple[Tensor, Tensor]
    seconds: float


def analyse(
    path: Path,
    base: PretrainedBase,
    content: ContentEncoder,
    speaker: SpeakerEncoder | None,
    synthesizer: Synthesizer,
) -> ReferenceFeatures:
    """Raises InvalidInput for a recording that cannot be read, of the wrong length or silent."""
    wav, rate = read_reference(path)
    check_length(len(wav) / rate, path.name)
    if not np.abs(wav).max(initial=0.0) > 0:
        raise InvalidInput(
            f"The reference {path.name} is silent.",
            hint="Choose a clip in which the speaker can be heard.",
            field="params.ref_audio",
        )
    device = next(synthesizer.parameters()).device
    ssl = content(*_with_tail(wav, rate, base)).to(device)
    loud = _limited(to_rate(wav, rate, SAMPLE_RATE))
    vector = None if speaker is None else speaker(loud, SAMPLE_RATE).to(device)
    with torch.inference_mode():
        prompt = synthesizer.extract_latent(ssl)[0, 0]
        spec = spectrogram(torch.from_numpy(loud)[None].to(device))
    voice = synthesizer.mean_embedding([spec], None if vector is None else [vector])
    return ReferenceFeatures(prompt, spec, vector, voice, len(wav) / rate)


def read_reference(path: Path) -> tuple[Waveform, int]:
    """Samples [N] and their rate. What libsndfile does not read as one channel goes through the
    conversion of recordings: any format, and channels that cancel each other out are not added.

    Raises InvalidInput, which says why, for what that cannot use.
    """
    try:
        if soundfile.info(path).channels == 1:
            return read_mono(path)
    except (soundfile.SoundFileError, RuntimeError, OSError):
        pass  # ffmpeg knows more formats
    try:
        with TemporaryDirectory(prefix="gsv-reference-") as folder:
            converted = Path(folder) / "reference.wav"
            convert(path, converted, min_seconds=0)
            return read_mono(converted)
    except StepFailed as error:
        raise InvalidInput(error.message, hint=error.hint, field="params.ref_audio") from error


def check_length(seconds: float, name: str) -> None:
    """Raises InvalidInput unless a reference of this length can be used."""
    if MIN_SECONDS - _SLACK_SECONDS <= seconds <= MAX_SECONDS + _SLACK_SECONDS:
        return
    raise InvalidInput(
        f"The reference {name} is {seconds:.1f} s long; it has to be "
        f"{MIN_SECONDS:.0f} to {MAX_SECONDS:.0f} s.",
        hint="Choose another clip, or leave ref_audio out to have one chosen.",
        field="params.ref_audio",
    )


def _with_tail(wav: Waveform, rate: int, base: PretrainedBase) -> tuple[Waveform, int]:
    own_rate, tail_seconds = _ENCODER_INPUT[base.content_encoder]
    tail = np.zeros(int(tail_seconds * own_rate), dtype=np.float32)
    return np.concatenate([to_rate(wav, rate, own_rate), tail]), own_rate


def _limited(wav: Waveform) -> Waveform:
    """A waveform beyond full scale is brought down, by half at most, as in the original."""
    peak = float(np.abs(wav).max())
    return wav / min(2.0, peak) if peak > 1 else wav
