"""Whether two weight files are the halves of one voice. Nothing in them is ever run.

Heavy: torch is imported, and each model is built. Call it in a process that may grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ray_pipeline.core.errors import InvalidInput

GPT_SUFFIX, SOVITS_SUFFIX = ".ckpt", ".pth"
_HINT = "Send both files of one voice: its .ckpt (GPT weights) and its .pth (SoVITS weights)."


@dataclass(frozen=True)
class Pair:
    """`base_model` is the one that the SoVITS file was made from."""

    gpt: Path
    sovits: Path
    base_model: str


def find_pair(paths: Sequence[Path]) -> Pair:
    """Which of two files is which; their names do not matter. Raises InvalidInput unless there is
    one of each kind, BadModelFile for what is damaged, hostile or does not go together."""
    halves: dict[str, Path] = {}
    for path in paths:
        half = _half(path)
        if half in halves:
            raise InvalidInput(
                f"{halves[half].name} and {path.name} are both {half} weights.",
                hint=_HINT,
                field="file",
            )
        halves[half] = path
    missing = [half for half in ("GPT", "SoVITS") if half not in halves]
    if missing:
        raise InvalidInput(f"The {missing[0]} weights are missing.", hint=_HINT, field="file")
    gpt, sovits = halves["GPT"], halves["SoVITS"]
    return Pair(gpt, sovits, check_pair(gpt, sovits))


def _half(path: Path) -> str:
    from ray_pipeline.models.mini.files import DURATIONS
    from ray_pipeline.weights.kinds import FileKind, require_voice_weights, voice_version

    if path.suffix.lower() == ".safetensors":
        from safetensors import safe_open

        voice_version(path)  # says in a sentence what is no such file
        with safe_open(path, framework="pt") as file:
            kind = (file.metadata() or {}).get("kind")
        return "GPT" if kind == DURATIONS else "SoVITS"
    return "GPT" if require_voice_weights(path).kind is FileKind.gpt else "SoVITS"


def check_pair(gpt_path: Path, sovits_path: Path) -> str:
    """Build both models; returns the base model. Raises BadModelFile for files that are damaged
    or do not go together."""
    from ray_pipeline.voice.voice import check_voice

    return check_voice(gpt_path, sovits_path)
