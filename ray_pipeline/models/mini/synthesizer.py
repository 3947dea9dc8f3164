"""Stage 2: tokens to the waveform of one speaker.

T tokens at 50 Hz, N = 640 T samples at 32 kHz.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ray_pipeline.models.mini.acoustic import AcousticModel, Frames
from ray_pipeline.models.mini.config import SPEAKER_DIM, TOKEN_HOP, MiniConfig
from ray_pipeline.models.mini.tokens import Ids, places, runs
from ray_pipeline.models.mini.vocoder import Vocoder


class MiniSynthesizer(nn.Module):
    """The acoustic model and the vocoder behind it, with the vector of the speaker they speak as.

    `speaker` [162] is zero in the base, which speaks as whom it is told to.
    """

    speaker: Tensor

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        self.acoustic = AcousticModel(config.acoustic)
        self.vocoder = Vocoder(config.vocoder)
        self.register_buffer("speaker", torch.zeros(SPEAKER_DIM))

    @torch.inference_mode()
    def frames(self, tokens: Ids, speaker: Tensor | None = None) -> Frames:
        """Mel, pitch and voicing of tokens [T], each with a batch of one."""
        vector = self.speaker if speaker is None else speaker
        device = vector.device
        phones, lengths = runs(tokens)
        index, place = places(lengths)
        made: Frames = self.acoustic(
            torch.from_numpy(phones).to(device)[None],
            torch.tensor([len(phones)], device=device),
            torch.from_numpy(index).to(device)[None],
            torch.from_numpy(place).to(device)[None],
            vector[None],
        )
        return made

    @torch.inference_mode()
    def decode(
        self,
        tokens: Ids,
        speaker: Tensor | None = None,
        *,
        pitch: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Tokens [T] to the waveform [640 T] at about -22 dBFS. `pitch` 1.1 is a tenth higher;
        `generator` draws the noise of breath and fricatives."""
        made = self.frames(np.asarray(tokens), speaker)
        vector = self.speaker if speaker is None else speaker
        noise = torch.randn(1, len(tokens) * TOKEN_HOP, generator=generator, device=vector.device)
        wav: Tensor = self.vocoder(made.mel, made.pitch_hz(vector[None], pitch), noise)
        return wav[0]
