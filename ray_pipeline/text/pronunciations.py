"""The task's own pronunciations: every `.dict` (or `.dict.txt`) file among its uploads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.text_files import read_text
from ray_pipeline.core.upload_kinds import UploadKind, upload_kind, upload_order
from ray_pipeline.core.workspace import Workspace, is_partial
from ray_pipeline.text import parse_dictionary


def own_pronunciations(workspace: Workspace, symbols: str) -> dict[str, list[str]]:
    """Word to phones. Files are read in the order in which they came; the last one wins.

    Raises InvalidInput that names the file and the line which cannot be used.
    """
    words: dict[str, list[str]] = {}
    folder = workspace.input_audio
    for path in sorted(folder.iterdir(), key=upload_order) if folder.is_dir() else ():
        if (
            upload_kind(path.name) is UploadKind.PRONUNCIATIONS
            and path.is_file()
            and not is_partial(path)
        ):
            words |= _read(path, symbols)
    return words


def _read(path: Path, symbols: str) -> dict[str, list[str]]:
    try:
        return parse_dictionary(read_text(path), source=path.name, symbols=symbols)
    except InvalidInput as error:
        # A corrected upload does not replace it: it is stored beside it, under another name.
        error.hint += f" Remove the file (input_audio/{path.name}) and upload it corrected."
        raise


def entries_in(dictionary: Mapping[str, list[str]], *texts: str) -> dict[str, list[str]]:
    """The entries whose word occurs in any of the texts, in any case."""
    lower = [text.lower() for text in texts]
    return {
        word: phones
        for word, phones in dictionary.items()
        if any(word.lower() in text for text in lower)
    }
