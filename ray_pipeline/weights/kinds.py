"""Which kind of weight file this is, and which version of the model it belongs to.

The first two bytes tell it for two versions; all others are told apart by what they hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from torch import Tensor

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.weights.archive import load_archive, read_mark

StateDict = Mapping[str, Tensor]

# The first two bytes of an exported file tell these versions; the others stay plain archives.
VERSION_MARKS: Mapping[str, bytes] = {"v2Pro": b"05", "v2ProPlus": b"06"}
_VERSION_BY_MARK = {
    b"00": "v1",
    b"01": "v2",
    **{mark: name for name, mark in VERSION_MARKS.items()},
}
_UNSUPPORTED_MARKS = {b"02": "v3", b"03": "v3 (LoRA)", b"04": "v4 (LoRA)"}
# Which stage-1 files a base model can be paired with: the v2 family shares one.
GPT_FAMILY = {"v1": "v1", "v2": "v2", "v2Pro": "v2", "v2ProPlus": "v2", "nano": "nano"}
_GPT_V1_PHONES = 512
GPT_PREFIX = "model."


class FileKind(StrEnum):
    sovits = "SoVITS weight"
    gpt = "GPT weight"
    sovits_training = "SoVITS training checkpoint"
    discriminator = "discriminator"


@dataclass(frozen=True)
class WeightFile:
    """For GPT files and discriminators `version` is the oldest one that uses such a file."""

    kind: FileKind
    version: str


def identify(path: Path) -> WeightFile:
    """What a weight file is. Raises BadModelFile when it is none of ours or the original's."""
    return identify_content(path, load_archive(path))


def voice_version(path: Path) -> str:
    """The version of the base that exported weights were made from: in the header of a
    safetensors file, else by what the file is. Raises BadModelFile."""
    if path.suffix != ".safetensors":
        return identify(path).version
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise BadModelFile(
            f"{path.name} is not a safetensors file, or is damaged: {error}",
            hint="Take the file that the training wrote.",
        ) from error
    if "version" not in header:
        raise BadModelFile(
            f"{path.name} does not name the base model that it was made from.",
            hint="A converted file of GPT-SoVITS speaks once `gsv models convert` has made a .pth "
            "or .ckpt of it again.",
        )
    return header["version"]


def require_voice_weights(path: Path) -> WeightFile:
    """What a weight file is, if a voice can speak with it: exported SoVITS or GPT weights.

    Raises BadModelFile for any other file, and for what a training goes on from.
    """
    file = identify(path)
    if file.kind not in (FileKind.sovits, FileKind.gpt):
        raise BadModelFile(
            f"{path.name} is a {file.kind.value}, which no voice speaks with.",
            hint="Upload exported weights: a .pth of SoVITS_weights or a .ckpt of GPT_weights.",
        )
    return file


def identify_content(path: Path, content: Any) -> WeightFile:
    """The same for a file that has been read already."""
    mark = read_mark(path)
    if mark in _UNSUPPORTED_MARKS:
        raise _unsupported(path, _UNSUPPORTED_MARKS[mark])
    state = _state_dict(content)
    config = content.get("config") if isinstance(content, Mapping) else None
    model = config.get("model") if isinstance(config, Mapping) else None
    if any(name.startswith("discriminators.") for name in state):
        return WeightFile(FileKind.discriminator, _discriminator_version(state))
    if state and isinstance(model, Mapping) and all(name.startswith(GPT_PREFIX) for name in state):
        return WeightFile(FileKind.gpt, _gpt_version(model))
    if any(name.startswith(("bridge.", "cfm.")) for name in state):
        raise _unsupported(path, "v3 or v4")
    if "enc_p.text_embedding.weight" in state:
        kind = FileKind.sovits_training if "model" in content else FileKind.sovits
        version = _VERSION_BY_MARK.get(mark) or _sovits_version(state, model)
        return WeightFile(kind, version)
    raise BadModelFile(
        f"{path.name} is neither a SoVITS nor a GPT weight file.",
        hint="Use a .pth or .ckpt file that GPT-SoVITS or this service exported.",
    )


def _state_dict(content: Any) -> dict[str, Tensor]:
    """The tensors by name, empty when the content is of another kind altogether."""
    if not isinstance(content, Mapping):
        return {}
    state = content.get("weight", content.get("model"))
    if not isinstance(state, dict) or not state:
        return {}
    fine = all(isinstance(name, str) and isinstance(x, Tensor) for name, x in state.items())
    return state if fine else {}


def _sovits_version(state: StateDict, model: Any) -> str:
    """By the model's own word where only this service writes it, else by the shapes."""
    named = model.get("version") if isinstance(model, Mapping) else None
    if named == "nano":
        return "nano"
    num_phones = state["enc_p.text_embedding.weight"].shape[0]
    speaker = state.get("sv_emb.weight")
    first = state.get("dec.conv_pre.weight")
    for version, config in SOVITS_CONFIGS.items():
        if (
            config.num_phones == num_phones
            and config.speaker_dim == (None if speaker is None else speaker.shape[1])
            and (first is None or first.shape[0] == config.upsample_initial_channel)
        ):
            return version
    return "v2"


def _gpt_version(model: Mapping[str, Any]) -> str:
    if "version" in model:
        return str(model["version"])
    return "v1" if model.get("phoneme_vocab_size") == _GPT_V1_PHONES else "v2"


def _discriminator_version(state: StateDict) -> str:
    count = len({name.split(".")[1] for name in state})
    for version in ("v2", "v2Pro", "nano"):
        if count == len(SOVITS_CONFIGS[version].periods) + 1:
            return version
    return "v2"


def _unsupported(path: Path, version: str) -> BadModelFile:
    return BadModelFile(
        f"{path.name} is a {version} model, which this service does not support.",
        hint="Supported are v1, v2, v2Pro, v2ProPlus and nano.",
    )
