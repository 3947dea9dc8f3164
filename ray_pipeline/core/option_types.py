"""Kinds of values that options have, where a plain type does not say enough."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)

from ray_pipeline.core.speech import NUM_SEEDS

Precision = Literal["float32", "float16", "bfloat16", "int8"]
BaseModelName = Literal["auto", "v2ProPlus", "v2Pro", "v2", "v1", "nano", "mini"]


_MAX_EXP_NAME_BYTES = 210  # of the 255 of file systems; the rest is for `_e1000_s1234567.pth`


def _check_exp_name(name: str, info: ValidationInfo) -> str:
    # It becomes a folder and part of file names, so only what every file system takes.
    if not re.fullmatch(r"[\w][\w .+-]{0,79}", name) or name.endswith((" ", ".")):
        raise ValueError("use letters, digits, space, '_', '-', '+' or '.', at most 80 of them")
    num_bytes = len(name.encode())
    if num_bytes > _MAX_EXP_NAME_BYTES and not (info.context or {}).get("is_stored"):
        raise ValueError(
            f"it has {num_bytes} bytes; file systems leave room for {_MAX_EXP_NAME_BYTES}, "
            f"{_MAX_EXP_NAME_BYTES // 3} characters of Chinese, Japanese or Korean"
        )
    return name


VoiceName = Annotated[str, AfterValidator(_check_exp_name)]


def _check_gpu_id(gpu_id: str) -> str:
    if not re.fullmatch(r"\d{1,3}(-\d{1,3}){0,63}", gpu_id):
        raise ValueError('give GPU numbers joined by \'-\', such as "0" or "0-1-2"')
    return gpu_id


GpuNumbers = Annotated[str, AfterValidator(_check_gpu_id)]

# In code a number or None, everywhere else (requests, answers, manifests) a number or "auto".
Threshold = Annotated[
    float | None,
    BeforeValidator(lambda value: None if value == "auto" else value),
    PlainSerializer(lambda value: "auto" if value is None else value),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": -100, "exclusiveMaximum": 0}, {"const": "auto"}]}
    ),
]


def _drawn(seed: Any) -> Any:
    # As on the original's pages, where -1 stands for any seed.
    return secrets.randbelow(NUM_SEEDS) if seed == -1 else seed


Seed = Annotated[int, BeforeValidator(_drawn)]


def _check_batch_size(value: Any) -> Any:
    if value == AUTO:
        return value
    try:
        return _BATCH_NUMBER.validate_python(value)
    except ValidationError:
        raise ValueError(f'give a whole number from 1 to {MOST_BATCH}, or "{AUTO}"') from None


AUTO: Literal["auto"] = "auto"
# The default, and what "auto" takes where there is room for more: larger batches learn in fewer
# steps, and the numbers of epochs were chosen for such as these.
USUAL_BATCH = 16
MOST_BATCH = 256
_BATCH_NUMBER = TypeAdapter(Annotated[int, Field(ge=1, le=MOST_BATCH)])

# "auto": as many clips as are expected to fit into the memory there is (`training.preflight`).
BatchSize = Annotated[
    int | Literal["auto"],
    PlainValidator(_check_batch_size),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_BATCH}, {"const": AUTO}]}
    ),
]
