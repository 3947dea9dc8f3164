"""Make the clips that the base learns from: `python -m tools.mini.make_data --help`.

Each set is a folder of clips (`recordings.py`) that follows from its seed alone. What is there
already is left alone, so that the work can be stopped and go on, or be done in parts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ray_pipeline.text.symbols import symbol_table
from tools.mini.letters import seconds_of_phones
from tools.mini.recordings import Recording, with_short_edges
from tools.mini.texts import (
    Line,
    english_sentences,
    japanese_sentences,
    lines,
    mandarin_sentences,
)

EDGE = "SP"  # the silence before and behind

Spoken = tuple[NDArray[np.float32], NDArray[np.float32], str]
Speaker = Callable[[Line, np.random.Generator], Spoken]

_SOURCES = {
    "en": ("lj_metadata.csv", english_sentences),
    "zh": ("cmn.txt", mandarin_sentences),
    "ja": ("neko.txt", japanese_sentences),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("teacher", choices=("hibari", "kokoro"))
    parser.add_argument("language", choices=tuple(_SOURCES))
    parser.add_argument("--work", type=Path, required=True, help="folder for all that is made")
    parser.add_argument("--texts", type=Path, help="folder with the texts; <work>/texts if absent")
    parser.add_argument("--minutes", type=float, required=True, help="of speech in the set")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    texts = arguments.texts or arguments.work / "texts"
    file, read = _SOURCES[arguments.language]
    name = f"{arguments.teacher}_{arguments.language}_{arguments.seed}"
    folder = arguments.work / "clips" / name
    folder.mkdir(parents=True, exist_ok=True)
    speaker = (kokoro if arguments.teacher == "kokoro" else hibari)(arguments.work)
    make(folder, read(texts / file), arguments.language, speaker, arguments)


def make(
    folder: Path,
    sentences: list[str],
    language: str,
    speaker: Speaker,
    arguments: argparse.Namespace,
) -> None:
    started, total = time.process_time(), 0.0
    for number, line in enumerate(lines(sentences, language, arguments.seed)):
        path = folder / f"{number:06d}.npz"
        if not path.exists():
            rng = np.random.default_rng([arguments.seed, number])
            try:
                recording(line, speaker, rng).save(path)
            except (KeyError, ValueError) as error:
                print(f"{number}: left out, {error}", flush=True)
                continue
        total += float(Recording.load(path).seconds.sum())
        if number % 100 == 0:
            spent = time.process_time() - started
            print(f"{number} clips, {total / 60:.1f} min, {spent:.0f} CPU-s", flush=True)
        if total > arguments.minutes * 60:
            break


def recording(line: Line, speaker: Speaker, rng: np.random.Generator) -> Recording:
    wav, seconds, name = speaker(line, rng)
    phones = seconds_of_phones(line.letters, seconds[1:-1].tolist(), len(line.phones))
    edge = symbol_table("v2")[EDGE]
    whole = Recording(
        wav=wav / np.abs(wav).max() * np.float32(0.9),
        rate=24_000,
        ids=np.array([edge, *line.ids, edge], np.int16),
        seconds=np.array([seconds[0], *phones, seconds[-1]], np.float32),
        text=line.text,
        language=line.language,
        speaker=name,
    )
    return with_short_edges(whole, rng.uniform(0.04, 0.15), rng.uniform(0.06, 0.2))


def kokoro(work: Path) -> Speaker:
    from tools.mini.kokoro import Kokoro

    teacher = Kokoro(work)

    def speak(line: Line, rng: np.random.Generator) -> Spoken:
        style = teacher.draw_style(rng)
        speed = float(rng.uniform(0.85, 1.1))
        wav, seconds = teacher.say([letter.text for letter in line.letters], style, speed)
        return wav, seconds, style.name

    return speak


def hibari(work: Path) -> Speaker:
    from tools.mini.hibari_voice import HibariVoice, draw_shift

    teacher = HibariVoice(work)

    def speak(line: Line, rng: np.random.Generator) -> Spoken:
        shift = draw_shift(rng)
        wav, seconds = teacher.say([letter.text for letter in line.letters], shift, rng)
        return wav, seconds, shift.name

    return speak


if __name__ == "__main__":
    main()
