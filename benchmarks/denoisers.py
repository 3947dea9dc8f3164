"""What each denoiser does to noisy and to clean speech, and what it costs.

    python -m benchmarks.denoisers FOLDER… [--clips 8] [--only-cost]

FOLDER holds utterances and `metadata.jsonl` or `transcripts.list`; of each, some clips are taken
at equal distances. Noise is added at the clip's own rate (0, 5 and 10 dB SNR), then both are
brought to 32 kHz and to the level that slice_audio gives clips. Printed is the SI-SDR against the
clean speech. Clean clips are held against themselves, once more without what lies below 150 Hz:
rumble that the denoiser takes away is no loss. Cost is that of the clean clips: processor seconds
a second of sound, and peak memory over idle.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import soxr
from scipy import signal

from benchmarks.cost import Cost, in_own_process
from benchmarks.speech.corpus import Utterance, read_corpus, spread
from benchmarks.speech.noises import add, noises
from ray_pipeline.audio.denoising import DenoiserChoice, choose_denoiser, denoise
from ray_pipeline.audio.levels import si_sdr
from ray_pipeline.audio.slicing import SlicerSettings, level_clip
from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import BackendMissing

SNRS_DB = (0, 5, 10)
MODELS = Path("models")
BACKENDS = ("deepfilternet", "frcrn")
_RUMBLE_HZ = 150
_OWN = "benchmarks.denoisers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--clips", type=int, default=8, help="of each folder")
    parser.add_argument("--only-cost", action="store_true")
    parser.add_argument("--cost-of", choices=BACKENDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    corpora = {folder.name: read_corpus(folder) for folder in options.folders}
    chosen = {name: spread(corpus, options.clips) for name, corpus in corpora.items()}
    clips = [one for corpus in chosen.values() for one in corpus]
    if options.cost_of:
        print(json.dumps(cost(choose_denoiser(options.cost_of, MODELS), clips)))
        return
    everything = [one for corpus in corpora.values() for one in corpus]
    for backend in BACKENDS:
        try:
            choice = choose_denoiser(backend, MODELS)
        except BackendMissing as missing:
            print(f"{backend}: not measured. {missing}")
            continue
        arguments = [str(folder) for folder in options.folders]
        arguments += ["--clips", str(options.clips), "--cost-of", backend]
        print(f"{backend} {choice.version}: {in_own_process(_OWN, *arguments)}", flush=True)
        if not options.only_cost:
            for name, corpus in chosen.items():
                print_quality(name, corpus, everything, choice)


def cost(choice: DenoiserChoice, clips: Sequence[Utterance]) -> dict[str, float]:
    """Of denoising all clips in this process, which has done nothing yet."""
    waveforms = [_as_clip(*read_mono(one.path)) for one in clips]
    with Cost() as spent:
        for waveform in waveforms:
            denoise(waveform, SAMPLE_RATE, choice)
    seconds = sum(len(waveform) for waveform in waveforms) / SAMPLE_RATE
    return {
        "seconds": round(seconds, 1),
        "real_time_factor": round(spent.cpu_seconds / seconds, 3),
        "memory_mb": round(spent.peak_mb),
    }


def print_quality(
    name: str, clips: Sequence[Utterance], everything: Sequence[Utterance], choice: DenoiserChoice
) -> None:
    """A table in Markdown: SI-SDR before → after, and the least that any clip gained."""
    print(f"\n| {name}, dB | {' | '.join(f'{snr} dB SNR' for snr in SNRS_DB)} |")
    print("| --- " * (len(SNRS_DB) + 1) + "|")
    cases = _measure(clips, everything, choice)
    for kind in dict.fromkeys(case.kind for case in cases):
        cells = [
            _cell([case for case in cases if (case.kind, case.snr_db) == (kind, snr_db)])
            for snr_db in SNRS_DB
        ]
        print(f"| {kind} | {' | '.join(cells)} |", flush=True)
    pairs = [_clean(one, choice) for one in clips]
    for kind, scores in zip(
        ("clean, after", "without rumble"), zip(*pairs, strict=True), strict=True
    ):
        print(f"| {kind} | {fmean(scores):.1f} (worst {min(scores):.1f}) |" + " |" * 2, flush=True)


@dataclass(frozen=True)
class Case:
    """SI-SDR in dB of one clip with one noise."""

    kind: str
    snr_db: int
    before: float
    after: float


def _measure(
    clips: Sequence[Utterance], everything: Sequence[Utterance], choice: DenoiserChoice
) -> list[Case]:
    cases = []
    for number, one in enumerate(clips):
        clean, rate = read_mono(one.path)
        others = [other for other in everything if other.path != one.path]
        for kind, make in noises(others).items():
            noise = make(len(clean), rate, np.random.default_rng(number))
            for snr_db in SNRS_DB:
                noisy = _as_clip(add(clean, noise, snr_db), rate)
                target = _as_clip(clean, rate)
                after = denoise(noisy, SAMPLE_RATE, choice).waveform
                cases.append(Case(kind, snr_db, si_sdr(noisy, target), si_sdr(after, target)))
    return cases


def _clean(one: Utterance, choice: DenoiserChoice) -> tuple[float, float]:
    """Of the whole band, and of what lies above the rumble."""
    clean = _as_clip(*read_mono(one.path))
    after = denoise(clean, SAMPLE_RATE, choice).waveform
    return si_sdr(after, clean), si_sdr(_without_rumble(after), _without_rumble(clean))


def _without_rumble(waveform: Waveform) -> Waveform:
    high = signal.butter(4, _RUMBLE_HZ, "high", fs=SAMPLE_RATE, output="sos")
    return signal.sosfiltfilt(high, waveform).astype(np.float32)


def _cell(cases: Sequence[Case]) -> str:
    before, after = fmean(case.before for case in cases), fmean(case.after for case in cases)
    least = min(case.after - case.before for case in cases)
    return f"{before:.1f} → {after:.1f} (least gain {least:+.1f})"


def _as_clip(waveform: Waveform, rate: int) -> Waveform:
    """At the rate of the pipeline and at the level that slice_audio gives it."""
    resampled = soxr.resample(waveform, rate, SAMPLE_RATE).astype(np.float32)
    levels = SlicerSettings()
    return level_clip(resampled, levels.max_level, levels.alpha) / np.float32(32768)


if __name__ == "__main__":
    main()
