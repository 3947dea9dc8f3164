"""The smallest files that are a voice, and drafts of them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ray_pipeline.core.voices import VoiceRecord
from ray_pipeline.library.draft import Draft, DraftFile, DraftReference

SPEECH = Path(__file__).parents[1] / "data" / "speech_en"
TEXT = "The Middle Ages brought calligraphy to perfection, and it was natural therefore"


def nano_pair(folder: Path) -> tuple[Path, Path]:
    """GPT and SoVITS weights of a voice that has learned nothing."""
    from ray_pipeline.voice.untrained import save_untrained_voice

    folder.mkdir(parents=True, exist_ok=True)
    return save_untrained_voice(folder)


def mini_pair(folder: Path) -> tuple[Path, Path]:
    import torch

    from ray_pipeline.models.mini.config import SPEAKER_DIM, tiny_config
    from ray_pipeline.models.mini.files import new_base, save_durations, save_synthesizer

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    config = tiny_config()
    base = new_base(config)
    gpt, sovits = folder / "amy-e1.safetensors", folder / "amy_e1_s1.safetensors"
    save_durations(gpt, base.durations, torch.zeros(SPEAKER_DIM), config)
    save_synthesizer(sovits, base.synthesizer, config)
    return gpt, sovits


def recording(folder: Path, name: str = "ref.flac") -> Path:
    """Some 4 s of speech."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(SPEECH / "LJ001-0016.flac", folder / name))


def noise(path: Path, seconds: float, level: int = 3000) -> Path:
    import numpy as np

    from ray_pipeline.audio.wav import write_int16

    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).integers(-level, level + 1, int(seconds * 32_000))
    write_int16(path, samples.astype(np.int16))
    return path


def draft(folder: Path, letter: str = "a", **more: Any) -> Draft:
    """Of files that nobody looks into; `letter` decides what is in them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{letter}.ckpt", folder / f"{letter}.pth", folder / f"{letter}.wav"]
    for path in paths:
        path.write_text(f"{path.name} {letter}")
    reference = DraftReference(mood="default", audio=DraftFile(paths[2]), text="Hi.", language="en")
    values: dict[str, Any] = {"references": (reference,), "base_model": "nano", "language": "en"}
    return Draft(gpt=DraftFile(paths[0]), sovits=DraftFile(paths[1]), **{**values, **more})


def about(name: str, **more: Any) -> VoiceRecord:
    now = datetime.now(UTC)
    values: dict[str, Any] = {"language": "en", "current": 1, **more}
    return VoiceRecord(voice_id="", name=name, created_at=now, updated_at=now, **values)
