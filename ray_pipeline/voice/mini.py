"""A voice of the base mini that speaks texts: pieces, phones, and what models/mini makes of them.

It imitates nobody but the person that it was fine-tuned to, so a reference changes nothing, and
nothing of what it says is drawn but the noise of breath and fricatives.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.pretrained_bases import BERT_FOLDER
from ray_pipeline.core.speech import DEFAULT_SETTINGS, SpeechSettings
from ray_pipeline.models.mini.config import TOKEN_HOP, VERSION
from ray_pipeline.models.mini.voice import MiniVoice, refuse_unknown_language
from ray_pipeline.text import Phones
from ray_pipeline.text.chinese.g2pw import load_polyphones
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.voice.reference import Reference
from ray_pipeline.voice.script import Reader
from ray_pipeline.voice.speech import OnProgress, Piece, Speech


@dataclass
class MiniTextVoice:
    """Made by `load`."""

    voice: MiniVoice
    models_dir: Path

    version = VERSION
    tokens_per_second = SAMPLE_RATE / TOKEN_HOP
    limit_tokens = None

    @classmethod
    def load(
        cls, gpt_path: Path, sovits_path: Path, models_dir: Path, device: str | torch.device = "cpu"
    ) -> MiniTextVoice:
        """The files of train_gpt (durations) and train_sovits (the sound)."""
        return cls(MiniVoice.load(gpt_path, sovits_path, device), models_dir)

    def speak(
        self,
        text: str,
        mode: str,
        reference: Reference,
        settings: SpeechSettings = DEFAULT_SETTINGS,
        *,
        dictionary: Pronunciations | None = None,
        on_progress: OnProgress | None = None,
    ) -> Speech:
        """See `Voice`. Raises InvalidInput also for a language that the base has not learned."""
        reader = Reader(
            symbols="v2",
            dictionary=dictionary or {},
            polyphones=load_polyphones(self.models_dir, self.models_dir / BERT_FOLDER),
            strict_compat=settings.strict_compat,
        )
        script, left_out = reader.script(text, mode, settings.cut)
        for language in _languages(script):
            refuse_unknown_language(language)
        made, waves = [], []
        for number, phones in enumerate(script):
            piece, wav = self._piece(phones, settings, settings.seed + number)
            pause = np.zeros(int(settings.pause_seconds * SAMPLE_RATE), dtype=np.float32)
            made.append(piece)
            waves += [wav, pause]
            if on_progress is not None:
                on_progress(number + 1, len(script))
        return Speech(np.concatenate(waves), made, left_out)

    def _piece(self, phones: Phones, settings: SpeechSettings, seed: int) -> tuple[Piece, Waveform]:
        wav = self.voice.speak(
            phones.ids,
            _languages([phones])[0],
            speed=settings.speed,
            pitch=settings.pitch,
            energy=settings.energy,
            seed=seed,
        )
        piece = Piece(
            text=phones.text,
            norm_text=phones.norm_text,
            phones=phones.phones,
            unknown=phones.unknown,
            tokens=self.voice.tokens(phones.ids, speed=settings.speed).tolist(),
            ended=True,
            seconds=len(wav) / SAMPLE_RATE,
        )
        return piece, wav


def _languages(script: Iterable[Phones]) -> list[str]:
    """Those that the pieces are read in, each once, in order."""
    return list(dict.fromkeys(part.language for phones in script for part in phones.parts))
