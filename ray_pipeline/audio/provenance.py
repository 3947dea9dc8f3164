"""What a file of synthetic speech says of itself: a sentence for people, and JSON for programs.

Written where the container has a place for it (`encoding.make_encoder`): ID3 of MP3 and of AAC,
comments of Opus and FLAC, INFO of WAV. Anybody can take such words away, or write them: they tell
of files whose makers have nothing to hide. `watermark.py` is in the sound itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

GENERATOR = "gpt-sovits-ray"
SENTENCE = f"Synthetic speech, made by a computer ({GENERATOR})."
# The tag with the JSON. WAV's INFO has four letters for a name, and libav keeps those it does not
# know as they are.
TAG, WAV_TAG = "synthetic_speech", "ISYN"


@dataclass(frozen=True)
class Provenance:
    """`voices` are the names with their versions (`anna@3`), in the order they speak; `models` the
    base models that they were made from."""

    voices: Sequence[str] = ()
    models: Sequence[str] = ()
    seed: int | None = None

    def tags(self) -> dict[str, str]:
        facts = {"generator": GENERATOR, **asdict(self)}
        return {
            "comment": SENTENCE,
            "software": GENERATOR,
            TAG: json.dumps(facts, ensure_ascii=False),
        }


def tags_in(path: Path) -> dict[str, str]:
    """The tags of a file by their names in small letters. Raises ValueError for what is no sound or
    video."""
    import av

    try:
        with av.open(str(path)) as container:
            streams = [stream.metadata for stream in container.streams]
            found = {**{k: v for tags in streams for k, v in tags.items()}, **container.metadata}
    except av.FFmpegError as error:
        raise ValueError(str(error)) from error
    return {name.lower(): value for name, value in found.items()}


def provenance_in(tags: Mapping[str, str]) -> dict[str, Any] | None:
    """What tags say of how the sound was made; None where they say nothing of it."""
    for name in (TAG, WAV_TAG.lower()):
        try:
            facts = json.loads(tags.get(name, ""))
        except ValueError:
            continue
        if isinstance(facts, dict):
            return facts
    if SENTENCE in tags.get("comment", ""):
        return {"generator": GENERATOR}
    return None
