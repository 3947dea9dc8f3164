"""`gsv detect`: whether a file is synthetic speech that says so. Works without the service."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from serve_app.cli_common import JsonOption, err, out, print_json


def detect(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a sound file")],
    as_json: JsonOption = False,
) -> None:
    """Say whether a sound file is synthetic by its tags or its watermark. Ends with 1 if neither
    says so, which proves nothing."""
    from ray_pipeline.audio.detecting import detect as look_at

    found = look_at(file)
    if as_json:
        print_json({"is_synthetic": found.is_synthetic, **asdict(found)})
    else:
        if found.metadata is not None:
            said = [f"{name} {_in_words(value)}" for name, value in found.metadata.items()]
            out.print(f"tags: synthetic speech; {', '.join(said)}", markup=False)
        else:
            out.print("tags: nothing")
        if found.watermark is not None:
            seconds = f"{found.marked_seconds:.1f} of {found.judged_seconds:.1f} s"
            out.print(f"watermark: {'yes' if found.watermark else 'no'}; {seconds}")
        for remark in found.remarks:
            err.print(remark, style="yellow", markup=False)
    if not found.is_synthetic:
        raise typer.Exit(1)


def _in_words(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
