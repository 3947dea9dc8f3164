"""What a recogniser is, what it answers, and a row of the table of back-ends.

A back-end is one file with a class that does the work and a `BACKEND`; `backends.py` lists them.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ray_pipeline.asr.pieces import Span
from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.core.languages import LANGUAGES

RecogniserName = Literal["funasr", "fun-asr-nano", "whisper"]

# Text that zlib shortens more than this says the same again and again (Radford et al. 2022).
REPEATS_ABOVE = 2.4

_WEIGHTS = ("model.bin", "model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Recognition:
    """What was recognised in a piece of sound, or in a clip.

    `language` is the recogniser's code, which need not be trainable; `confidence` is 0..1, None
    where the back-end has no such number, and 0 for a text that only repeats itself. `segments`
    are the start and end of each stretch of speech, in seconds. `problem` says why there is
    nothing; the text is empty then.
    """

    text: str
    language: str
    confidence: float | None
    segments: tuple[Span, ...] = ()
    problem: str = ""


class Recogniser(Protocol):
    """A loaded model. `batch_size` pieces may be given at once; `precision` is what it really
    computes in."""

    batch_size: int
    precision: str

    def find_speech(self, waveform: Waveform) -> list[Span] | None:
        """Where [N] at 16 kHz is speech; None where that cannot be told."""
        ...

    def recognise(self, pieces: Sequence[Waveform], language: str | None) -> list[Recognition]:
        """What is said in each piece, [N] at 16 kHz of at most 30 s."""
        ...


class Loader(Protocol):
    """`precision` None means what suits the device; `num_threads` counts on a CPU only."""

    def __call__(
        self, folder: Path, precision: str | None, *, use_gpu: bool, num_threads: int
    ) -> Recogniser: ...


@dataclass(frozen=True)
class KnownErrors:
    """How much a model was measured to get wrong in a language: between `least` and `most` (0..1)
    of `units`, by the recordings. `pull` names a model of the catalogue that may be better."""

    least: float
    most: float
    units: str
    pull: str

    def __str__(self) -> str:
        least, most = round(100 * self.least), round(100 * self.most)
        span = f"{most}" if least == most else f"{least} to {most}"
        return f"{span} of 100 {self.units} are wrong in its texts, where that was measured"


def named_by_content(folder: Path) -> str:
    """The folder's name with a short hash of the model's configuration and size, as folders of
    one name may hold any model; the weights are not read."""
    sizes = [(folder / file).stat().st_size for file in _WEIGHTS if (folder / file).is_file()]
    digest = hashlib.sha256((folder / "config.json").read_bytes() + str(sizes[0]).encode())
    return f"{folder.name}-{digest.hexdigest()[:8]}"


def name_for_people(version: str) -> str:
    """What a sentence calls a model: Whisper base for `faster-whisper-base-wheel-01ab23cd`."""
    name = re.sub(r"(-wheel|-hf)?(-[0-9a-f]{8})?$", "", version.removeprefix("faster-"))
    if name.startswith("whisper-"):
        return name.replace("whisper-", "Whisper ", 1)
    return "Paraformer" if "paraformer" in name else name


def _nothing_known(model: str, language: str) -> KnownErrors | None:
    return None


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A row of the table. All paths are of the models folder.

    `folder_for(models_dir, language)` is the folder of the model to use (None: the language is
    to be detected), if it is complete here; nothing is written. `prepare` makes such a folder
    ready and gives the one to load. `lacks(models_dir)` names the packages and folders that it
    misses, `unready(language)` says what to do then. `known_errors(model, language)` is what the
    model of that version is known to get wrong.
    """

    name: RecogniserName
    folder_for: Callable[[Path, str | None], Path | None]
    load: Loader
    lacks: Callable[[Path], list[str]]
    unready: Callable[[str | None], BackendMissing]
    prepare: Callable[[Path], Path] = lambda folder: folder
    version: Callable[[Path], str] = named_by_content
    known_errors: Callable[[str, str], KnownErrors | None] = _nothing_known

    def missing(self, models_dir: Path) -> list[str]:
        """Packages and folders without which it recognises nothing here; empty when it is ready
        for some language."""
        languages = (None, *LANGUAGES)
        if any(self.folder_for(models_dir, language) for language in languages):
            return []
        return self.lacks(models_dir)


def repeats(text: str) -> bool:
    return compression_ratio(text) > REPEATS_ABOVE


def compression_ratio(text: str) -> float:
    data = text.encode()
    return len(data) / len(zlib.compress(data))
