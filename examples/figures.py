"""The demo's two pictures: what the voice sounds like, and how its losses fell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display is needed

import matplotlib.pyplot as plt
import numpy as np
import soundfile

_INK = "#1f4e79"


def draw_mel(wav_path: Path, picture: Path) -> None:
    """The log-mel spectrogram of a WAV, 80 bands up to half its rate."""
    import librosa

    wav, rate = soundfile.read(wav_path, dtype="float32")
    mel = librosa.feature.melspectrogram(y=wav, sr=rate, n_fft=2048, hop_length=640, n_mels=80)
    decibels = librosa.power_to_db(mel, ref=np.max)
    figure, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
    shown = axes.imshow(
        decibels, origin="lower", aspect="auto", cmap="magma", extent=(0, len(wav) / rate, 0, 80)
    )
    axes.set(xlabel="seconds", ylabel="mel band", title=wav_path.name)
    figure.colorbar(shown, ax=axes, label="dB")
    figure.savefig(picture, dpi=120)
    plt.close(figure)


def draw_curves(metrics: Iterable[dict[str, Any]], picture: Path) -> None:
    """One small plot a metric, over training steps (epochs where there is no step)."""
    curves = collect_curves(metrics)
    columns = 3
    rows = max(1, -(-len(curves) // columns))
    figure, grid = plt.subplots(
        rows, columns, figsize=(3.4 * columns, 2.3 * rows), squeeze=False, layout="constrained"
    )
    for axes in grid.flat[len(curves) :]:
        axes.set_visible(False)
    for axes, (name, points) in zip(grid.flat, sorted(curves.items()), strict=False):
        axes.plot(*zip(*points, strict=True), color=_INK, linewidth=1.2)
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.25)
    figure.savefig(picture, dpi=120)
    plt.close(figure)


def collect_curves(metrics: Iterable[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """(x, value) pairs by metric name, from the data of metric events."""
    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for data in metrics:
        at = data.get("step") or data.get("epoch") or 0
        for name, value in data.get("values", {}).items():
            curves[name].append((at, value))
    return curves
