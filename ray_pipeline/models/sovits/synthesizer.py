"""The whole second stage: training forward, decoding of tokens, extraction of tokens.

B batch, T frames (50 Hz, 640 samples each), T25 tokens (25 Hz), L phones. `ge` is the global
embedding: one vector for the voice. `sv` is the speaker vector of the variants that have one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ray_pipeline.core.audio_format import FRAMES_PER_TOKEN
from ray_pipeline.models.sovits.config import SovitsConfig
from ray_pipeline.models.sovits.flow import Flow
from ray_pipeline.models.sovits.layers import frame_mask
from ray_pipeline.models.sovits.posterior import PosteriorEncoder
from ray_pipeline.models.sovits.quantizer import Quantizer
from ray_pipeline.models.sovits.segments import random_starts, slice_segments
from ray_pipeline.models.sovits.style_encoder import StyleEncoder
from ray_pipeline.models.sovits.text_encoder import TextEncoder, full_length
from ray_pipeline.models.sovits.vocoder import Vocoder


@dataclass(frozen=True)
class SynthesizerOutput:
    """One training forward. Latents are [B, inter, T]: q is the posterior, p the prior."""

    y_hat: Tensor  # [B, 1, segment_frames · 640]
    ids_slice: Tensor  # [B] first frame of each segment
    z_mask: Tensor  # [B, 1, T]
    z: Tensor  # sample of the posterior
    z_p: Tensor  # the same, seen through the flow
    m_p: Tensor
    logs_p: Tensor
    m_q: Tensor
    logs_q: Tensor
    commit_loss: Tensor  # 0: the codebook is frozen
    quantized: Tensor  # [B, ssl_dim, T]


class Synthesizer(nn.Module):
    """State-dict keys are those of the original's files."""

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        inter, hidden, gin = config.inter_channels, config.hidden_channels, config.gin_channels
        self.config = config
        self.enc_p = TextEncoder(config)
        self.dec = Vocoder(config)
        self.enc_q = PosteriorEncoder(config.spec_bins, inter, hidden, config.posterior_layers, gin)
        self.flow = Flow(inter, hidden, config.num_flows, config.flow_layers, gin)
        self.ref_enc = StyleEncoder(
            config.style_bins, config.style_channels, config.style_heads, gin
        )
        self.ssl_proj = nn.Conv1d(
            config.ssl_dim, config.ssl_dim, FRAMES_PER_TOKEN, stride=FRAMES_PER_TOKEN
        )
        self.quantizer = Quantizer(config.codebook_size, config.ssl_dim)
        if config.speaker_dim is not None:
            self.sv_emb = nn.Linear(config.speaker_dim, gin)
            self.ge_to512 = nn.Linear(gin, config.mrte_channels)
            self.prelu = nn.PReLU(num_parameters=gin)

    def global_embedding(
        self, spec: Tensor, lengths: Tensor, sv: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """spec [B, bins, T], lengths [B], sv [B, speaker_dim] → ge [B, G, 1] and its form for
        the text encoder [B, mrte, 1]. Raises ValueError when `sv` is missing or too much."""
        if (sv is None) != (self.config.speaker_dim is None):
            need = "needs a" if sv is None else "takes no"
            raise ValueError(f"a model of version {self.config.version} {need} speaker vector")
        ge = self.ref_enc(spec, frame_mask(lengths, spec.shape[-1]))
        if sv is None:
            return ge, ge
        ge = self.prelu(ge + self.sv_emb(sv)[..., None])
        return ge, self.ge_to512(ge.mT).mT

    def forward(
        self,
        ssl: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        text: Tensor,
        text_lengths: Tensor,
        sv: Tensor | None = None,
        *,
        segment_frames: int,
        generator: torch.Generator | None = None,
        ids_slice: Tensor | None = None,
        posterior_noise: Tensor | None = None,
    ) -> SynthesizerOutput:
        """ssl [B, ssl_dim, T], spec [B, bins, T], text [B, L] ids, sv [B, speaker_dim].

        The two last arguments fix what is otherwise drawn from `generator`.
        """
        mask = frame_mask(spec_lengths, spec.shape[-1])[:, None].to(spec.dtype)
        ge, ge_text = self.global_embedding(spec, spec_lengths, sv)
        quantized = self._upsample(self.quantizer.decode(self._codes(ssl)))
        _, m_p, logs_p, _ = self.enc_p(quantized, mask, text, text_lengths, ge_text)
        if posterior_noise is None:
            posterior_noise = _noise(m_p, generator)
        # The voice is learnt through the decoder, not through what the posterior asks of it.
        z, m_q, logs_q = self.enc_q(spec, mask, ge.detach(), posterior_noise)
        z_p = self.flow(z, mask, ge)
        if ids_slice is None:
            ids_slice = random_starts(spec_lengths, segment_frames, generator)
        y_hat = self.dec(slice_segments(z, ids_slice, segment_frames), ge)
        return SynthesizerOutput(
            y_hat=y_hat,
            ids_slice=ids_slice,
            z_mask=mask,
            z=z,
            z_p=z_p,
            m_p=m_p,
            logs_p=logs_p,
            m_q=m_q,
            logs_q=logs_q,
            commit_loss=y_hat.new_zeros(()),
            quantized=quantized,
        )

    @torch.inference_mode()
    def decode(
        self,
        codes: Tensor,
        text: Tensor,
        refer: list[Tensor],
        sv: list[Tensor] | None = None,
        *,
        speed: float = 1.0,
        noise_scale: float = 0.5,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """Tokens and phones spoken in the mean voice of the references.

        codes [1, 1, T25], text [1, L], each refer [1, bins, T'], each sv [1, speaker_dim];
        noise [1, inter, T] replaces the draw → [1, 1, samples], T25 · 1280 of them at speed 1.
        """
        voice = self.mean_embedding(refer, sv)
        return self.decode_as(
            voice,
            codes,
            text,
            speed=speed,
            noise_scale=noise_scale,
            generator=generator,
            noise=noise,
        )

    @torch.inference_mode()
    def decode_as(
        self,
        voice: tuple[Tensor, Tensor],
        codes: Tensor,
        text: Tensor,
        *,
        speed: float = 1.0,
        noise_scale: float = 0.5,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """`decode` in a `voice` that `mean_embedding` gave before."""
        ge, ge_text = voice
        quantized = self._upsample(self.quantizer.decode(codes[:, 0]))
        mask = quantized.new_ones(quantized.shape[0], 1, quantized.shape[-1])
        _, mean, log_deviation, mask = self.enc_p(
            quantized, mask, text, full_length(text), ge_text, speed
        )
        latent = mean
        if noise_scale:
            noise = _noise(mean, generator) if noise is None else noise
            latent = mean + noise * torch.exp(log_deviation) * noise_scale
        return self._speak(latent, mask, ge)

    @torch.inference_mode()
    def mean_embedding(
        self, refer: list[Tensor], sv: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """`global_embedding` averaged over several references, each with its own sv."""
        vectors: list[Tensor | None] = [None] * len(refer) if sv is None else list(sv)
        pairs = [
            self.global_embedding(spec, full_length(spec), vector)[0]
            for spec, vector in zip(refer, vectors, strict=True)
        ]
        ge = torch.stack(pairs).mean(0)
        return ge, ge if sv is None else self.ge_to512(ge.mT).mT

    @torch.inference_mode()
    def prior(
        self, codes: Tensor, text: Tensor, ge_text: Tensor, speed: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Mean and log deviation [1, inter, F] of tokens [1, T25], of which more may follow: unlike
        `decode` does, the place of a frame does not depend on how many there are."""
        quantized = self._upsample(self.quantizer.decode(codes))
        mask = quantized.new_ones(1, 1, quantized.shape[-1])
        frames, *_ = self.enc_p(quantized, mask, text, full_length(text), ge_text)
        if speed != 1.0:
            frames = F.interpolate(
                frames, scale_factor=1 / speed, mode="linear", recompute_scale_factor=False
            )
        mean, log_deviation = self.enc_p.proj(frames).chunk(2, dim=1)
        return mean, log_deviation

    @torch.no_grad()
    def extract_latent(self, ssl: Tensor) -> Tensor:
        """[B, ssl_dim, T] → tokens [B, 1, T // 2]."""
        return self._codes(ssl)[:, None]

    def _codes(self, ssl: Tensor) -> Tensor:
        # In float32 whatever surrounds it: the nearest entry must not depend on rounding.
        with torch.no_grad(), torch.autocast(ssl.device.type, enabled=False):
            return self.quantizer.encode(self.ssl_proj(ssl.to(self.ssl_proj.weight.dtype)))

    def _upsample(self, tokens: Tensor) -> Tensor:
        return F.interpolate(tokens, scale_factor=float(FRAMES_PER_TOKEN), mode="nearest")

    def _speak(self, latent: Tensor, mask: Tensor, ge: Tensor) -> Tensor:
        return self.dec(self.flow(latent, mask, ge, inverse=True) * mask, ge)


def _noise(like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)
