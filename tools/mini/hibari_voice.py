"""hibari as a teacher: English in one voice at a hundred times real time, and what can be made
of it.

Its network gives a spectrum a frame and the pitch, from which the waveform is made outside it.
So the pitch can be moved before, and pitch, vowels and tempo together by playing the waveform
at another rate: a woman's voice becomes many, men's among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 24_000
UNIT_SECONDS = 0.025

_DURATIONS = "/Clip_output_0"


@dataclass(frozen=True)
class Shift:
    """`pitch` multiplies the fundamental frequency alone; `size` below 1 lowers pitch and
    formants together, as of a larger body; `spread` widens or flattens the melody; `tempo` 1.0
    is the teacher's. The waveform is at `RATE_HZ`."""

    name: str
    pitch: float = 1.0
    size: float = 1.0
    spread: float = 1.0
    tempo: float = 1.0


def draw_shift(rng: np.random.Generator) -> Shift:
    """A quarter the voice as it is, a quarter women near it, half men."""
    tempo = float(np.exp(rng.uniform(-0.12, 0.16)))
    spread = float(rng.uniform(0.7, 1.3))
    kind = rng.random()
    if kind < 0.25:
        return Shift("hibari", tempo=tempo)
    if kind < 0.5:
        pitch, size = rng.uniform(0.85, 1.2), rng.uniform(0.92, 1.08)
    else:
        size = rng.uniform(0.78, 0.92)
        pitch = rng.uniform(85, 150) / (190 * size)
    return Shift(f"hibari {pitch:.2f} {size:.2f}", float(pitch), float(size), spread, tempo)


class HibariVoice:
    def __init__(self, cache: Path) -> None:
        import hibari.tts
        import onnx

        path = cache / "hibari_with_durations.onnx"
        if not path.exists():
            model = onnx.load(str(Path(hibari.tts.ASSETS) / "hibari.onnx"))
            model.graph.output.append(
                onnx.helper.make_tensor_value_info(_DURATIONS, onnx.TensorProto.FLOAT, None)
            )
            onnx.save(model, str(path))
        self._hibari = hibari.tts.Hibari(threads=1, model=str(path))

    def say(
        self, letters: list[str], shift: Shift, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Waveform at 24 kHz, and seconds of each letter with silence before and behind: two
        more than letters. Raises KeyError for a letter it does not know."""
        import soxr
        from hibari import dsp

        vocabulary = self._hibari.vocab
        tokens = [0, *(vocabulary[letter] for letter in letters), 0]
        # Played at another rate, the speech changes its tempo too.
        speed = np.array([shift.tempo / shift.size], np.float32)
        outputs = self._hibari.sess.run(None, {"ids": np.array([tokens], np.int64), "speed": speed})
        *spectra, pitch = (output[0] for output in outputs[:6])
        seconds = outputs[6].reshape(-1).astype(np.float32) * UNIT_SECONDS
        wav = dsp.synth(*spectra, _moved(pitch, shift), rng).astype(np.float32)
        if abs(seconds.sum() * RATE_HZ - len(wav)) > UNIT_SECONDS * RATE_HZ:
            raise AssertionError("hibari's durations do not add up to its waveform.")
        if shift.size != 1.0:
            wav = soxr.resample(wav, RATE_HZ * shift.size, RATE_HZ).astype(np.float32)
        return wav, seconds / shift.size


def _moved(pitch: NDArray[np.float32], shift: Shift) -> NDArray[np.float32]:
    voiced = pitch > 40
    if not voiced.any():
        return pitch
    middle = np.exp(np.log(pitch[voiced]).mean())
    moved = middle * shift.pitch * (np.maximum(pitch, 1.0) / middle) ** shift.spread
    return np.where(voiced, np.maximum(moved, 55.0), pitch).astype(np.float32)
