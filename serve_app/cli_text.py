"""`gsv text`: how a text is read. Works without the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from ray_pipeline.text import Phones

out = Console(highlight=False, markup=False, soft_wrap=True)


def text(
    text: Annotated[str, typer.Argument(help="what is to be read")],
    language: Annotated[
        str, typer.Option("--language", "-l", help="zh, en, ja, ko, yue, auto, all_zh, …")
    ] = "auto",
    symbols: Annotated[str, typer.Option(help="v2, or v1 for the base model v1")] = "v2",
    strict_compat: Annotated[
        bool,
        typer.Option("--strict-compat/--correct", help="as GPT-SoVITS reads it, mistakes included"),
    ] = False,
    dictionary: Annotated[
        Path | None,
        typer.Option("--dictionary", "-d", exists=True, dir_okay=False, help="own pronunciations"),
    ] = None,
) -> None:
    """Show how a text is read: as words, as phones, and what nobody can say."""
    from ray_pipeline.core.pretrained_bases import BERT_FOLDER
    from ray_pipeline.core.text_files import read_text
    from ray_pipeline.text import parse_dictionary, phonemize
    from ray_pipeline.text.chinese.g2pw import load_polyphones
    from ray_pipeline.text.unread import unread_words
    from serve_app.settings import load_settings

    words = {}
    if dictionary is not None:
        words = parse_dictionary(read_text(dictionary), source=dictionary.name, symbols=symbols)
    folder = load_settings().models_dir
    read = phonemize(
        text,
        language,
        symbols=symbols,
        dictionary=words,
        strict_compat=strict_compat,
        polyphones=load_polyphones(folder, folder / BERT_FOLDER),
    )
    for part in read.parts:
        _show(part)
    if read.unknown:
        out.print(f"not understood: {', '.join(unread_words(text, read.unknown))}")


def _show(part: Phones) -> None:
    out.print(f"{part.language}: {part.norm_text}")
    out.print(f"    {' '.join(part.phones)}")
