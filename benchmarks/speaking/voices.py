"""Voices to load an engine with: of the shipped base mini as its teachers, and full-size ones of
GPT-SoVITS with deterministic weights that nobody trained.

The latter's end mark is never likely and their longest clip is half of `piece_seconds`, so that
every piece takes so long whatever it says (100 tokens are 4 s); they are said with `strict_compat`,
once. Their encoders have random weights in the shapes of the real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.compare.workloads import filled
from ray_pipeline.core.pretrained_bases import PretrainedBase
from ray_pipeline.core.speech import Reference
from ray_pipeline.models.encoders.content import HubertEncoder
from ray_pipeline.models.encoders.eres2net import Eres2Net
from ray_pipeline.models.encoders.speaker import Eres2NetEncoder
from ray_pipeline.models.gpt.config import GPT_CONFIGS
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.mini.files import save_durations, save_synthesizer, shipped_base
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.speaking.order import VoiceFiles
from ray_pipeline.training.mini.teachers import shipped_teachers
from ray_pipeline.voice.encoders import Encoders
from ray_pipeline.voice.voice import load_voice
from ray_pipeline.weights.files import save_gpt, save_sovits

_CLIPS = Path(__file__).parents[2] / "tests" / "data" / "speech_en"
REFERENCE = Reference(
    _CLIPS / "LJ001-0016.flac",
    "The Middle Ages brought calligraphy to perfection, and it was natural therefore",
    "en",
)


@dataclass(frozen=True)
class Kind:
    """`make(folder, count, piece_seconds)` writes the voices; `encoders` are what they share."""

    make: Callable[[Path, int, int], list[VoiceFiles]]
    encoders: Callable[[Path], Encoders]
    strict_compat: bool


class RandomEncoders(Encoders):
    """Full-size encoders that nobody trained."""

    def content(self, base: PretrainedBase) -> Any:
        return self._once(("content", None), self._hubert)

    def speaker(self, base: PretrainedBase) -> Any:
        if base.speaker_encoder is None:
            return None
        return self._once(("speaker", None), self._eres2net)

    def _hubert(self) -> HubertEncoder:
        from transformers import HubertConfig, HubertModel

        torch.manual_seed(0)
        return HubertEncoder(HubertModel(HubertConfig()), self.device)

    def _eres2net(self) -> Eres2NetEncoder:
        torch.manual_seed(0)
        encoder = object.__new__(Eres2NetEncoder)
        encoder._model = Eres2Net().eval().requires_grad_(False).to(self.device)
        encoder._device = self.device
        return encoder


def _mini(folder: Path, count: int, _: int) -> list[VoiceFiles]:
    """Whose pieces end by themselves."""
    base = shipped_base()
    found = []
    for number, teacher in enumerate(shipped_teachers()[:count]):
        speaker = torch.from_numpy(teacher.speaker)
        files = VoiceFiles(
            f"mini-{number}",
            folder / f"mini{number}-e1.safetensors",
            folder / f"mini{number}_e1_s1.safetensors",
        )
        save_durations(files.gpt_path, base.durations, speaker, base.config)
        base.synthesizer.speaker.copy_(speaker)
        save_synthesizer(files.sovits_path, base.synthesizer, base.config)
        found.append(files)
    return found


def _full(version: str) -> Callable[[Path, int, int], list[VoiceFiles]]:
    def make(folder: Path, count: int, piece_seconds: int) -> list[VoiceFiles]:
        config = replace(GPT_CONFIGS[version], max_seconds=piece_seconds // 2)
        gpt, synthesizer = Text2Semantic(config), Synthesizer(SOVITS_CONFIGS[version])
        gpt_weights, sovits_weights = filled(gpt), filled(synthesizer)
        gpt_weights["ar_predict_layer.weight"][config.eos] = 0
        found = []
        for number in range(count):
            files = VoiceFiles(
                f"{version}-{number}",
                folder / f"{version}{number}-e1.ckpt",
                folder / f"{version}{number}_e1_s1.pth",
            )
            save_gpt(files.gpt_path, gpt_weights, config.to_export(), "GPT-e1", version=version)
            save_sovits(files.sovits_path, sovits_weights, synthesizer.config, "1epoch_1iteration")
            gpt_weights["bert_proj.bias"] += 0.05  # another voice
            found.append(files)
        return found

    return make


KINDS = {
    "mini": Kind(_mini, Encoders, strict_compat=False),
    "v2": Kind(_full("v2"), RandomEncoders, strict_compat=True),
    "v2ProPlus": Kind(_full("v2ProPlus"), RandomEncoders, strict_compat=True),
}


def loader(encoders: Encoders) -> Callable[[VoiceFiles], Any]:
    return lambda files: load_voice(
        files.gpt_path, files.sovits_path, encoders.models_dir, encoders.device, encoders
    )
