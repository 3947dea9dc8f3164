"""From the two weight files of a voice to something that speaks, by the version they name.

A base of another family is another row of the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import torch

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.voice.encoders import Encoders
from ray_pipeline.voice.speech import LoadableVoice, Voice
from ray_pipeline.weights.kinds import voice_version
from ray_pipeline.weights.numbers import require_numbers


@dataclass(frozen=True, kw_only=True)
class Family:
    """`module` and `class_name` of what loads and speaks, imported when it is needed; the
    suffixes of its two weight files; and the options of test_inference that mean nothing to it."""

    module: str
    class_name: str
    gpt_suffix: str
    sovits_suffix: str
    without_meaning: tuple[str, ...]


GPT_SOVITS = Family(
    module="ray_pipeline.voice.gpt_sovits",
    class_name="GptSovitsVoice",
    gpt_suffix=".ckpt",
    sovits_suffix=".pth",
    without_meaning=("pitch", "energy"),
)
MINI = Family(
    module="ray_pipeline.voice.mini",
    class_name="MiniTextVoice",
    gpt_suffix=".safetensors",
    sovits_suffix=".safetensors",
    without_meaning=(
        *("ref_audio", "ref_text", "ref_language"),
        *("top_k", "top_p", "temperature", "repetition_penalty", "noise_scale", "cuda_graphs"),
    ),
)
FAMILIES = {
    **dict.fromkeys(("v1", "v2", "v2Pro", "v2ProPlus", "nano"), GPT_SOVITS),
    "mini": MINI,
}


def family_of(version: str) -> Family:
    """Raises BadModelFile for a version that nothing here speaks with."""
    try:
        return FAMILIES[version]
    except KeyError:
        raise BadModelFile(
            f"There is nothing that speaks with a voice of the version {version!r}.",
            hint=f"Use weights of one of: {', '.join(FAMILIES)}.",
        ) from None


def load_voice(
    gpt_path: Path,
    sovits_path: Path,
    models_dir: Path,
    device: str | torch.device = "cpu",
    encoders: Encoders | None = None,
) -> Voice:
    """The SoVITS file decides the family. `encoders` may be shared with other voices. Raises
    BadModelFile for a file that is damaged, whose weights are no numbers, or which does not go with
    the other, BackendMissing when the models folder lacks an encoder."""
    return _kind_of(sovits_path).load(gpt_path, sovits_path, models_dir, device, encoders)


def check_voice(gpt_path: Path, sovits_path: Path) -> str:
    """Build both models, without encoders; returns the version. Raises BadModelFile as
    `load_voice`."""
    _kind_of(sovits_path).check(gpt_path, sovits_path)
    return voice_version(sovits_path)


def check_sound(sovits_path: Path) -> None:
    """Raises BadModelFile for a file of the second stage that is damaged, or whose weights are no
    numbers: whatever speaks with it is not to blame."""
    require_numbers(_kind_of(sovits_path).sound_of(sovits_path), sovits_path.name)


def _kind_of(sovits_path: Path) -> type[LoadableVoice]:
    family = family_of(voice_version(sovits_path))
    kind: type[LoadableVoice] = getattr(import_module(family.module), family.class_name)
    return kind
