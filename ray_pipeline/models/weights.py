"""Weight files of both stages in the original's formats: what they hold and which version.

Exported SoVITS `.pth`: `weight` (float16, without the posterior encoder), `config`, `info`.
Exported GPT `.ckpt`: the same three, keys prefixed with `model.`. Training checkpoints `G_*`
and `D_*`: `model` (float32, everything), `optimizer`, `iteration` (the epoch),
`learning_rate`. Pretrained discriminators: `weight` alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ray_pipeline.errors import BadModelFile
from ray_pipeline.models.archive import ZIP_MARK, load_archive, read_mark, save_archive
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS, SovitsConfig
from ray_pipeline.models.sovits.synthesizer import Synthesizer

StateDict = Mapping[str, Tensor]

_DROPPED_ON_EXPORT = "enc_q"
_GPT_PREFIX = "model."
# The first two bytes of an exported file tell these versions; the others stay plain archives.
_MARKS: Mapping[str, bytes] = {"v2Pro": b"05", "v2ProPlus": b"06"}
_VERSION_BY_MARK = {b"00": "v1", b"01": "v2", **{mark: name for name, mark in _MARKS.items()}}
_UNSUPPORTED_MARKS = {b"02": "v3", b"03": "v3 (LoRA)", b"04": "v4 (LoRA)"}
# Which stage-1 files a base model can be paired with: the v2 family shares one.
_GPT_FAMILY = {"v1": "v1", "v2": "v2", "v2Pro": "v2", "v2ProPlus": "v2", "nano": "nano"}
_GPT_V1_PHONES = 512


class FileKind(StrEnum):
    sovits = "SoVITS weight"
    gpt = "GPT weight"
    sovits_training = "SoVITS training checkpoint"
    discriminator = "discriminator"


@dataclass(frozen=True)
class Recognised:
    """For GPT files and discriminators `version` is the oldest one that uses such a file."""

    kind: FileKind
    version: str


@dataclass(frozen=True)
class LoadedSovits:
    version: str
    config: SovitsConfig
    state_dict: dict[str, Tensor]
    info: str
    file_config: dict[str, Any]  # the whole `config` of the file, training part included


@dataclass(frozen=True)
class LoadedGpt:
    version: str
    config: dict[str, Any]
    state_dict: dict[str, Tensor]  # keys without the file's `model.`
    info: str


@dataclass(frozen=True)
class TrainingCheckpoint:
    """`iteration` is the last finished epoch, counted from 1."""

    state_dict: dict[str, Tensor]
    optimizer: dict[str, Any]
    iteration: int
    learning_rate: float


def recognise(path: Path) -> Recognised:
    """What a weight file is. Raises BadModelFile when it is none of ours or the original's."""
    return _recognise(path, load_archive(path))


def save_sovits(
    path: Path, state_dict: StateDict, config: SovitsConfig | Mapping[str, Any], info: str
) -> None:
    """Export for synthesis: half precision, without the posterior encoder.

    `config` is the nested configuration of the training, whose `model.version` decides the
    first two bytes, or the bare shape of the model. `info` is `8epoch_96iteration`.
    """
    nested = config.export_config() if isinstance(config, SovitsConfig) else dict(config)
    version = nested["model"]["version"]
    kept = {name: x for name, x in state_dict.items() if _DROPPED_ON_EXPORT not in name}
    save_archive(path, _export(kept, nested, info), mark=_MARKS.get(version, ZIP_MARK))


def load_sovits(path: Path, expected: str | None = None) -> LoadedSovits:
    """Read an exported file, or a pretrained generator, of any version.

    Raises BadModelFile when it is not one, or not of the `expected` version.
    """
    content = load_archive(path)
    found = _recognise(path, content)
    _check_kind(path, found, FileKind.sovits)
    if expected is not None and found.version != expected:
        raise _other_version(path, found.version, expected)
    file_config = content.get("config") or {}
    try:
        config = SovitsConfig.from_export(file_config, found.version)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadModelFile(
            f"The configuration in {path.name} cannot be used: {error}.",
            hint="Use a file that GPT-SoVITS or this service exported.",
        ) from error
    info = str(content.get("info", ""))
    return LoadedSovits(found.version, config, content["weight"], info, file_config)


def save_gpt(
    path: Path, state_dict: StateDict, config: Mapping[str, Any], info: str, *, version: str
) -> None:
    """Export a stage-1 model. `config` is the nested configuration of its training; a version
    that the original does not know is written into it. `info` is `GPT-e15`."""
    nested = dict(config)
    if _GPT_FAMILY.get(version, version) == version and version not in ("v1", "v2"):
        nested["model"] = {**nested["model"], "version": version}
    prefixed = {_GPT_PREFIX + name: value for name, value in state_dict.items()}
    save_archive(path, _export(prefixed, nested, info))


def load_gpt(path: Path, expected: str | None = None) -> LoadedGpt:
    """Read an exported stage-1 file. `expected` is the version of the base model that it is to
    be used with. Raises BadModelFile when it is not one, or does not go with that base."""
    content = load_archive(path)
    found = _recognise(path, content)
    _check_kind(path, found, FileKind.gpt)
    if expected is not None and found.version != _GPT_FAMILY.get(expected, expected):
        raise _other_version(path, found.version, expected)
    state = {name.removeprefix(_GPT_PREFIX): value for name, value in content["weight"].items()}
    return LoadedGpt(found.version, content["config"], state, str(content.get("info", "")))


def save_training(path: Path, checkpoint: TrainingCheckpoint) -> None:
    """Write a `G_*.pth` or `D_*.pth`."""
    save_archive(
        path,
        {
            "model": checkpoint.state_dict,
            "iteration": checkpoint.iteration,
            "optimizer": checkpoint.optimizer,
            "learning_rate": checkpoint.learning_rate,
        },
    )


def load_training(path: Path, expected: str | None = None) -> TrainingCheckpoint:
    """Read a `G_*.pth` or `D_*.pth` to go on from.

    Raises BadModelFile when it is neither, or a generator of another than the `expected`
    version. (Discriminators are shared by several versions: their shapes are checked when
    they are loaded into a model.)
    """
    content = load_archive(path)
    found = _recognise(path, content)
    if "model" not in content or not isinstance(content.get("iteration"), int):
        raise BadModelFile(
            f"{path.name} is a {found.kind} file, not a training checkpoint.",
            hint="Training continues from a G_*.pth and a D_*.pth in logs_s2_<version>.",
        )
    is_generator = found.kind is FileKind.sovits_training
    if expected is not None and is_generator and found.version != expected:
        raise _other_version(path, found.version, expected)
    return TrainingCheckpoint(
        content["model"],
        content.get("optimizer") or {},
        content["iteration"],
        float(content.get("learning_rate") or 0.0),
    )


def load_discriminator(path: Path) -> dict[str, Tensor]:
    """The state dict of a pretrained discriminator. Raises BadModelFile."""
    content = load_archive(path)
    _check_kind(path, _recognise(path, content), FileKind.discriminator)
    weights: dict[str, Tensor] = content.get("weight") or content["model"]
    return weights


def build_synthesizer(loaded: LoadedSovits) -> Synthesizer:
    """A float32 model for decoding, without the posterior encoder that only training needs.

    Raises BadModelFile when the tensors of the file do not make up the model it claims to be.
    """
    with torch.device("meta"):
        model = Synthesizer(loaded.config)
    del model.enc_q
    wanted = model.state_dict()
    given = {name: x.float() for name, x in loaded.state_dict.items() if name in wanted}
    wrong = [name for name, x in wanted.items() if _shape(given.get(name)) != x.shape]
    if wrong:
        raise BadModelFile(
            f"The file says that it is a {loaded.version} model, but {len(wrong)} of its "
            f"{len(wanted)} tensors are missing or have another shape, first {wrong[0]}.",
            hint="Use a complete file that GPT-SoVITS or this service exported.",
        )
    model.load_state_dict(given, strict=True, assign=True)
    return model.eval()


def load_matching(model: nn.Module, state_dict: StateDict) -> list[str]:
    """Take over every tensor whose name and shape fit, as the original does when it resumes or
    starts from pretrained weights. Returns the names that keep the model's own values."""
    own = model.state_dict()
    fitting = {name: x for name, x in state_dict.items() if _shape(own.get(name)) == x.shape}
    model.load_state_dict(fitting, strict=False)
    return [name for name in own if name not in fitting]


def _shape(x: Tensor | None) -> torch.Size | None:
    return None if x is None else x.shape


def _export(state_dict: StateDict, config: Mapping[str, Any], info: str) -> OrderedDict[str, Any]:
    weight = {name: x.detach().cpu().half().contiguous() for name, x in state_dict.items()}
    return OrderedDict(weight=weight, config=dict(config), info=info)


def _recognise(path: Path, content: Any) -> Recognised:
    mark = read_mark(path)
    if mark in _UNSUPPORTED_MARKS:
        raise _unsupported(path, _UNSUPPORTED_MARKS[mark])
    state = _state_dict(content)
    config = content.get("config") if isinstance(content, Mapping) else None
    model = config.get("model") if isinstance(config, Mapping) else None
    if any(name.startswith("discriminators.") for name in state):
        return Recognised(FileKind.discriminator, _discriminator_version(state))
    if isinstance(model, Mapping) and all(name.startswith(_GPT_PREFIX) for name in state):
        return Recognised(FileKind.gpt, _gpt_version(model))
    if any(name.startswith(("bridge.", "cfm.")) for name in state):
        raise _unsupported(path, "v3 or v4")
    if "enc_p.text_embedding.weight" in state:
        kind = FileKind.sovits_training if "model" in content else FileKind.sovits
        version = _VERSION_BY_MARK.get(mark) or _sovits_version(state, model)
        return Recognised(kind, version)
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


def _check_kind(path: Path, found: Recognised, wanted: FileKind) -> None:
    if found.kind is not wanted:
        raise BadModelFile(
            f"{path.name} is a {found.kind} file, but a {wanted} file is needed here.",
            hint="SoVITS weights are the .pth, GPT weights the .ckpt of a voice.",
        )


def _other_version(path: Path, found: str, expected: str) -> BadModelFile:
    return BadModelFile(
        f"{path.name} was made with base model {found} and cannot be used with {expected}.",
        hint=f"Choose a file made with {expected}, or work with base model {found}.",
    )


def _unsupported(path: Path, version: str) -> BadModelFile:
    return BadModelFile(
        f"{path.name} is a {version} model, which this service does not support.",
        hint="Supported are v1, v2, v2Pro, v2ProPlus and nano.",
    )
