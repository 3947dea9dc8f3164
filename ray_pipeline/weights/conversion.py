"""Weight files as safetensors and back, every tensor bit for bit.

A safetensors file cannot ask its reader to run anything and is read without unpacking. What a
`.pth` or `.ckpt` holds besides tensors (`config`, `info` and the mark of its first two bytes)
goes into the file's metadata as JSON, so that the way back gives the same content again.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ray_pipeline.core.errors import BadModelFile, InvalidInput
from ray_pipeline.core.workspace import atomic_path
from ray_pipeline.weights.archive import ZIP_MARK, load_archive, read_mark, save_archive
from ray_pipeline.weights.kinds import (
    VERSION_MARKS,
    FileKind,
    WeightFile,
    identify,
    identify_content,
)

SAFETENSORS = ".safetensors"
_ARCHIVE_SUFFIXES: Mapping[FileKind, str] = {
    FileKind.sovits: ".pth",
    FileKind.gpt: ".ckpt",
    FileKind.discriminator: ".pth",
}
_FORMAT = "gsv"  # names our metadata, and its layout
_FORMAT_VERSION = "1"
_LONGEST_JSON = 4_000_000  # characters; names of tensors are some 50,000
_MARKS = (ZIP_MARK, *VERSION_MARKS.values(), b"00", b"01")


@dataclass(frozen=True)
class Converted:
    weights: WeightFile
    num_tensors: int


def convert(source: Path, target: Path, *, replace: bool = False) -> Converted:
    """Convert an exported or pretrained `.pth` or `.ckpt` to `.safetensors`, or back.

    The suffixes say which way. Raises InvalidInput for suffixes that make no sense or a target
    that exists (unless `replace`), and BadModelFile for a file that is none of these.
    """
    from_safetensors = source.suffix == SAFETENSORS
    if from_safetensors == (target.suffix == SAFETENSORS):
        raise InvalidInput(
            f"{source.name} to {target.name} is no conversion.",
            hint="One of the two has to end in .safetensors, the other in .pth or .ckpt.",
        )
    if target.exists() and not replace:
        raise InvalidInput(f"{target} exists.", hint="Choose another name, or --force.")
    return _to_archive(source, target) if from_safetensors else _to_safetensors(source, target)


def _to_safetensors(source: Path, target: Path) -> Converted:
    from safetensors.torch import save

    content = load_archive(source)
    file = identify_content(source, content)
    weights = _weights(source, content, file)
    mark = read_mark(source)
    besides = {name: value for name, value in content.items() if name != "weight"}
    metadata = {
        "format": "pt",
        _FORMAT: _FORMAT_VERSION,
        "gsv.kind": file.kind.name,
        "gsv.version": file.version,
        "gsv.mark": (mark if mark in _MARKS else ZIP_MARK).decode(),
        "gsv.names": json.dumps(list(weights)),
        **{name: _as_json(source, name, value) for name, value in besides.items()},
    }
    # Tensors of one archive may share memory, which safetensors has no word for.
    separate = {name: x.detach().clone().contiguous() for name, x in weights.items()}
    with atomic_path(target) as partial:
        # Not `save_file`, whose files only their owner may read, whatever the umask.
        partial.write_bytes(save(separate, metadata))
    return Converted(file, len(weights))


def _weights(source: Path, content: Any, file: WeightFile) -> dict[str, Tensor]:
    if file.kind in _ARCHIVE_SUFFIXES and isinstance(content.get("weight"), dict):
        weights: dict[str, Tensor] = content["weight"]
        return weights
    raise BadModelFile(
        f"{source.name} is a {file.kind} file, which is not for exchange.",
        hint="Convert the exported weights in SoVITS_weights_<version> and GPT_weights_<version>.",
    )


def _as_json(source: Path, name: str, value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadModelFile(
            f"What {source.name} holds as {name!r} cannot be written as JSON: {error}.",
            hint="Use a file that GPT-SoVITS or this service exported.",
        ) from error


def _to_archive(source: Path, target: Path) -> Converted:
    tensors, metadata = _read_safetensors(source)
    if metadata.get(_FORMAT) != _FORMAT_VERSION:
        raise BadModelFile(
            f"{source.name} does not carry the configuration of a GPT-SoVITS model.",
            hint="Only .safetensors files that `gsv models convert` wrote can be converted back.",
        )
    kind, mark, content = _content(source, tensors, metadata)
    if target.suffix != _ARCHIVE_SUFFIXES[kind]:
        raise InvalidInput(
            f"{source.name} is a {kind} file.",
            hint=f"Let the name of the result end in {_ARCHIVE_SUFFIXES[kind]}.",
        )
    with atomic_path(target) as partial:
        save_archive(partial, content, mark=mark)
        file = identify(partial)
        if file.kind is not kind:
            raise _damaged(source)
    return Converted(file, len(tensors))


def _read_safetensors(source: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(source, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError as error:
        raise BadModelFile(
            f"There is no file {source}.", hint="Check the name of the file."
        ) from error
    except (SafetensorError, OSError) as error:
        raise BadModelFile(
            f"{source.name} is not a readable safetensors file.",
            hint="Copy or download it again.",
        ) from error


def _content(
    source: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> tuple[FileKind, bytes, OrderedDict[str, Any]]:
    """The kind, the first two bytes and the content of the archive that the metadata tells of."""
    try:
        kind, mark = FileKind[metadata["gsv.kind"]], metadata["gsv.mark"].encode()
        # Metadata has no order of its own; the original writes the three in this one.
        foreign = (name for name in metadata if name != "format" and not name.startswith(_FORMAT))
        besides = sorted(foreign, key=lambda name: (name != "config", name))
        content: OrderedDict[str, Any] = OrderedDict(
            weight={name: tensors[name] for name in _from_json(metadata["gsv.names"])},
            **{name: _from_json(metadata[name]) for name in besides},
        )
    # JSON may nest as deep as it is long.
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise _damaged(source) from error
    if (
        kind not in _ARCHIVE_SUFFIXES
        or mark not in _MARKS
        or len(content["weight"]) != len(tensors)
    ):
        raise _damaged(source)
    return kind, mark, content


def _from_json(text: str) -> Any:
    if len(text) > _LONGEST_JSON:
        raise ValueError("longer than any configuration")
    return json.loads(text)


def _damaged(source: Path) -> BadModelFile:
    return BadModelFile(
        f"The metadata of {source.name} is damaged.", hint="Convert the original file again."
    )
