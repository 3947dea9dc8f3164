"""Sound of tokens that are still being made, stretch by stretch, without a trace of the joins.

All tokens so far are encoded each time (that is cheap, and frames look at their neighbours), but
only the new frames go through the vocoder, with some before them as context. The noise of a frame
stays what it was. The last frames wait for what follows them; where two stretches meet, one fades
into the other over a frame of 20 ms.

    frames so far    0 .......... given | context | new .......... | wait
    vocoder                       └──────────────────────────────────────┘
    sound                                 └ fade, new ............ ┘

F frames of 640 samples (50 a second at speed 1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ray_pipeline.core.audio_format import HOP_SAMPLES
from ray_pipeline.models.sovits.synthesizer import Synthesizer

# The vocoder looks about 11 frames to each side.
_CONTEXT = 12
# The nearest ones matter most, and each costs 20 ms until the first sound.
_WAIT = 4
_FADE = 1


class StreamedDecode:
    """One piece. `voice` is what `Synthesizer.mean_embedding` gave, `text` [1, L] its phones; the
    rest as in `Synthesizer.decode`."""

    def __init__(
        self,
        synthesizer: Synthesizer,
        voice: tuple[Tensor, Tensor],
        text: Tensor,
        generator: torch.Generator,
        *,
        speed: float = 1.0,
        noise_scale: float = 0.5,
    ) -> None:
        self._synthesizer, self._text, self._generator = synthesizer, text, generator
        self._ge, self._ge_text = voice
        self._speed, self._noise_scale = speed, noise_scale
        self._noise = text.new_zeros(
            (1, synthesizer.config.inter_channels, 0), dtype=voice[0].dtype
        )
        self._given = 0  # frames
        self._fading: Tensor | None = None  # what the last stretch made of the next frame

    @torch.inference_mode()
    def more(self, tokens: list[int], *, last: bool) -> Tensor:
        """All tokens so far to the samples [N] that follow those given before; with `last` to
        the end."""
        latent = self._latent(tokens)
        total = latent.shape[-1]
        end = total if last else max(self._given, total - _WAIT - _FADE)
        begin = max(0, self._given - _CONTEXT)
        made = self._synthesizer.dec(latent[..., begin:], self._ge)[0, 0]
        wav = made[(self._given - begin) * HOP_SAMPLES :]
        if self._fading is not None and len(wav):
            wav = _faded(self._fading, wav)
        length = (end - self._given) * HOP_SAMPLES
        self._fading = None if last else wav[length : length + _FADE * HOP_SAMPLES]
        self._given = end
        return wav[:length]

    def _latent(self, tokens: list[int]) -> Tensor:
        """[1, inter, F] as the vocoder wants it."""
        network = self._synthesizer
        codes = torch.tensor(tokens, device=self._text.device)[None]
        mean, log_deviation = network.prior(codes, self._text, self._ge_text, self._speed)
        missing = mean.shape[-1] - self._noise.shape[-1]
        if missing > 0:
            shape = (1, mean.shape[1], missing)
            drawn = torch.randn(shape, generator=self._generator, device=mean.device)
            self._noise = torch.cat([self._noise, drawn.to(mean.dtype)], dim=-1)
        noise = self._noise[..., : mean.shape[-1]]
        latent = mean + noise * torch.exp(log_deviation) * self._noise_scale
        mask = latent.new_ones(1, 1, latent.shape[-1])
        return network.flow(latent, mask, self._ge, inverse=True)


def _faded(old: Tensor, new: Tensor) -> Tensor:
    """`new` with its beginning faded in over `old`, which is at most as long. Both are nearly the
    same sound, so that amplitudes and not powers add up to one."""
    count = min(len(old), len(new))
    rise = torch.linspace(0, 1, count, device=new.device, dtype=new.dtype)
    return torch.cat([old[:count] * (1 - rise) + new[:count] * rise, new[count:]])
