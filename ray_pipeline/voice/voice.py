"""From the two weight files of a voice to something that speaks, by the version they name.

A base of another family is another row of the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import torch

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.voice.speech import LoadableVoice, Voice
from ray_pipeline.weights.kinds import identify


@dataclass(frozen=True)
class Family:
    """The class that loads and speaks, imported when it is needed, and which fields of
    `SpeechSettings` mean nothing to it."""

    module: str
    class_name: str
    without_meaning: frozenset[str] = frozenset()


GPT_SOVITS = Family("ray_pipeline.voice.gpt_sovits", "GptSovitsVoice")
FAMILIES = dict.fromkeys(("v1", "v2", "v2Pro", "v2ProPlus", "nano"), GPT_SOVITS)


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
    gpt_path: Path, sovits_path: Path, models_dir: Path, device: str | torch.device = "cpu"
) -> Voice:
    """The SoVITS file decides the family. Raises BadModelFile for a file that is damaged or does
    not go with the other, BackendMissing when the models folder lacks an encoder."""
    family = family_of(identify(sovits_path).version)
    kind: type[LoadableVoice] = getattr(import_module(family.module), family.class_name)
    return kind.load(gpt_path, sovits_path, models_dir, device)
