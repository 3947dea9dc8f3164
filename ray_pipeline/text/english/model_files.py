"""Where the installed g2p_en keeps its data. The package is never imported: doing so downloads."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def g2p_en_path() -> Path:
    """Raises ImportError when neither g2p-en nor espnet-g2p-en is installed."""
    spec = find_spec("g2p_en")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("g2p-en is not installed", name="g2p-en")
    return Path(spec.submodule_search_locations[0])
