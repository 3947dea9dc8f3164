"""mini's files: safetensors in half precision, with `version: mini` and the sizes of the networks
in their header. Three kinds: the base, and the two halves of a voice.

    base          durations.*  acoustic.*  vocoder.*              shipped with the project
    durations     durations.*                          speaker    what stage 1 trains
    synthesizer                acoustic.*  vocoder.*   speaker    what stage 2 trains
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.core.workspace import atomic_path, sha256_of
from ray_pipeline.models.mini.config import (
    VERSION,
    AcousticConfig,
    DurationConfig,
    MiniConfig,
    VocoderConfig,
)
from ray_pipeline.models.mini.durations import DurationModel
from ray_pipeline.models.mini.synthesizer import MiniSynthesizer

BASE, DURATIONS, SYNTHESIZER = "base", "durations", "synthesizer"
_BASE_FILE = "base.safetensors"


@dataclass
class Base:
    """All networks of the base, ready to speak and to be trained further."""

    config: MiniConfig
    durations: DurationModel
    synthesizer: MiniSynthesizer
    facts: dict[str, str]


@dataclass
class Stage1:
    durations: DurationModel
    speaker: Tensor
    facts: dict[str, str]


@dataclass
class Stage2:
    synthesizer: MiniSynthesizer
    facts: dict[str, str]


def new_base(config: MiniConfig) -> Base:
    """Untrained; torch's random numbers decide the weights."""
    return Base(config, DurationModel(config.durations), MiniSynthesizer(config), {})


def shipped_base() -> Base:
    """The base that comes with the project."""
    with as_file(files("ray_pipeline.models.mini") / "data" / _BASE_FILE) as path:
        return load_base(path)


def shipped_digest() -> str:
    """Changes when another base comes with the project."""
    with as_file(files("ray_pipeline.models.mini") / "data" / _BASE_FILE) as path:
        return sha256_of(path)


def save_base(path: Path, base: Base, facts: Mapping[str, str] | None = None) -> None:
    parts = {"durations": base.durations, **_halves(base.synthesizer)}
    _save(path, BASE, base.config, parts, None, facts or base.facts)


def save_durations(
    path: Path,
    durations: DurationModel,
    speaker: Tensor,
    config: MiniConfig,
    facts: Mapping[str, str] | None = None,
) -> None:
    _save(path, DURATIONS, config, {"durations": durations}, speaker, facts or {})


def save_synthesizer(
    path: Path,
    synthesizer: MiniSynthesizer,
    config: MiniConfig,
    facts: Mapping[str, str] | None = None,
) -> None:
    """With the speaker vector that is in it."""
    _save(path, SYNTHESIZER, config, _halves(synthesizer), synthesizer.speaker, facts or {})


def load_base(path: Path) -> Base:
    """Raises BadModelFile for a file that is damaged or of another kind, as all of these do."""
    tensors, config, facts = _load(path, BASE)
    base = new_base(config)
    _fill(path, {"durations": base.durations, **_halves(base.synthesizer)}, tensors)
    return Base(config, base.durations.eval(), base.synthesizer.eval(), facts)


def load_durations(path: Path) -> Stage1:
    tensors, config, facts = _load(path, DURATIONS)
    durations, speaker = DurationModel(config.durations), tensors.pop("speaker", torch.zeros(0))
    _fill(path, {"durations": durations}, tensors)
    return Stage1(durations.eval(), speaker, facts)


def load_synthesizer(path: Path) -> Stage2:
    tensors, config, facts = _load(path, SYNTHESIZER)
    synthesizer, speaker = MiniSynthesizer(config), tensors.pop("speaker", torch.zeros(0))
    _fill(path, _halves(synthesizer), tensors)
    synthesizer.speaker.copy_(speaker)
    return Stage2(synthesizer.eval(), facts)


def _halves(synthesizer: MiniSynthesizer) -> dict[str, nn.Module]:
    return {"acoustic": synthesizer.acoustic, "vocoder": synthesizer.vocoder}


def _save(
    path: Path,
    kind: str,
    config: MiniConfig,
    parts: Mapping[str, nn.Module],
    speaker: Tensor | None,
    facts: Mapping[str, str],
) -> None:
    tensors = {
        f"{part}.{name}": tensor.detach().half().contiguous().cpu()
        for part, network in parts.items()
        for name, tensor in network.state_dict().items()
    }
    if speaker is not None:
        tensors["speaker"] = speaker.detach().float().contiguous().cpu()
    header = {
        **facts,
        "version": VERSION,
        "kind": kind,
        "config": json.dumps(asdict(config), sort_keys=True),
    }
    with atomic_path(path) as partial:
        # Not `save_file`, whose files only their owner may read, whatever the umask.
        partial.write_bytes(save(tensors, header))


def _load(path: Path, kind: str) -> tuple[dict[str, Tensor], MiniConfig, dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            header = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BadModelFile(
            f"{path.name} is not a safetensors file, or is damaged: {error}",
            hint="Take the file that the training wrote.",
        ) from error
    found = header.pop("version", None), header.pop("kind", None)
    if found != (VERSION, kind):
        raise BadModelFile(
            f"{path.name} is not the {kind} file of a voice made from the base model mini.",
            hint="Take the file that the training wrote.",
        )
    return tensors, _config(path, header.pop("config", "")), header


def _config(path: Path, text: str) -> MiniConfig:
    try:
        sizes = json.loads(text)
        return MiniConfig(
            durations=DurationConfig(**sizes["durations"]),
            acoustic=AcousticConfig(**sizes["acoustic"]),
            vocoder=VocoderConfig(**sizes["vocoder"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _other_sizes(path) from error


def _fill(path: Path, parts: Mapping[str, nn.Module], tensors: Mapping[str, Tensor]) -> None:
    try:
        for part, network in parts.items():
            prefix = f"{part}."
            network.load_state_dict(
                {
                    name.removeprefix(prefix): tensor
                    for name, tensor in tensors.items()
                    if name.startswith(prefix)
                }
            )
    except RuntimeError as error:
        raise _other_sizes(path) from error


def _other_sizes(path: Path) -> BadModelFile:
    return BadModelFile(
        f"The networks in {path.name} have other sizes than this version of mini knows.",
        hint="Use the version of the project that made the file.",
    )
