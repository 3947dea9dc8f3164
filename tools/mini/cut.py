"""Sentences that begin with other sounds: `python -m tools.mini.cut --help`.

Half of Tatoeba's Mandarin lines begin with w, t or n, which are pronouns mostly, so a base that
hears these alone says any other first consonant badly. Here a clip is cut before a consonant in its
middle, and silence put in its place. A set `kokoro_zh_1` becomes `kokoro_zh_1c<seed>`. What is
there already is left alone.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from ray_pipeline.models.mini.tokens import EDGE_ID
from ray_pipeline.text.symbols import symbol_table
from tools.mini.recordings import Recording, recordings

# Before these the voice is silent for a moment, or they are noise: a cut is not heard.
_BEGINNINGS = (
    "b",
    "p",
    "d",
    "t",
    "g",
    "k",
    "j",
    "q",
    "zh",
    "ch",
    "z",
    "c",
    "s",
    "sh",
    "x",
    "f",
    "h",
)
_IDS = np.array([symbol_table("v2")[name] for name in _BEGINNINGS])
_LEAST_SECONDS = 1.0  # that are left
_FADE_SECONDS = 0.005


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for name in arguments.sets:
        folder = arguments.work / "clips" / f"{name}c{arguments.seed}"
        folder.mkdir(parents=True, exist_ok=True)
        for number, (stem, recording) in enumerate(recordings(arguments.work / "clips" / name)):
            path = folder / f"{stem}.npz"
            rng = np.random.default_rng([arguments.seed, number])
            places = beginnings(recording)
            if not path.exists() and len(places):
                cut(recording, int(rng.choice(places)), rng.uniform(0.04, 0.15)).save(path)


def beginnings(recording: Recording) -> np.ndarray:
    """The places of the phones that a clip can be cut before."""
    starts = np.cumsum(recording.seconds) - recording.seconds
    fits = starts < recording.seconds.sum() - _LEAST_SECONDS
    found: np.ndarray = np.flatnonzero(np.isin(recording.ids, _IDS) & fits)
    return found[found > 1]


def cut(recording: Recording, place: int, silence: float) -> Recording:
    """From phone number `place` on, behind `silence` seconds."""
    start = round(float(recording.seconds[:place].sum()) * recording.rate)
    wav = recording.wav[start:].copy()
    fade = min(len(wav), round(_FADE_SECONDS * recording.rate))
    wav[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
    before = np.zeros(round(silence * recording.rate), np.float32)
    return replace(
        recording,
        wav=np.concatenate([before, wav]),
        ids=np.concatenate([[EDGE_ID], recording.ids[place:]]).astype(np.int16),
        seconds=np.concatenate([[silence], recording.seconds[place:]]).astype(np.float32),
    )


if __name__ == "__main__":
    main()
