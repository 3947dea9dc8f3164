"""Let the published torchaudio wheel import on a torch that was built without CUDA.

The wheel's compiled extension links against `libc10_cuda.so`, which a CPU build of torch
does not have, so `import torchaudio` raises OSError there, and with it `import funasr` and
half of transformers. What this project and those libraries use of torchaudio (resampling,
Kaldi filter banks, mel scales) is plain Python on torch and needs no extension. So, on such
a torch only, the module that loads the extension is replaced by one that says it is absent.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

_EXTENSION = "torchaudio._extension"


def stand_in_for_missing_cuda() -> bool:
    """Put the stand-in in place where it is needed; True if this call did so.

    Looks only at file names (torch is not imported), so it costs microseconds. It has to run
    in every process before the first import of torchaudio.
    """
    if _EXTENSION in sys.modules or _torch_has_cuda_libraries():
        return False
    sys.modules[_EXTENSION] = _absent_extension()
    return True


def _torch_has_cuda_libraries() -> bool:
    torch_spec = importlib.util.find_spec("torch")
    if torch_spec is None or torch_spec.origin is None:
        return True  # no torch: nothing to repair, let the import say so
    return (Path(torch_spec.origin).parent / "lib" / "libc10_cuda.so").exists()


def _absent_extension() -> types.ModuleType:
    def unchanged(function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    def no_check() -> None:
        return None

    # torchaudio imports these four names; anything else it asks for is a plain ImportError.
    module: Any = types.ModuleType(_EXTENSION)
    module._IS_TORCHAUDIO_EXT_AVAILABLE = False
    module._IS_ALIGN_AVAILABLE = False
    module.fail_if_no_align = unchanged
    module._check_cuda_version = no_check
    return module
