"""What a GPU computes the products of a training in, by its generation. Plain rules without torch,
for those who only plan a training; `arithmetic.py` is for the worker."""

from __future__ import annotations

import re
from typing import Literal

Precision = Literal["float32", "float16", "bfloat16"]

_TOO_OLD = (6, 1)  # Pascal: float16 at a fraction of the speed
_GTX_16 = (7, 5)  # Turing without tensor cores: float16 turns into NaN
_AMPERE = (8, 0)  # the first with bfloat16 in its tensor cores


def precision_of_gpu(capability: tuple[int, int], name: str) -> Precision:
    """`capability` is CUDA's, `name` as the driver gives it. float32 where the original computes
    in it, too; bfloat16, which has the range of float32, where it costs no more than float16."""
    is_gtx_16 = capability == _GTX_16 and re.search(r"16\d{2}", name) is not None
    if capability <= _TOO_OLD or is_gtx_16:
        return "float32"
    return "bfloat16" if capability >= _AMPERE else "float16"
