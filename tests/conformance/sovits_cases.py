"""Golden cases of the second stage: spectrogram, losses, discriminators, synthesizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ray_pipeline.audio.spectrogram import mel_spectrogram, spec_to_mel, spectrogram
from ray_pipeline.models.sovits import losses
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS, SovitsConfig
from ray_pipeline.models.sovits.discriminator import Discriminator
from ray_pipeline.models.sovits.layers import frame_mask
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from tests.conformance.cases import waveform
from tests.conformance.golden_io import Case


def tensors(case: Case) -> dict[str, Tensor]:
    """The inputs as tensors."""
    return {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in case.inputs.items()}


def load_filled(module: nn.Module, weights: Mapping[str, np.ndarray]) -> nn.Module:
    """The golden weights, strictly, so that names and shapes are checked too."""
    state = {name: torch.from_numpy(value) for name, value in weights.items()}
    module.load_state_dict(state, strict=True, assign=True)
    return module.eval()


@contextmanager
def _without_start_values() -> Iterator[None]:
    """Modules made inside have no storage: their values are about to be assigned anyway."""
    with torch.device("meta"):
        yield


def version_of(case: Case, which: str | None = None) -> str:
    """The version that the manifest of a network is named after."""
    manifests = case.meta["weights"]
    manifest: str = manifests[which] if which is not None else next(iter(manifests.values()))
    return manifest.removesuffix(".json").rpartition("_")[2]


def load_synthesizer(case: Case, which: str | None = None) -> Synthesizer:
    weights = case.weights(which)
    assert weights is not None
    config = _fitting(SOVITS_CONFIGS[version_of(case, which)], weights)
    with _without_start_values():
        model = Synthesizer(config)
    load_filled(model, weights)
    return model


def _fitting(config: SovitsConfig, weights: Mapping[str, np.ndarray]) -> SovitsConfig:
    num_phones = weights["enc_p.text_embedding.weight"].shape[0]
    return replace(config, num_phones=num_phones)


def load_discriminator(case: Case, which: str | None = None) -> Discriminator:
    weights = case.weights(which)
    assert weights is not None
    with _without_start_values():
        model = Discriminator(SOVITS_CONFIGS[version_of(case, which)].periods)
    load_filled(model, weights)
    return model


def mel(case: Case) -> dict[str, Tensor]:
    outputs = {}
    for name, samples in case.inputs.items():
        letter = name.removeprefix("wav_")
        wave = torch.from_numpy(waveform(samples))
        spec = spectrogram(wave)
        num_low = case.meta["outputs"][f"spec_low_{letter}"]["shape"][1]
        outputs[f"spec_{letter}"] = spec
        outputs[f"spec_low_{letter}"] = spec[:, :num_low]
        outputs[f"spec_to_mel_{letter}"] = spec_to_mel(spec)
        outputs[f"mel_{letter}"] = mel_spectrogram(wave)
    return outputs


def loss_functions(case: Case) -> dict[str, Tensor]:
    inputs = tensors(case)
    real, fake = _nested(inputs, "fmap_r"), _nested(inputs, "fmap_g")
    real_scores = [inputs[name] for name in sorted(inputs) if name.startswith("d_r.")]
    fake_scores = [inputs[name] for name in sorted(inputs) if name.startswith("d_g.")]
    return {
        "feature": losses.feature_loss(real, fake),
        "discriminator": losses.discriminator_loss(real_scores, fake_scores),
        "generator": losses.generator_loss(fake_scores),
        "kl": losses.kl_loss(
            inputs["z_p"], inputs["logs_q"], inputs["m_p"], inputs["logs_p"], inputs["z_mask"]
        ),
    }


def _nested(inputs: Mapping[str, Tensor], prefix: str) -> list[list[Tensor]]:
    """`prefix.i.j` as a list of lists."""
    found: dict[int, dict[int, Tensor]] = {}
    for name, value in inputs.items():
        if name.startswith(prefix + "."):
            outer, inner = map(int, name.removeprefix(prefix + ".").split("."))
            found.setdefault(outer, {})[inner] = value
    return [[maps[j] for j in sorted(maps)] for _, maps in sorted(found.items())]


@torch.no_grad()
def discriminator(case: Case) -> dict[str, Any]:
    model, inputs = load_discriminator(case), tensors(case)
    outputs: dict[str, Any] = {}
    all_maps = []
    for kind, name in (("real", "y"), ("fake", "y_hat")):
        scores, maps = model(inputs[name])
        outputs |= {f"score_{kind}.{i}": score for i, score in enumerate(scores)}
        all_maps.append([feature_map for group in maps for feature_map in group])
    outputs["fmap_stats"] = torch.stack(
        [torch.cat([_statistics(a), _statistics(b)]) for a, b in zip(*all_maps, strict=True)]
    )
    shapes = [list(feature_map.shape) for feature_map in all_maps[0]]
    outputs["fmap_shapes"] = np.array([shape + [0] * (4 - len(shape)) for shape in shapes])
    return outputs


def _statistics(feature_map: Tensor) -> Tensor:
    flat = feature_map.flatten()
    return torch.stack([flat.mean(), flat.abs().mean(), flat[7], flat[-3]])


@torch.no_grad()
def synthesizer(case: Case) -> dict[str, Tensor]:
    model, inputs = load_synthesizer(case), tensors(case)
    outputs = _sub_networks(model, inputs, case.meta["params"]["dec_frames"])
    for name, numbers in case.meta["params"].items():
        if name.startswith("decode."):
            outputs[name] = _decode(model, inputs, numbers)
    if "infer" in case.expected:
        num_frames, num_phones = int(inputs["spec_lengths"][0]), int(inputs["text_lengths"][0])
        codes = model.extract_latent(inputs["ssl"][:1, :, :num_frames])
        text, spec = inputs["text"][:1, :num_phones], inputs["spec"][:1, :, :num_frames]
        outputs["infer"] = model.decode(codes, text, [spec], noise_scale=0.0)
    return outputs


def _sub_networks(
    model: Synthesizer, inputs: Mapping[str, Tensor], dec_frames: int
) -> dict[str, Tensor]:
    ssl, spec, lengths = inputs["ssl"], inputs["spec"], inputs["spec_lengths"]
    visible = frame_mask(lengths, spec.shape[-1])
    mask = visible[:, None].float()
    ge, ge_text = model.global_embedding(spec, lengths, inputs.get("sv_emb"))
    codes = model.extract_latent(ssl)
    quantized = model.quantizer.decode(codes[:, 0]).repeat_interleave(2, dim=-1)
    with_token = mask[..., : quantized.shape[-1]]  # an odd last frame has no token
    features, m_p, logs_p, _ = model.enc_p(
        quantized, with_token, inputs["text"], inputs["text_lengths"], ge_text
    )
    z, m_q, logs_q = model.enc_q(spec, mask, ge, inputs["posterior_noise"])
    latent = inputs["latent"]
    return {
        "ref_enc": model.ref_enc(spec, visible),
        "ge": ge,
        "ge512": ge_text,
        "ssl_proj": model.ssl_proj(ssl),
        "codes": codes.transpose(0, 1),
        "extract_latent": model.extract_latent(ssl[:1]),
        "commit_loss": _commit_loss(model, inputs, dec_frames),
        "enc_p.x": features,
        "enc_p.m": m_p,
        "enc_p.logs": logs_p,
        "enc_q.m": m_q,
        "enc_q.logs": logs_q,
        "enc_q.z": z,
        "flow.forward": model.flow(z, mask, ge),
        "flow.reverse": model.flow(latent * mask, mask, ge, inverse=True),
        "dec": model.dec(latent[..., :dec_frames], ge),
    }


def _commit_loss(model: Synthesizer, inputs: Mapping[str, Tensor], dec_frames: int) -> Tensor:
    """Of the training's forward pass, which is only given whole tokens."""
    whole = inputs["spec"].shape[-1] // 2 * 2
    output = model(
        inputs["ssl"][..., :whole],
        inputs["spec"][..., :whole],
        inputs["spec_lengths"].clamp(max=whole),
        inputs["text"],
        inputs["text_lengths"],
        inputs.get("sv_emb"),
        segment_frames=dec_frames,
        posterior_noise=inputs["posterior_noise"][..., :whole],
    )
    return output.commit_loss


def _decode(model: Synthesizer, inputs: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> Tensor:
    speakers = [inputs.get(f"decode_sv_{i}") for i in numbers["refers"]]
    return model.decode(
        inputs["decode_codes"],
        inputs["decode_text"],
        [inputs[f"decode_refer_{i}"] for i in numbers["refers"]],
        [vector for vector in speakers if vector is not None] or None,
        speed=numbers["speed"],
        noise_scale=numbers["noise_scale"],
        noise=inputs["decode_noise"],
    )


CASES: dict[str, Callable[[Case], Mapping[str, Any]]] = {
    "mel": mel,
    "losses": loss_functions,
    "mpd": discriminator,
    "sovits_infer": synthesizer,
}
