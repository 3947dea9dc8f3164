"""Numbers that tell whether a small SoVITS training learned anything, with what they are held
against. Errors of sound are mean absolute differences of log-mels (natural logarithm)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ray_pipeline.audio.spectrogram import mel_spectrogram
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.training.sovits.data import SovitsExample

ENOUGH_TO_JUDGE = 50  # training clips that a mean frame or a reference is taken from
_REFERENCE_FRAMES = (150, 500)  # 3 to 10 s, as at inference


@dataclass(frozen=True, kw_only=True)
class DecodeErrors:
    """Of clips that took no part in the training: `trained` and `untrained` decode their tokens
    with the voice of a training clip, `constant_frame` says the mean training frame throughout."""

    trained: float
    untrained: float
    constant_frame: float
    num_clips: int


def judge_decoding(
    trained: Synthesizer,
    untrained: Synthesizer,
    held_out: Sequence[SovitsExample],
    training: Sequence[SovitsExample],
) -> DecodeErrors:
    """Neither sequence is empty."""
    reference = choose_reference(training)
    return DecodeErrors(
        trained=decode_error(trained, held_out, reference),
        untrained=decode_error(untrained, held_out, reference),
        constant_frame=constant_frame_error(held_out, training),
        num_clips=len(held_out),
    )


def choose_reference(examples: Sequence[SovitsExample]) -> SovitsExample:
    """The first of 3 to 10 s, else the one nearest to that."""
    shortest, longest = _REFERENCE_FRAMES

    def distance(example: SovitsExample) -> int:
        frames = example.spec.shape[-1]
        return max(shortest - frames, frames - longest, 0)

    return min(examples, key=distance)


def decode_error(
    generator: Synthesizer, examples: Sequence[SovitsExample], reference: SovitsExample
) -> float:
    """Tokens of each example to sound and back to log-mel, against the recording's. Nothing is
    drawn at random. The examples are on the CPU, the generator is anywhere."""
    was_training = generator.training
    generator.eval()
    device = next(generator.parameters()).device
    speakers = None if reference.speaker is None else [reference.speaker[None].to(device)]
    refer = [reference.spec[None].to(device)]
    errors = []
    for example in examples:
        codes = generator.extract_latent(example.ssl[None].to(device))
        phones = example.phones[None].to(device)
        spoken = generator.decode(codes, phones, refer, speakers, noise_scale=0.0)
        errors.append(_mel_distance(spoken[0].float().cpu(), example.wav))
    generator.train(was_training)
    return sum(errors) / len(errors)


def constant_frame_error(
    examples: Sequence[SovitsExample], training: Sequence[SovitsExample]
) -> float:
    """The error of answering every frame with the mean frame of the training clips."""
    frames = torch.cat([mel_spectrogram(clip.wav)[0] for clip in training], dim=1)
    mean = frames.mean(dim=1, keepdim=True)
    errors = [(mel_spectrogram(clip.wav)[0] - mean).abs().mean().item() for clip in examples]
    return sum(errors) / len(errors)


def _mel_distance(wav: Tensor, other: Tensor) -> float:
    """Of two waveforms [1, N], over the length of the shorter."""
    mel, other_mel = mel_spectrogram(wav), mel_spectrogram(other)
    frames = min(mel.shape[-1], other_mel.shape[-1])
    return (mel[..., :frames] - other_mel[..., :frames]).abs().mean().item()
