"""A voice of the base model mini, ready to speak.

voice = MiniVoice.load(durations_path, synthesizer_path)
wav = voice.speak(phonemize("Hello.", "en").ids, "en")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.models.mini.config import LANGUAGES
from ray_pipeline.models.mini.durations import DurationModel
from ray_pipeline.models.mini.files import load_durations, load_synthesizer
from ray_pipeline.models.mini.synthesizer import MiniSynthesizer
from ray_pipeline.models.mini.tokens import Ids, merged, tokens_of, whole_frames, with_edges

# Silence before and behind a piece, in frames of 20 ms; pauses are the caller's business.
_EDGE_FRAMES = 3, 5
SLOWEST, FASTEST = 0.5, 2.0


@dataclass
class MiniVoice:
    """`speaker` [162] is the vector that both networks were fine-tuned to."""

    durations: DurationModel
    synthesizer: MiniSynthesizer
    speaker: Tensor

    @classmethod
    def load(
        cls, durations_path: Path, synthesizer_path: Path, device: str | torch.device = "cpu"
    ) -> MiniVoice:
        """The two files of a voice. Raises BadModelFile."""
        durations = load_durations(durations_path).durations.to(device)
        synthesizer = load_synthesizer(synthesizer_path).synthesizer.to(device)
        return cls(durations, synthesizer, synthesizer.speaker)

    def speak(
        self,
        phones: Sequence[int],
        language: str,
        *,
        speed: float = 1.0,
        pitch: float = 1.0,
        energy: float = 1.0,
        seed: int = 0,
    ) -> NDArray[np.float32]:
        """Ids of `phonemize` to a waveform [N] at 32 kHz within -1..1.

        `speed` 2.0 is twice as fast, `pitch` 2.0 an octave higher, `energy` 2.0 twice the
        amplitude. Equal arguments give equal waveforms. Raises InvalidInput for a language that
        the base has not learned and for a speed outside 0.5 to 2.
        """
        refuse_unknown_language(language)
        tokens = self.tokens(phones, speed=speed)
        return self.sound(tokens, pitch=pitch, energy=energy, seed=seed)

    def sound(
        self, tokens: Ids, *, pitch: float = 1.0, energy: float = 1.0, seed: int = 0
    ) -> NDArray[np.float32]:
        """Tokens [T] to a waveform [640 T]; the rest as in `speak`."""
        generator = torch.Generator(self.speaker.device).manual_seed(seed)
        wav = self.synthesizer.decode(tokens, self.speaker, pitch=pitch, generator=generator)
        samples: NDArray[np.float32] = wav.float().cpu().numpy() * np.float32(energy)
        return samples / max(1.0, float(np.abs(samples).max(initial=0.0)))

    def tokens(self, phones: Sequence[int], *, speed: float = 1.0) -> Ids:
        """The tokens [T] that stand for the phones, 50 a second."""
        if not SLOWEST <= speed <= FASTEST:
            raise InvalidInput(
                f"The speed {speed} cannot be spoken.",
                hint=f"Take one between {SLOWEST} and {FASTEST}.",
                field="speed",
            )
        ids, _ = merged(with_edges(phones), np.ones(len(phones) + 2))
        device = self.speaker.device
        frames = self.durations.frames(torch.from_numpy(ids).to(device), self.speaker)
        wanted = frames.cpu().numpy().astype(np.float64) / speed
        wanted[0], wanted[-1] = _EDGE_FRAMES
        return tokens_of(ids, whole_frames(wanted))


def refuse_unknown_language(language: str) -> None:
    """Raises InvalidInput for one that the base has not learned."""
    if language not in LANGUAGES:
        raise InvalidInput(
            f"The base model mini does not speak {language!r}.",
            hint=f"It speaks {', '.join(LANGUAGES)}; for others take a base model of GPT-SoVITS "
            "(`gsv models pull v2`).",
            field="language",
        )
