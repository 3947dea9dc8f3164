"""From clips with known durations to what training reads: `python -m tools.mini.features --help`.

One npz a clip in <work>/features/<set>, with the fields of `MiniClip`. What is there already is
left alone.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from ray_pipeline.audio.spectrogram import SAMPLE_RATE
from ray_pipeline.core.workspace import atomic_path
from ray_pipeline.models.mini.alignment import settle_pauses
from ray_pipeline.models.mini.config import TOKEN_HOP
from ray_pipeline.models.mini.sound import analyse
from ray_pipeline.models.mini.tokens import whole_frames
from ray_pipeline.training.mini.data import MiniClip, as_int16, merged_clip_phones
from tools.mini.recordings import Recording


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    for name in arguments.sets:
        prepare(arguments.work, name)


def prepare(work: Path, name: str) -> None:
    folder = work / "features" / name
    folder.mkdir(parents=True, exist_ok=True)
    started, total = time.process_time(), 0.0
    for path in sorted((work / "clips" / name).glob("*.npz")):
        target = folder / path.name
        if target.exists():
            continue
        try:
            clip = clip_of(path.stem, Recording.load(path))
        except ValueError as error:
            print(f"{path.stem}: left out, {error}", flush=True)
            continue
        save(target, clip)
        total += clip.seconds
    spent = time.process_time() - started
    print(f"{name}: {total / 60:.1f} min more, {spent:.0f} CPU-s", flush=True)


def clip_of(name: str, recording: Recording) -> MiniClip:
    """Raises ValueError for a clip that is silent, or has more phones than frames."""
    import soxr

    wav = soxr.resample(recording.wav, recording.rate, SAMPLE_RATE).astype(np.float32)
    sound = analyse(np.pad(wav, (0, -len(wav) % TOKEN_HOP)))
    frames = whole_frames(recording.seconds * 50, sound.num_tokens)
    ids, lengths = merged_clip_phones(recording.ids.astype(np.int64), frames)
    lengths = settle_pauses(ids, lengths, sound)
    return MiniClip(
        name, ids, lengths, sound.mel, sound.pitch_hz, sound.speaker, as_int16(sound.wav)
    )


def save(path: Path, clip: MiniClip) -> None:
    with atomic_path(path) as partial:
        np.savez(
            partial,
            ids=clip.ids.astype(np.int16),
            frames=clip.frames.astype(np.int16),
            mel=clip.mel.astype(np.float16),
            pitch_hz=clip.pitch_hz.astype(np.float16),
            speaker=clip.speaker,
            wav=np.zeros(0, np.int16) if clip.wav is None else clip.wav,
            top_hz=clip.top_hz or 0.0,
        )


def load(path: Path, *, with_wav: bool) -> MiniClip:
    with np.load(path) as file:
        return MiniClip(
            path.stem,
            file["ids"].astype(np.int64),
            file["frames"].astype(np.int64),
            file["mel"],
            file["pitch_hz"],
            file["speaker"],
            file["wav"] if with_wav else None,
            float(file["top_hz"]) or None,
        )


if __name__ == "__main__":
    main()
