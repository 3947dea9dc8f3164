"""The folder G2PWModel, read and checked. Nothing in it is ever run: its config.py stays closed,
since what it says of version 1.1 is known (readings are in bopomofo, and masked by character).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray_pipeline.core.errors import BackendMissing, BadModelFile

FOLDER = "G2PWModel"

INPUTS = (
    "input_ids",
    "token_type_ids",
    "attention_mask",
    "phoneme_mask",
    "char_ids",
    "position_ids",
)
# Both spellings are published.
_NETWORKS = ("g2pW.onnx", "g2pw.onnx")
_SEVERAL_READINGS = "POLYPHONIC_CHARS.txt"
_ONE_READING = "MONOPHONIC_CHARS.txt"
_SPELLINGS = "bopomofo_to_pinyin_wo_tune_dict.json"
_VOCABULARY = "tokenizer.json"
_THREADS = 2


@dataclass(frozen=True)
class Tables:
    """`labels`: the pinyin of each output of the network, None where it has none. `choices`: of
    each character that the network knows, in the order of their numbers, its places in `labels`.
    `fixed`: the pinyin of characters with one reading. Pinyin are as `hang2`."""

    labels: list[str | None]
    choices: dict[str, list[int]]
    fixed: dict[str, str]


@dataclass(frozen=True)
class Vocabulary:
    """Token ids of characters and of BERT's own marks."""

    ids: dict[str, int]

    def encode(self, text: str) -> list[int]:
        """The start mark, a token a character, the end mark."""
        unknown = self.ids["[UNK]"]
        characters = [self.ids.get(char, unknown) for char in text]
        return [self.ids["[CLS]"], *characters, self.ids["[SEP]"]]


def read_tables(folder: Path) -> Tables:
    """Raises BadModelFile for a file that is missing or holds something else."""
    several, single = list(_rows(folder, _SEVERAL_READINGS)), list(_rows(folder, _ONE_READING))
    spellings = _read_spellings(folder)
    bopomofo = sorted({reading for _, reading in several})
    places = {reading: place for place, reading in enumerate(bopomofo)}
    choices: dict[str, list[int]] = {char: [] for char in sorted({char for char, _ in several})}
    for char, reading in several:
        choices[char].append(places[reading])
    fixed = {char: _pinyin(reading, spellings) for char, reading in single}
    return Tables(
        labels=[_pinyin(reading, spellings) for reading in bopomofo],
        choices=choices,
        fixed={char: pinyin for char, pinyin in fixed.items() if pinyin},
    )


def read_vocabulary(bert_folder: Path) -> Vocabulary:
    """Raises BackendMissing when BERT is not there, BadModelFile when it is damaged."""
    from tokenizers import Tokenizer

    path = bert_folder / _VOCABULARY
    if not path.is_file():
        raise BackendMissing(
            f"{FOLDER} needs the vocabulary of {bert_folder.name}, which is not in the models "
            "folder.",
            hint=f"Run `gsv models pull bert`, or remove the folder {FOLDER}.",
        )
    try:
        ids = Tokenizer.from_file(str(path)).get_vocab()
    except Exception as error:  # the library raises nothing narrower
        raise _bad_vocabulary(bert_folder, str(error)) from error
    missing = [mark for mark in ("[CLS]", "[SEP]", "[UNK]") if mark not in ids]
    if missing:
        raise _bad_vocabulary(bert_folder, f"it lacks {' '.join(missing)}.")
    return Vocabulary(ids)


def open_network(folder: Path) -> Any:
    """An onnxruntime session on the CPU. Raises BadModelFile."""
    import onnxruntime

    path = next((folder / name for name in _NETWORKS if (folder / name).is_file()), None)
    if path is None:
        raise damaged(f"{_NETWORKS[0]} is missing.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    # Threads that spin while they wait take the cores from the other workers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        network = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its exceptions have no common base
        raise damaged(f"{path.name} cannot be loaded: {error}") from error
    if {given.name for given in network.get_inputs()} != set(INPUTS):
        raise damaged(f"{path.name} is another network.")
    return network


def damaged(reason: str) -> BadModelFile:
    return BadModelFile(
        f"The polyphone model {FOLDER} is damaged: {reason}",
        hint="Put the unpacked G2PWModel_1.1 in its place, or remove the folder.",
    )


def _rows(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    """Character and reading in bopomofo, apart by a tab, a line each."""
    for number, line in enumerate(_text(folder, name).strip().splitlines(), 1):
        char, _, reading = line.strip().partition("\t")
        if len(char) != 1 or not reading:
            raise damaged(f"line {number} of {name} is no character with a reading.")
        yield char, reading


def _read_spellings(folder: Path) -> dict[str, str]:
    try:
        spellings = json.loads(_text(folder, _SPELLINGS))
    except json.JSONDecodeError as error:
        raise damaged(f"{_SPELLINGS} is no JSON.") from error
    if not isinstance(spellings, dict):
        raise damaged(f"{_SPELLINGS} is no table.")
    return {str(bopomofo): str(pinyin) for bopomofo, pinyin in spellings.items()}


def _text(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text("utf-8")
    except FileNotFoundError:
        raise damaged(f"{name} is missing.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise damaged(f"{name} cannot be read: {error}") from error


def _pinyin(bopomofo: str, spellings: dict[str, str]) -> str | None:
    """`ㄏㄤ2` as `hang2`; None where the table lacks the syllable or the tone is none."""
    syllable, tone = spellings.get(bopomofo[:-1]), bopomofo[-1]
    return syllable + tone if syllable and tone in "12345" else None


def _bad_vocabulary(bert_folder: Path, reason: str) -> BadModelFile:
    return BadModelFile(
        f"{_VOCABULARY} of {bert_folder.name} is damaged: {reason}",
        hint="Delete the folder and run `gsv models pull bert` again.",
    )
