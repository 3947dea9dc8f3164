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
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.models.sovits.config import OFFICIAL_VERSIONS, SovitsConfig
from ray_pipeline.models.sovits.layers import fuse_weight_norm
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.weights.archive import ZIP_MARK, load_archive, save_archive
from ray_pipeline.weights.config_bounds import impossible_number
from ray_pipeline.weights.kinds import (
    GPT_FAMILY,
    GPT_PREFIX,
    VERSION_MARKS,
    FileKind,
    StateDict,
    WeightFile,
    identify_content,
)

_DROPPED_ON_EXPORT = "enc_q"


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

    def content(self) -> dict[str, Any]:
        """What the file holds, under the original's names."""
        return {
            "model": self.state_dict,
            "iteration": self.iteration,
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
        }


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
    save_archive(path, _export(kept, nested, info), mark=VERSION_MARKS.get(version, ZIP_MARK))


def load_sovits(path: Path, expected: str | None = None) -> LoadedSovits:
    """Read an exported file, or a pretrained generator, of any version.

    Raises BadModelFile when it is not one, or not of the `expected` version.
    """
    content = load_archive(path)
    file = identify_content(path, content)
    _check_kind(path, file, FileKind.sovits)
    if expected is not None and file.version != expected:
        raise _other_version(path, file.version, expected)
    file_config = content.get("config") or {}
    _refuse_impossible_numbers(path, file_config)
    try:
        config = SovitsConfig.from_export(file_config, file.version)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadModelFile(
            f"The configuration in {path.name} cannot be used: {error}.",
            hint="Use a file that GPT-SoVITS or this service exported.",
        ) from error
    info = str(content.get("info", ""))
    return LoadedSovits(file.version, config, content["weight"], info, file_config)


def save_gpt(
    path: Path, state_dict: StateDict, config: Mapping[str, Any], info: str, *, version: str
) -> None:
    """Export a stage-1 model. `config` is the nested configuration of its training; a version
    that the original does not know is written into it. `info` is `GPT-e15`."""
    nested = dict(config)
    if version not in OFFICIAL_VERSIONS:
        nested["model"] = {**nested["model"], "version": version}
    prefixed = {GPT_PREFIX + name: value for name, value in state_dict.items()}
    save_archive(path, _export(prefixed, nested, info))


def load_gpt(path: Path, expected: str | None = None) -> LoadedGpt:
    """Read an exported stage-1 file. `expected` is the version of the base model that it is to
    be used with. Raises BadModelFile when it is not one, or does not go with that base."""
    content = load_archive(path)
    file = identify_content(path, content)
    _check_kind(path, file, FileKind.gpt)
    if expected is not None and file.version != GPT_FAMILY.get(expected, expected):
        raise _other_version(path, file.version, expected)
    _refuse_impossible_numbers(path, content["config"])
    state = {name.removeprefix(GPT_PREFIX): value for name, value in content["weight"].items()}
    return LoadedGpt(file.version, content["config"], state, str(content.get("info", "")))


def save_training(path: Path, checkpoint: TrainingCheckpoint) -> None:
    """Write a `G_*.pth` or `D_*.pth`."""
    save_archive(path, checkpoint.content())


def load_training(path: Path, expected: str | None = None) -> TrainingCheckpoint:
    """Read a `G_*.pth` or `D_*.pth` to go on from.

    Raises BadModelFile when it is neither, or a generator of another than the `expected`
    version. (Discriminators are shared by several versions: their shapes are checked when
    they are loaded into a model.)
    """
    content = load_archive(path)
    file = identify_content(path, content)
    if "model" not in content or not isinstance(content.get("iteration"), int):
        raise BadModelFile(
            f"{path.name} is a {file.kind} file, not a training checkpoint.",
            hint="Training continues from a G_*.pth and a D_*.pth in logs_s2_<version>.",
        )
    is_generator = file.kind is FileKind.sovits_training
    if expected is not None and is_generator and file.version != expected:
        raise _other_version(path, file.version, expected)
    return TrainingCheckpoint(
        content["model"],
        content.get("optimizer") or {},
        content["iteration"],
        float(content.get("learning_rate") or 0.0),
    )


def load_discriminator(path: Path) -> dict[str, Tensor]:
    """The state dict of a pretrained discriminator. Raises BadModelFile."""
    content = load_archive(path)
    _check_kind(path, identify_content(path, content), FileKind.discriminator)
    weights: dict[str, Tensor] = content.get("weight") or content["model"]
    return weights


def build_synthesizer(loaded: LoadedSovits) -> Synthesizer:
    """A float32 model for decoding: weight norm fused, without the posterior encoder that only
    training needs.

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
    fuse_weight_norm(model)
    return model


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


def _check_kind(path: Path, file: WeightFile, wanted: FileKind) -> None:
    if file.kind is not wanted:
        raise BadModelFile(
            f"{path.name} is a {file.kind} file, but a {wanted} file is needed here.",
            hint="SoVITS weights are the .pth, GPT weights the .ckpt of a voice.",
        )


def _refuse_impossible_numbers(path: Path, config: Any) -> None:
    impossible = impossible_number(config)
    if impossible:
        raise BadModelFile(
            f"The configuration in {path.name} cannot be used: {impossible}.",
            hint="Use a file that GPT-SoVITS or this service exported.",
        )


def _other_version(path: Path, version: str, expected: str) -> BadModelFile:
    return BadModelFile(
        f"{path.name} was made with base model {version} and cannot be used with {expected}.",
        hint=f"Choose a file made with {expected}, or work with base model {version}.",
    )
