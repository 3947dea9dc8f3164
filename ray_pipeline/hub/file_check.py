"""Whether a file in the models folder holds what belongs in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.core.pretrained_bases import (
    BERT_FOLDER,
    HUBERT_FOLDER,
    SPEAKER_ENCODER_FILE,
    PretrainedBase,
)
from ray_pipeline.weights.archive import load_archive
from ray_pipeline.weights.kinds import GPT_FAMILY, FileKind, WeightFile, identify


def check_content(file: Path, path: str, base: PretrainedBase | None) -> str:
    """What the file holds, in words; empty for kinds that other programs read.

    `path` is its place in the models folder. Raises BadModelFile when something else belongs
    there, or when it cannot be read.
    """
    if file.suffix == ".json":
        return _check_json(file)
    if base is not None and path in (base.generator, base.discriminator, base.gpt):
        return _check_network(file, path, base)
    is_archive = path.startswith((HUBERT_FOLDER, BERT_FOLDER)) or path == SPEAKER_ENCODER_FILE
    return _check_tensors(file) if is_archive else ""


def _check_json(file: Path) -> str:
    try:
        json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise BadModelFile(f"{file.name} is not JSON.", hint="Pull it again.") from error
    return "readable"


def _check_network(file: Path, path: str, base: PretrainedBase) -> str:
    identified = identify(file)
    if path == base.generator:
        wanted = WeightFile(FileKind.sovits, base.version)
    elif path == base.gpt:
        wanted = WeightFile(FileKind.gpt, GPT_FAMILY[base.version])
    else:
        # Several versions share a shape of discriminator.
        wanted = WeightFile(FileKind.discriminator, identified.version)
    if identified != wanted:
        raise BadModelFile(
            f"{file.name} is a {identified.version} {identified.kind} file, not a {wanted.version} "
            f"{wanted.kind} file.",
            hint="Pull it again.",
        )
    return f"{identified.version} {identified.kind}"


def _check_tensors(file: Path) -> str:
    content = load_archive(file)
    tensors = content.values() if isinstance(content, Mapping) else ()
    count = sum(isinstance(value, Tensor) for value in tensors)
    if not count:
        raise BadModelFile(f"{file.name} holds no weights.", hint="Pull it again.")
    return f"{count} tensors"
