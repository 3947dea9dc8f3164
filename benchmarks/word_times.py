"""How far the times of words are from the sound, beside pauses: there a word's beginning and end
can be seen in the loudness, without another aligner.

    python -m benchmarks.word_times

The shipped base mini speaks as several of its teachers' voices. Negative: the sound is earlier.
"""

from __future__ import annotations

import numpy as np
import torch

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.speech import SpeechSettings
from ray_pipeline.models.mini.files import shipped_base
from ray_pipeline.models.mini.voice import MiniVoice
from ray_pipeline.training.mini.teachers import shipped_teachers
from ray_pipeline.voice.mini import MiniReading
from ray_pipeline.voice.script import Reader
from ray_pipeline.voice.speech import SpokenWord

TEXTS = {
    "en": [
        "When the doors opened, people ran to the garden, but nobody found the key.",
        "Tell them, please, that dinner is ready, and that the boat, too, can wait.",
        "Paper, pens, and a table, that is all, he said, that anybody needs.",
    ],
    "zh": [
        "门开了以后，大家跑到花园里，可是没有人找到钥匙。",
        "请告诉他们，晚饭好了，船也可以等一等。",
        "纸，笔，和一张桌子，他说，大家只需要这些。",
    ],
}
VOICES = 8
STEP = 160  # samples between looks at the loudness: 5 ms
QUIET_DB = 35.0  # below the loudest
SHORTEST_PAUSE = 0.1


def main() -> None:
    base = shipped_base()
    for language, texts in TEXTS.items():
        clips = [clip for clip in shipped_teachers() if clip.language == language]
        begins, ends = [], []
        for clip in clips[:: max(1, len(clips) // VOICES)]:
            speaker = torch.from_numpy(clip.speaker)
            voice = MiniVoice(base.durations, base.synthesizer, speaker)
            for text in texts:
                pieces, _ = Reader(symbols="v2").script(text, language, "cut0")
                reading = MiniReading(voice, pieces, [], SpeechSettings())
                said = reading.tokens(0)
                wav = reading.sound(0, said, 0)
                at_begin, at_end = beside_pauses(wav, reading.words(0, said))
                begins += at_begin
                ends += at_end
        report(language, "begin", begins)
        report(language, "end", ends)


def beside_pauses(wav: Waveform, words: list[SpokenWord]) -> tuple[list[float], list[float]]:
    """Seconds by which the sound is later than a word's beginning behind a pause, and its end
    before one."""
    loudness = np.sqrt((wav[: len(wav) // STEP * STEP].reshape(-1, STEP) ** 2).mean(axis=1))
    loud = 20 * np.log10(loudness + 1e-7) > 20 * np.log10(loudness.max()) - QUIET_DB
    begins, ends = [], []
    for before, after in zip([None, *words], [*words, None], strict=True):
        start = before.end if before else 0.0
        end = after.start if after else len(wav) / SAMPLE_RATE
        middle = int((start + end) / 2 * SAMPLE_RATE / STEP)
        if end - start < SHORTEST_PAUSE or middle >= len(loud) or loud[middle]:
            continue
        if before:
            silent = middle - np.flatnonzero(loud[:middle][::-1])[0]
            ends.append(silent * STEP / SAMPLE_RATE - before.end)
        if after:
            heard = middle + np.flatnonzero(loud[middle:])[0]
            begins.append(heard * STEP / SAMPLE_RATE - after.start)
    return begins, ends


def report(language: str, what: str, seconds: list[float]) -> None:
    off = 1000 * np.array(seconds)
    print(
        f"{language} {what}: {len(off)} places, median {np.median(off):+.0f} ms, "
        f"90 % within {np.percentile(np.abs(off), 90):.0f} ms"
    )


if __name__ == "__main__":
    main()
