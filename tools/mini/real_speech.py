"""Public recordings of many speakers for the base: `python -m tools.mini.real_speech --help`.

LibriSpeech (CC-BY-4.0) as the repository resemble-ai/Resemblyzer carries it, a few clips a
speaker, without texts. Whisper writes them down, the project's front end reads them, and a base
that can speak already finds out which frame is which phone.

    hear    recordings to <work>/libri_texts.jsonl
    align   those with <base file> to <work>/features/libri
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ray_pipeline.models.mini.alignment import Aligner
from ray_pipeline.models.mini.config import SAMPLE_RATE, TOKEN_HOP
from ray_pipeline.models.mini.files import load_base
from ray_pipeline.models.mini.sound import analyse
from ray_pipeline.models.mini.tokens import runs
from ray_pipeline.text import phonemize
from ray_pipeline.training.mini.data import MiniClip, as_int16
from tools.mini.features import save
from tools.mini.judge import Listener

# These judge the finished base and must stay unknown to it.
KEPT_FOR_JUDGING = ("1688", "2609", "3080")
_TOP_HZ = 7600.0  # the recordings have 16 kHz
_LONGEST_SECONDS = 12.0
_WORST_COST = 6.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("hear", "align"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--speech", type=Path, help="folder with LibriSpeech's flac files")
    parser.add_argument("--base", type=Path, help="a base file to align with")
    parser.add_argument("--most", type=int, default=10_000, help="clips")
    arguments = parser.parse_args()
    if arguments.action == "hear":
        hear(arguments.work, arguments.speech, arguments.most)
    else:
        align(arguments.work, arguments.base)


def speaker_of(path: Path) -> str:
    """LibriSpeech's files are called speaker-chapter-number.flac."""
    return path.stem.split("-")[0]


def hear(work: Path, speech: Path, most: int) -> None:
    target = work / "libri_texts.jsonl"
    known = {entry["path"] for entry in _entries(target)}
    paths = sorted(speech.rglob("*.flac"), key=lambda path: path.stem[::-1])  # speakers mixed
    paths = [path for path in paths if speaker_of(path) not in KEPT_FOR_JUDGING][:most]
    listener = Listener(work / "whisper")
    with target.open("a") as lines:
        for path in paths:
            if str(path) in known:
                continue
            wav, rate = _piece(path)
            text = listener.hear(wav, rate, "en")
            lines.write(json.dumps({"path": str(path), "text": text}) + "\n")
            lines.flush()


def align(work: Path, base_path: Path) -> None:
    base = load_base(base_path)
    aligner = Aligner(base.durations, base.synthesizer)
    folder = work / "features" / "libri"
    folder.mkdir(parents=True, exist_ok=True)
    costs = []
    for entry in _entries(work / "libri_texts.jsonl"):
        path, text = Path(entry["path"]), entry["text"]
        if not re.search("[a-z]", text.lower()) or re.search(r"[^\x20-\x7e]", text):
            continue
        wav, rate = _piece(path)
        wav = soxr.resample(wav, rate, SAMPLE_RATE).astype(np.float32)
        try:
            sound = analyse(np.pad(wav, (0, -len(wav) % TOKEN_HOP)))
            aligned = aligner(phonemize(text, "en").ids, sound)
        except ValueError as error:
            print(f"{path.stem}: left out, {error}", flush=True)
            continue
        costs.append(aligned.cost)
        if aligned.cost > _WORST_COST:
            print(f"{path.stem}: left out, cost {aligned.cost:.1f}", flush=True)
            continue
        ids, frames = runs(aligned.tokens)
        clip = MiniClip(
            path.stem, ids, frames, sound.mel, sound.pitch_hz, sound.speaker,
            as_int16(sound.wav), _TOP_HZ,
        )  # fmt: skip
        save(folder / f"{path.stem}.npz", clip)
    print(f"{len(costs)} clips, costs {np.percentile(costs, [5, 50, 95]).round(2)}", flush=True)


def _piece(path: Path) -> tuple[np.ndarray, int]:
    """A recording, or its first seconds up to the quietest moment near their end."""
    wav, rate = soundfile.read(path, dtype="float32")
    longest = int(_LONGEST_SECONDS * rate)
    if len(wav) <= longest:
        return wav, rate
    hop = rate // 50
    late = wav[longest - 4 * rate : longest]
    power = np.square(late[: len(late) // hop * hop].reshape(-1, hop)).mean(axis=1)
    quiet = np.convolve(power, np.ones(8), mode="same").argmin()
    return wav[: longest - 4 * rate + quiet * hop], rate


def _entries(path: Path) -> Iterator[dict[str, str]]:
    if path.exists():
        for line in path.read_text().splitlines():
            yield json.loads(line)


if __name__ == "__main__":
    main()
