"""A voice of the base model mini, ready to speak.

voice = MiniVoice.load(durations_path, synthesizer_path)
wav = voice.speak(phonemize("Hello.", "en").ids, "en")
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
# In the header of a voice's files; the first base, whose voices have no word of it, spoke English.
LANGUAGES_FACT, _LANGUAGE_OF_THE_FIRST_BASE = "languages", "en"


@dataclass
class MiniVoice:
    """`speaker` [162] is the vector that both networks were fine-tuned to, `languages` what the
    base they come from had learned."""

    durations: DurationModel
    synthesizer: MiniSynthesizer
    speaker: Tensor
    languages: Collection[str] = LANGUAGES

    @classmethod
    def load(
        cls, durations_path: Path, synthesizer_path: Path, device: str | torch.device = "cpu"
    ) -> MiniVoice:
        """The two files of a voice. Raises BadModelFile."""
        first, second = load_durations(durations_path), load_synthesizer(synthesizer_path)
        synthesizer = second.synthesizer.to(device)
        learned = [
            facts.get(LANGUAGES_FACT, _LANGUAGE_OF_THE_FIRST_BASE).split()
            for facts in (first.facts, second.facts)
        ]
        languages = [language for language in learned[0] if language in learned[1]]
        return cls(first.durations.to(device), synthesizer, synthesizer.speaker, languages)

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
        refuse_unknown_language(language, self.languages)
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


def refuse_unknown_language(language: str, known: Collection[str] = LANGUAGES) -> None:
    """Raises InvalidInput for one that the base has not learned; `known` are those of the base
    that a voice was made from, which may be older than the one that comes with the project."""
    if language in LANGUAGES and language not in known:
        raise InvalidInput(
            f"This voice does not speak {language!r}: it was made from an older base model mini, "
            f"which knew only {', '.join(known)}.",
            hint="Train it again: in a new task, or with force from extract_text_features.",
            field="language",
        )
    if language not in known:
        raise InvalidInput(
            f"The base model mini does not speak {language!r}.",
            hint=f"It speaks {', '.join(known)}; for others take a base model of GPT-SoVITS "
            "(`gsv models pull v2`).",
            field="language",
        )
