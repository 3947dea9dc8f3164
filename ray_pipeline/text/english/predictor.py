"""Phones of a word that no dictionary has, guessed letter by letter.

A one-layer GRU reads the letters, another writes the phones (Sutskever et al. 2014, greedy).
The weights are those of g2p_en (Kyubyong Park and Jongseok Kim, Apache-2.0).
Shapes: H hidden units; a gate matrix is [3H, H], rows in the order reset, update, new.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Any

import numpy as np

from ray_pipeline.text.english.model_files import g2p_en_path

Array = np.ndarray[Any, np.dtype[np.float32]]

_LETTERS = {letter: 3 + index for index, letter in enumerate(string.ascii_lowercase)}
_UNKNOWN_LETTER, _END_OF_WORD = 1, 2
_BEGIN_PHONES, _END_PHONES = 2, 3
_PHONE_NAMES = (
    "<pad> <unk> <s> </s> AA0 AA1 AA2 AE0 AE1 AE2 AH0 AH1 AH2 AO0 AO1 AO2 AW0 AW1 AW2 AY0 AY1 AY2 "
    "B CH D DH EH0 EH1 EH2 ER0 ER1 ER2 EY0 EY1 EY2 F G HH IH0 IH1 IH2 IY0 IY1 IY2 JH K L M N NG "
    "OW0 OW1 OW2 OY0 OY1 OY2 P R S SH T TH UH0 UH1 UH2 UW UW0 UW1 UW2 V W Y Z ZH"
)
_PHONES = _PHONE_NAMES.split()
_MOST_PHONES = 20


@dataclass(frozen=True)
class GruCell:
    """`input_gates[id]` [3H] is the input's share of the gates, ready for every symbol."""

    input_gates: Array
    hidden_weight: Array
    hidden_bias: Array

    def step(self, symbol: int, hidden: Array) -> Array:
        """The next hidden state [H]."""
        from_input = np.split(self.input_gates[symbol], 3)
        from_hidden = np.split(self.hidden_weight @ hidden + self.hidden_bias, 3)
        reset = _sigmoid(from_input[0] + from_hidden[0])
        update = _sigmoid(from_input[1] + from_hidden[1])
        new = np.tanh(from_input[2] + reset * from_hidden[2])
        return (1 - update) * new + update * hidden


class Predictor:
    def __init__(self) -> None:
        with np.load(g2p_en_path() / "checkpoint20.npz") as weights:
            self._encoder = _cell(weights, "enc")
            self._decoder = _cell(weights, "dec")
            self._output_weight, self._output_bias = weights["fc_w"], weights["fc_b"]

    def __call__(self, word: str) -> list[str]:
        """At most 20 phones for a lower-case word; characters other than a-z are guessed at."""
        hidden = np.zeros(self._encoder.hidden_weight.shape[1], np.float32)
        for letter in word:
            hidden = self._encoder.step(_LETTERS.get(letter, _UNKNOWN_LETTER), hidden)
        hidden = self._encoder.step(_END_OF_WORD, hidden)
        symbol = _BEGIN_PHONES
        phones: list[str] = []
        while len(phones) < _MOST_PHONES:
            hidden = self._decoder.step(symbol, hidden)
            symbol = int(np.argmax(self._output_weight @ hidden + self._output_bias))
            if symbol == _END_PHONES:
                break
            phones.append(_PHONES[symbol])
        return phones


def _cell(weights: Any, part: str) -> GruCell:
    input_gates = weights[f"{part}_emb"] @ weights[f"{part}_w_ih"].T + weights[f"{part}_b_ih"]
    return GruCell(input_gates, weights[f"{part}_w_hh"], weights[f"{part}_b_hh"])


def _sigmoid(x: Array) -> Array:
    return np.reciprocal(1 + np.exp(-x))
