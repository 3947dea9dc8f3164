"""The table of recognisers, and the choice of one that is here.

Models lie in `models/asr/<name>`, under the names they are published with. Nothing here
downloads anything: a back-end without its files is reported as missing, with what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from ray_pipeline.asr import fun_asr_nano, funasr, whisper
from ray_pipeline.asr.recogniser import Backend, KnownErrors, Recogniser, RecogniserName
from ray_pipeline.core.errors import BadModelFile

# In the order in which `auto` prefers them.
BACKENDS: dict[RecogniserName, Backend] = {
    row.name: row for row in (funasr.BACKEND, fun_asr_nano.BACKEND, whisper.BACKEND)
}


@dataclass(frozen=True)
class RecogniserChoice:
    """A back-end that is there, with its model. `precision` None: what suits the device."""

    backend: RecogniserName
    version: str
    model_folder: str
    precision: str | None = None


def choose_recogniser(
    backend: Literal["auto"] | RecogniserName,
    models_dir: Path,
    language: str | None,
    precision: str | None = None,
) -> RecogniserChoice:
    """The back-end asked for; `auto` takes the first of the table that is here.

    `language` None means that it is to be detected. Raises BackendMissing, with what to
    install, when there is none.
    """
    for row in BACKENDS.values() if backend == "auto" else [BACKENDS[backend]]:
        complete = row.folder_for(models_dir, language)
        if complete is not None:
            folder = row.prepare(complete)
            return RecogniserChoice(row.name, row.version(folder), str(folder), precision)
    # Whisper knows every language and comes in wheels: for `auto` its advice is the best.
    raise BACKENDS["whisper" if backend == "auto" else backend].unready(language)


@lru_cache(maxsize=1)
def load_recogniser(choice: RecogniserChoice, use_gpu: bool, num_threads: int) -> Recogniser:
    """Once a process. Raises BadModelFile for a model that cannot be loaded."""
    folder = Path(choice.model_folder)
    load = BACKENDS[choice.backend].load
    try:
        return load(folder, choice.precision, use_gpu=use_gpu, num_threads=num_threads)
    except Exception as error:  # each library has its own for a file that is cut off
        raise BadModelFile(
            f"The recogniser {folder.name} cannot be loaded: {error}",
            hint="If its files are damaged, delete its folder in models/asr/ and pull it again "
            "with `gsv models pull`.",
        ) from error


def known_errors(backend: str, version: str, language: str) -> KnownErrors | None:
    """What the model that wrote a text is known to get wrong in this language; None where
    nothing is known, which is no praise."""
    row = next((row for row in BACKENDS.values() if row.name == backend), None)
    return None if row is None else row.known_errors(version, language)
