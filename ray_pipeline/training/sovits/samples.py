"""Held-out clips as exported SoVITS weights say them: their own tokens, in the voice of a training
clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.training.sovits.data import SovitsDataset
from ray_pipeline.training.sovits.evaluation import ENOUGH_TO_JUDGE, choose_reference
from ray_pipeline.training.sovits.settings import SovitsSettings
from ray_pipeline.weights.files import build_synthesizer, load_sovits


def say_again(settings: SovitsSettings, path: Path, clips: Sequence[str]) -> list[Waveform]:
    """A waveform [N] at 32 kHz a clip, on the GPU if there is one; the noise is the same for all
    weights. Raises BadModelFile."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    synthesizer = build_synthesizer(load_sovits(path)).eval().to(device)
    with_speaker = settings.model.speaker_dim is not None
    first = settings.items[:ENOUGH_TO_JUDGE]
    training = SovitsDataset(settings.experiment, first, with_speaker=with_speaker)
    reference = choose_reference([training[index] for index in range(len(first))])
    speakers = None if reference.speaker is None else [reference.speaker[None].to(device)]
    voice = synthesizer.mean_embedding([reference.spec[None].to(device)], speakers)
    wanted = {item.name: item for item in settings.held_out}
    held_out = SovitsDataset(
        settings.experiment, [wanted[clip] for clip in clips], with_speaker=with_speaker
    )
    waves = []
    for number in range(len(clips)):
        example = held_out[number]
        noise = torch.Generator(device).manual_seed(number)
        codes = synthesizer.extract_latent(example.ssl[None].to(device))
        phones = example.phones[None].to(device)
        spoken = synthesizer.decode_as(voice, codes, phones, generator=noise)
        waves.append(spoken[0, 0].float().cpu().numpy())
    return waves
