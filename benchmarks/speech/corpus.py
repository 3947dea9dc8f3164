"""Recorded speech with what is said in it: single utterances, and joined to long recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

from ray_pipeline.audio.levels import rms
from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.transcripts.list_file import read_list

PAUSE_SECONDS = (0.2, 1.2)  # between utterances, as people read aloud
_FRAME = 512
_QUIET_SHARE = 0.05


@dataclass(frozen=True)
class Utterance:
    path: Path
    text: str
    language: str
    speaker: str


@dataclass(frozen=True)
class Recording:
    """A file and all that is said in it, in order."""

    path: Path
    text: str


def read_corpus(folder: Path) -> list[Utterance]:
    """What `metadata.jsonl` names, else what `transcripts.list` does."""
    metadata = folder / "metadata.jsonl"
    if metadata.is_file():
        rows = [json.loads(line) for line in metadata.read_text("utf-8").splitlines()]
        return [
            Utterance(folder / row["file"], row["text"], row["language"], row.get("speaker", ""))
            for row in rows
        ]
    listed, _ = read_list(folder / "transcripts.list")
    return [Utterance(folder / row.path, row.text, row.language, row.speaker) for row in listed]


def spread(corpus: Sequence[Utterance], num_clips: int) -> list[Utterance]:
    """So many of the corpus, at equal distances; all where there are no more."""
    places = np.linspace(0, len(corpus) - 1, min(num_clips, len(corpus))).round().astype(int)
    return [corpus[place] for place in places]


def join(
    utterances: Sequence[Utterance], folder: Path, *, max_seconds: float, seed: int = 0
) -> list[Recording]:
    """Write recordings of about `max_seconds` into `folder`, all of the corpus in its order.

    The pauses are filled with noise that has the level and the spectrum of the utterances'
    quietest moments, because nobody records digital silence.
    """
    rng = np.random.default_rng(seed)
    recordings = []
    for number, group in enumerate(_groups(utterances, max_seconds)):
        waveforms, rates = zip(*(read_mono(one.path) for one in group), strict=True)
        (rate,) = set(rates)
        speech = np.concatenate(waveforms)
        pieces: list[Waveform] = []
        for waveform in waveforms:
            pieces += [_room(speech, round(rng.uniform(*PAUSE_SECONDS) * rate), rng), waveform]
        path = folder / f"recording-{number}.flac"
        soundfile.write(path, np.concatenate(pieces), rate)
        recordings.append(Recording(path, " ".join(one.text for one in group)))
    return recordings


def _groups(utterances: Sequence[Utterance], max_seconds: float) -> Iterator[list[Utterance]]:
    group: list[Utterance] = []
    seconds = 0.0
    for one in utterances:
        lasts = soundfile.info(one.path).duration + np.mean(PAUSE_SECONDS)
        if group and seconds + lasts > max_seconds:
            yield group
            group, seconds = [], 0.0
        group.append(one)
        seconds += lasts
    if group:
        yield group


def _room(speech: Waveform, num_samples: int, rng: np.random.Generator) -> Waveform:
    """[num_samples] of noise like the quietest frames of `speech`."""
    frames = speech[: len(speech) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.square(frames).mean(axis=1)
    quiet = frames[np.argsort(power)[: max(1, int(len(frames) * _QUIET_SHARE))]]
    spectrum = np.sqrt(np.square(np.abs(np.fft.rfft(quiet * np.hanning(_FRAME)))).mean(axis=0))
    white = rng.standard_normal(num_samples + _FRAME)
    shaped = signal.fftconvolve(white, np.fft.irfft(spectrum), mode="same")[:num_samples]
    return (shaped * (rms(quiet.ravel()) / max(rms(shaped), 1e-12))).astype(np.float32)
