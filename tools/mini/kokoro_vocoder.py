"""The last part of Kokoro in torch, where its convolutions run in bfloat16: iSTFTNet (Kaneko et
al. 2022) with the residual blocks of StyleTTS 2 (Li et al. 2023), by the weights of the ONNX file.

onnxruntime spends nine tenths of its time in this part. C channels, T frames, B = 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_PART = "/decoder/decoder/generator"
_FRAMES, _SOURCE = "/decoder/decoder/decode.3/Div_4_output_0", f"{_PART}/Concat_3_output_0"
_BLOCKS = ("noise_res.0", "noise_res.1", *(f"resblocks.{number}" for number in range(6)))
_DILATIONS = (1, 3, 5)
_FFT, _HOP = 20, 5


class KokoroVocoder:
    """Takes what `inputs` names out of the graph; `weights` come from the same file."""

    def __init__(self, path: Path) -> None:
        import onnx

        graph = onnx.load(str(path)).graph
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._nodes = {node.name: node for node in graph.node}
        self._convolutions = {
            name: self._quantised(name)
            for name in (
                "noise_convs.0",
                "noise_convs.1",
                *(
                    f"{block}.convs{side}.{place}"
                    for block in _BLOCKS
                    for side in (1, 2)
                    for place in range(3)
                ),
            )
        }
        self._alphas = {
            f"{block}.{side}.{place}": self._tensor(
                f"decoder.decoder.generator.{block}.alpha{side}.{place}"
            )
            for block in _BLOCKS
            for side in (1, 2)
            for place in range(3)
        }
        self._weights = [
            self._tensor(f"{_PART}/{name}")
            for name in ("Mul_output_0", "Mul_1_output_0", "Mul_2_output_0")
        ]
        self._biases = [
            self._tensor(f"decoder.decoder.generator.{name}.bias")
            for name in ("ups.0", "ups.1", "conv_post")
        ]

    @property
    def inputs(self) -> list[str]:
        """Tensors of the graph that `__call__` needs."""
        styles = [
            f"{_PART}/{block}/adain{side}.{place}/{what}"
            for block in _BLOCKS
            for side in (1, 2)
            for place in range(3)
            for what in ("Add_1_output_0", "Slice_1_output_0")
        ]
        return [_FRAMES, _SOURCE, *styles]

    @torch.inference_mode()
    def __call__(self, given: Mapping[str, np.ndarray]) -> np.ndarray:
        """The waveform at 24 kHz."""
        tensors = {name: torch.from_numpy(array) for name, array in given.items()}
        x, source = tensors[_FRAMES], tensors[_SOURCE]
        with torch.autocast("cpu", torch.bfloat16):
            for stage, (stride, kernel) in enumerate(((10, 20), (6, 12))):
                reach = {"stride": 1, "padding": 0} if stage else {"stride": 6, "padding": 3}
                voice = self._convolve(source, f"noise_convs.{stage}", **reach).float()
                voice = self._block(voice, f"noise_res.{stage}", tensors)
                x = F.conv_transpose1d(
                    F.leaky_relu(x, 0.1), self._weights[stage], self._biases[stage], stride=stride,
                    padding=(kernel - stride) // 2,
                ).float()  # fmt: skip
                x = F.pad(x, (1, 0), mode="reflect") if stage else x
                x = x + voice
                blocks = range(3 * stage, 3 * stage + 3)
                x = sum(self._block(x, f"resblocks.{n}", tensors) for n in blocks) / 3
        x = F.conv1d(F.leaky_relu(x, 0.01), self._weights[2], self._biases[2], padding=3)
        bins = _FFT // 2 + 1
        spectrum = torch.polar(x[:, :bins].exp(), torch.sin(x[:, bins:]))
        window = torch.hann_window(_FFT)
        wav: np.ndarray = torch.istft(spectrum, _FFT, _HOP, window=window)[0].numpy()
        return wav

    def _block(self, x: Tensor, name: str, tensors: Mapping[str, Tensor]) -> Tensor:
        for place, dilation in enumerate(_DILATIONS):
            hidden = x
            for side in (1, 2):
                style = f"{_PART}/{name}/adain{side}.{place}"
                scale = tensors[f"{style}/Add_1_output_0"].reshape(1, -1, 1)
                shift = tensors[f"{style}/Slice_1_output_0"].reshape(1, -1, 1)
                hidden = F.instance_norm(hidden) * scale + shift
                alpha = self._alphas[f"{name}.{side}.{place}"]
                hidden = hidden + torch.sin(alpha * hidden).square() / alpha
                reach = dilation if side == 1 else 1
                hidden = self._convolve(hidden, f"{name}.convs{side}.{place}", dilation=reach)
                hidden = hidden.float()
            x = x + hidden
        return x

    def _convolve(self, x: Tensor, name: str, **settings: Any) -> Tensor:
        weight, bias = self._convolutions[name]
        if "padding" not in settings:
            settings["padding"] = settings["dilation"] * (weight.shape[-1] - 1) // 2
        return F.conv1d(x, weight, bias, **settings)

    def _quantised(self, name: str) -> tuple[Tensor, Tensor]:
        """Weight and bias of a convolution, out of its 8-bit form."""
        node = self._nodes[f"{_PART}/{name.replace('.convs', '/convs')}/Conv_quant"]
        weight = self._tensor(node.input[1]) - self._tensor(node.input[3])
        scale = self._nodes[f"decoder.decoder.generator.{name}.bias_scale_node"].input[1]
        return weight * self._tensor(scale), self._tensor(f"decoder.decoder.generator.{name}.bias")

    def _tensor(self, name: str) -> Tensor:
        from onnx import numpy_helper

        return torch.from_numpy(numpy_helper.to_array(self._tensors[name]).astype(np.float32))
