"""Which reading a Chinese character has in its sentence, asked of G2PW (Chen et al. 2022).

    sentence ─ OpenCC: traditional ─┬─ several readings ─ network ─┐
                                    ├─ one reading ─ its table ────┼─> a pinyin a character
                                    └─ neither ─ pypinyin ─────────┘

The model is a folder that the user puts into the models folder; without it nobody comes here.
Which characters are asked about and how much of the sentence is shown is as in GPT-SoVITS, so
that a voice hears in training and in inference what the base models heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from ray_pipeline.text.chinese.g2pw_files import (
    FOLDER,
    Tables,
    Vocabulary,
    damaged,
    open_network,
    read_tables,
    read_vocabulary,
)
from ray_pipeline.text.phones import Polyphones

# Which characters GPT-SoVITS asks pypinyin about although the folder has them.
_NOT_ASKED = frozenset("一不和咋嗲剖差攢倒難奔勁拗肖瘙誒泊听噢")
_NOT_FIXED = frozenset("似攢")
_CONTEXT = 16  # characters before the first and behind the last one that is asked about
_MOST_CHARACTERS = 510  # the network has 512 positions; two are for its own marks


def has_g2pw(models_dir: Path) -> bool:
    """Whether the folder of the model is there, complete or not."""
    return (models_dir / FOLDER).is_dir()


def load_polyphones(models_dir: Path, bert_folder: Path) -> Polyphones | None:
    """The model in `models_dir`/G2PWModel, one a process; None where that folder is not there.

    `bert_folder` has the vocabulary. Files are opened when Chinese is first read, so that other
    languages never wait for them. That raises BadModelFile for a damaged file, and
    BackendMissing without a vocabulary.
    """
    return _shared(models_dir / FOLDER, bert_folder) if has_g2pw(models_dir) else None


@lru_cache(maxsize=1)
def _shared(folder: Path, bert_folder: Path) -> G2PW:
    return G2PW(folder, bert_folder)


class G2PW:
    def __init__(self, folder: Path, bert_folder: Path) -> None:
        self._folder, self._bert_folder = folder, bert_folder

    def __call__(self, sentences: Sequence[str]) -> list[list[str | None]]:
        """For each sentence a pinyin a character, None for marks and what nobody can read."""
        return [self._readings(sentence) for sentence in sentences]

    @cached_property
    def _tables(self) -> Tables:
        return read_tables(self._folder)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {char: number for number, char in enumerate(self._tables.choices)}

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return read_vocabulary(self._bert_folder)

    @cached_property
    def _network(self) -> Any:
        return open_network(self._folder)

    def _readings(self, sentence: str) -> list[str | None]:
        written = _traditional(sentence)
        readings = _by_dictionary(sentence)
        asked = []
        for place, char in enumerate(written):
            if char in self._tables.choices and char not in _NOT_ASKED:
                asked.append(place)
            elif char in self._tables.fixed and char not in _NOT_FIXED:
                readings[place] = self._tables.fixed[char]
        for start, end, places in _windows(len(written), asked):
            chosen = self._choose(written[start:end], [place - start for place in places])
            for place, reading in zip(places, chosen, strict=True):
                readings[place] = reading or readings[place]
        return readings

    def _choose(self, text: str, places: Sequence[int]) -> list[str | None]:
        """The likeliest reading of the characters at `places`, from one call: the text [1, T]
        is encoded once for all of them."""
        import numpy as np

        tokens = np.array([self._vocabulary.encode(text)], dtype=np.int64)
        allowed = np.zeros((len(places), len(self._tables.labels)), dtype=np.float32)
        for row, place in enumerate(places):
            allowed[row, self._tables.choices[text[place]]] = 1
        given = {
            "input_ids": tokens,
            "token_type_ids": np.zeros_like(tokens),
            "attention_mask": np.ones_like(tokens),
            "phoneme_mask": allowed,
            "char_ids": np.array([self._numbers[text[place]] for place in places], dtype=np.int64),
            # The start mark is token 0.
            "position_ids": np.array(places, dtype=np.int64) + 1,
        }
        network = self._network
        try:
            likelihoods = network.run(None, given)[0]
        except Exception as error:  # onnxruntime's exceptions have no common base
            raise damaged(f"the network cannot be used: {error}") from error
        if likelihoods.shape != allowed.shape:
            raise damaged(f"the network knows {likelihoods.shape[-1]} readings, not the table's.")
        return [self._tables.labels[place] for place in likelihoods.argmax(axis=1)]


def _windows(length: int, asked: Sequence[int]) -> Iterator[tuple[int, int, Sequence[int]]]:
    """Start and end of what the network is shown, and the places that it is asked about."""
    if not asked:
        return
    start, end = max(0, asked[0] - _CONTEXT), min(length, asked[-1] + 1 + _CONTEXT)
    if end - start <= _MOST_CHARACTERS:
        yield start, end, asked
        return
    for place in asked:
        middle = max(start, place - _MOST_CHARACTERS // 2)
        first = min(middle, end - _MOST_CHARACTERS)
        yield first, first + _MOST_CHARACTERS, [place]


def _traditional(sentence: str) -> str:
    """As Taiwan writes it, which is what the model has learned; a character for a character."""
    written: str = _converter().convert(sentence)
    return written if len(written) == len(sentence) else sentence


@lru_cache(maxsize=1)
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("s2tw")


def _by_dictionary(sentence: str) -> list[str | None]:
    """The readings of pypinyin, which looks for known words in the whole sentence."""
    from pypinyin import Style, lazy_pinyin

    pinyin = lazy_pinyin(sentence, style=Style.TONE3, neutral_tone_with_five=True)
    if len(pinyin) != len(sentence):
        return [None] * len(sentence)
    return [
        reading if reading[:1].isascii() and reading[:1].isalpha() else None for reading in pinyin
    ]
