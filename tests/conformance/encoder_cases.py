"""Golden cases of the encoders and of the audio that they hear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import deterministic_fill as fill
from ray_pipeline.models.encoders.content import HubertEncoder, loudness_mix, mixed_int16, to_rate
from ray_pipeline.models.encoders.eres2net import Eres2Net
from ray_pipeline.models.encoders.speaker import filter_bank
from tests.conformance.cases import waveform
from tests.conformance.golden_io import Case

Outputs = Mapping[str, Any]

_TRAINING_SCALE = 1145.14
_VARIANCE_FLOOR = 1e-8


def hubert(case: Case) -> Outputs:
    encoder = _filled_hubert(case)
    wav = waveform(case.inputs["wav16k"])
    outputs = {}
    for name, numbers in case.meta["params"].items():
        heard = np.pad(wav * np.float32(numbers["scale"]), (0, numbers.get("tail_samples", 0)))
        outputs[name] = encoder.of_16k(heard)
    return outputs


def _filled_hubert(case: Case) -> HubertEncoder:
    from transformers import HubertConfig, HubertModel

    with torch.device("meta"):
        model = HubertModel(HubertConfig())
    # By the library's own keys: it spells the weight norm of the positional convolution anew.
    state = {
        key: torch.from_numpy(fill.fill(key, value.shape, salt=case.salt))
        for key, value in model.state_dict().items()
    }
    model.load_state_dict(state, assign=True)
    return HubertEncoder(model)


@torch.inference_mode()
def eres2net(case: Case) -> Outputs:
    with torch.device("meta"):
        model = Eres2Net()
    weights = case.weights()
    assert weights is not None
    state = {name: torch.from_numpy(value) for name, value in weights.items()}
    model.load_state_dict(state, strict=True, assign=True)
    model.eval()
    features: Tensor = filter_bank(torch.from_numpy(waveform(case.inputs["wav16k"])))
    return {
        "fbank": features,
        "embedding": model(features[None]),
        "embedding192": _own_vector(model, features[None]),
    }


def _own_vector(model: Eres2Net, features: Tensor) -> Tensor:
    """The network's own [B, 192], from mean and deviation over time; GPT-SoVITS has no use for
    it."""
    fused = model.fused_map(features)
    deviation = (fused.var(dim=2) + _VARIANCE_FLOOR).sqrt()
    vector: Tensor = model.seg_1(torch.cat([fused.mean(dim=2), deviation], dim=1))
    return vector


def wav32k(case: Case) -> Outputs:
    outputs: dict[str, Any] = {}
    for name, wav in case.inputs.items():
        suffix = name.removeprefix("wav_")
        outputs[f"int16_{suffix}"] = mixed_int16(wav)
        outputs[f"scaled16k_{suffix}"] = to_rate(loudness_mix(wav, _TRAINING_SCALE), 32_000, 16_000)
    return outputs


CASES = {"hubert": hubert, "eres2net": eres2net, "wav32k": wav32k}
