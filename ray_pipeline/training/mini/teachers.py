"""A few minutes of the speech that the base was made from, as features: fine-tuning mixes them in
so that sounds which the user's clips lack are not forgotten.

One npz: the clips' arrays one behind the other with their lengths and languages; mel in steps of
1/22.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from ray_pipeline.core.workspace import atomic_path
from ray_pipeline.models.mini.sound import LOG_FLOOR
from ray_pipeline.training.mini.data import MiniClip

_STEPS_PER_UNIT = 22.0
_OWN_TIMES = 3


@functools.cache
def shipped_teachers() -> tuple[MiniClip, ...]:
    """Those that come with the project."""
    with as_file(files("ray_pipeline.models.mini") / "data" / "teacher_clips.npz") as path:
        return load_teachers(path)


def for_language(teachers: Sequence[MiniClip], language: str) -> tuple[MiniClip, ...]:
    """Those of the voice's language three times, and the others once: they keep alive what a text
    that mixes languages needs. As they are where none is of `language`, such as "auto"."""
    own = [clip for clip in teachers if clip.language == language]
    others = [clip for clip in teachers if clip.language != language]
    return (*own * _OWN_TIMES, *others)


def save_teachers(path: Path, clips: Sequence[MiniClip]) -> None:
    mels = np.concatenate([clip.mel.astype(np.float32) for clip in clips])
    with atomic_path(path) as partial:
        np.savez_compressed(
            partial,
            num_phones=np.array([len(clip.ids) for clip in clips], np.int32),
            num_frames=np.array([len(clip.mel) for clip in clips], np.int32),
            ids=np.concatenate([clip.ids for clip in clips]).astype(np.int16),
            frames=np.concatenate([clip.frames for clip in clips]).astype(np.int16),
            mel=np.clip(np.rint((mels - LOG_FLOOR) * _STEPS_PER_UNIT), 0, 255).astype(np.uint8),
            pitch_hz=np.concatenate([clip.pitch_hz for clip in clips]).astype(np.float16),
            speaker=np.stack([clip.speaker for clip in clips]).astype(np.float16),
            language=np.array([clip.language for clip in clips]),
        )


def load_teachers(path: Path) -> tuple[MiniClip, ...]:
    with np.load(path) as file:
        phone_ends = np.cumsum(file["num_phones"])[:-1]
        frame_ends = np.cumsum(file["num_frames"])[:-1]
        mel = file["mel"].astype(np.float32) / _STEPS_PER_UNIT + LOG_FLOOR
        parts = zip(
            np.split(file["ids"].astype(np.int64), phone_ends),
            np.split(file["frames"].astype(np.int64), phone_ends),
            np.split(mel.astype(np.float16), frame_ends),
            np.split(file["pitch_hz"].astype(np.float32), frame_ends),
            file["speaker"].astype(np.float32),
            strict=True,
        )
        languages = file["language"].tolist()
        return tuple(
            MiniClip(f"teacher {n}", *arrays, language=languages[n])
            for n, arrays in enumerate(parts)
        )
