"""What the teachers are asked to say, and in which phones of the project.

English: the prompts of LJ Speech (public domain), but for the chapters that are used to judge.
Mandarin: the sentences of Tatoeba (CC-BY 2.0 France). Japanese: a novel of Natsume Soseki
(public domain). All three are read from files that the user names; nothing is downloaded.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from ray_pipeline.text import phonemize
from ray_pipeline.text.english.lexicon import Lexicon
from ray_pipeline.text.english.pronounce import Pronouncer
from ray_pipeline.text.english.tagger import Tagger
from tools.mini.letters import (
    Letter,
    NoLetters,
    english_letters,
    japanese_letters,
    mandarin_letters,
)

# Chapters with the sentences that the finished base is judged by.
_KEPT_FOR_JUDGING = ("LJ001", "LJ002", "LJ050")
_CHOICE = 6


@dataclass(frozen=True)
class Line:
    """A sentence to say: the project's phones and the teacher's letters for them."""

    text: str
    language: str
    phones: list[str]
    ids: list[int]
    letters: list[Letter]


def english_sentences(metadata: Path) -> list[str]:
    """Sentences of LJ Speech's metadata.csv, whole ones and short stretches of them."""
    sentences = []
    with metadata.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if not row["id"].startswith(_KEPT_FOR_JUDGING) and 12 < len(row["sentence"]) < 115:
                sentences.append(row["sentence"])
    return sentences


def mandarin_sentences(tatoeba: Path) -> list[str]:
    """The Chinese side of manythings.org's cmn.txt, simplified, without foreign letters."""
    from opencc import OpenCC

    simplify = OpenCC("t2s").convert
    lines = tatoeba.read_text("utf-8").splitlines()
    found = dict.fromkeys(simplify(line.split("\t")[1]) for line in lines if "\t" in line)
    return [text for text in found if 5 <= len(text) <= 40 and not re.search("[A-Za-z0-9]", text)]


def japanese_sentences(novel: Path) -> list[str]:
    """Sentences of a text whose words are set apart by spaces."""
    text = re.sub(r"\s", "", novel.read_text("utf-8"))
    found = dict.fromkeys(re.findall(r"[^。「」]+。", text))
    return [sentence for sentence in found if 6 <= len(sentence) <= 45]


def lines(sentences: list[str], language: str, seed: int) -> Iterator[Line]:
    """What to say, without end: of English and Japanese every line; of Mandarin those that bring
    rare syllables, for its teacher is dear."""
    drawn = lines_at_random(sentences, language, seed)
    return rare_first(drawn) if language == "zh" else drawn


def rare_first(drawn: Iterator[Line]) -> Iterator[Line]:
    """Of every `_CHOICE` lines of Mandarin the one whose syllables, and whose phones, were said
    least until then."""
    said: Counter[object] = Counter()
    while True:
        candidates = [(line, _sounds(line)) for line in islice(drawn, _CHOICE)]
        line, sounds = max(candidates, key=lambda pair: _rarity(pair[1], said))
        said.update(sounds)
        yield line


def _sounds(line: Line) -> list[object]:
    """Every phone, and every two neighbours: among them the syllables with their tones."""
    return [*line.phones, *pairwise(line.phones)]


def _rarity(sounds: Sequence[object], said: Counter[object]) -> float:
    # Without the constant the shortest sentences would always win.
    return sum(1 / (1 + said[sound]) for sound in sounds) / (len(sounds) + 20)


def lines_at_random(sentences: list[str], language: str, seed: int) -> Iterator[Line]:
    """The sentences in an order drawn from `seed`, over and over, as lines to say. Those with
    something that the teachers have no letters for are left out. Of English sentences, every
    third is cut to a short phrase; several short Mandarin ones are joined."""
    rng = np.random.default_rng(seed)
    while True:
        order = [sentences[index] for index in rng.permutation(len(sentences))]
        for number, text in enumerate(order):
            if language == "en" and number % 3 == 0:
                text = _phrase(text, rng)
            elif language == "zh" and number:
                # Kokoro speaks short ones badly; the shortest still come alone, for there are
                # such texts.
                before = order[number - 1]
                text = before + text if number % 4 and len(text) < 14 else text
            try:
                yield line_of(text, language)
            except NoLetters:
                continue


def line_of(text: str, language: str) -> Line:
    """Raises NoLetters for a text that the teachers cannot say."""
    spoken = phonemize(text, language)
    if language == "en":
        letters = english_letters(_words(spoken.norm_text, spoken.phones))
    elif language == "zh":
        letters = mandarin_letters(spoken.phones)
    else:
        letters = japanese_letters(spoken.phones)
    while letters and letters[-1].text == " ":
        letters.pop()
    return Line(text, language, spoken.phones, spoken.ids, letters)


def _phrase(text: str, rng: np.random.Generator) -> str:
    words = text.split()
    length = int(rng.integers(2, 7))
    start = int(rng.integers(0, max(1, len(words) - length)))
    return " ".join(words[start : start + length]).strip(" ,;:-.\"'()") + "."


@cache
def _english_reader() -> tuple[Tagger, Pronouncer]:
    return Tagger(), Pronouncer(Lexicon.load())


def _words(norm_text: str, phones: list[str]) -> list[tuple[str, list[str]]]:
    """The tokens of an English text with their phones, which are those of the front end."""
    tagger, pronouncer = _english_reader()
    words = [(token, pronouncer.token(token, tag)) for token, tag in tagger.tag(norm_text)]
    read = [phone for _, of_word in words for phone in of_word]
    if read != phones[len(phones) - len(read) :]:
        raise NoLetters(norm_text)
    # A very short text has a mark put in front.
    return [(phone, [phone]) for phone in phones[: len(phones) - len(read)]] + words
