"""A G2PWModel folder with a network of a few numbers, in the form of the real one.

The network has the inputs and the output of the real one, and lets the two neighbours of a
character vote for its reading: score = votes[token before] + votes[token behind] + default of
the character, times the mask. So a wrong place, number or mask shows in the reading.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ray_pipeline.core.pretrained_bases import BERT_FOLDER
from ray_pipeline.text.chinese.g2pw_files import FOLDER

# In traditional characters, each with its readings; the first is the network's default.
READINGS = {
    "行": ("ㄒㄧㄥ2", "ㄏㄤ2"),
    "長": ("ㄔㄤ2", "ㄓㄤ3"),
    "重": ("ㄓㄨㄥ4", "ㄔㄨㄥ2"),
    "好": ("ㄏㄠ3", "ㄏㄠ4"),
    "一": ("ㄧ1", "ㄧ4"),  # the original never asks about this one
}
ONE_READING = {"企": "ㄑㄧ4", "似": "ㄕ4"}  # the second one the original does not believe
SPELLINGS = {
    **{"ㄒㄧㄥ": "xing", "ㄏㄤ": "hang", "ㄔㄤ": "chang", "ㄓㄤ": "zhang", "ㄓㄨㄥ": "zhong"},
    **{"ㄔㄨㄥ": "chong", "ㄏㄠ": "hao", "ㄧ": "yi", "ㄑㄧ": "qi", "ㄕ": "shi"},
}
# A token, and the reading that it makes likely for its neighbours.
VOTES = {
    **{"去": "ㄏㄤ2", "這": "ㄏㄤ2", "大": "ㄓㄤ3", "他": "ㄓㄤ3", "很": "ㄓㄨㄥ4"},
    **{"[CLS]": "ㄔㄨㄥ2", "[SEP]": "ㄔㄨㄥ2", "真": "ㄏㄠ4", "[UNK]": "ㄏㄠ4"},
}
_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_FLOAT, _INT64 = 1, 7


def make_g2pw(models_dir: Path) -> Path:
    """The folder, with a vocabulary in the folder of BERT. Its config.py ends the process."""
    folder = models_dir / FOLDER
    folder.mkdir(parents=True)
    rows = [f"{char}\t{reading}" for char, readings in READINGS.items() for reading in readings]
    (folder / "POLYPHONIC_CHARS.txt").write_text("\n".join(rows) + "\n", "utf-8")
    rows = [f"{char}\t{reading}" for char, reading in ONE_READING.items()]
    (folder / "MONOPHONIC_CHARS.txt").write_text("\n".join(rows) + "\n", "utf-8")
    (folder / "bopomofo_to_pinyin_wo_tune_dict.json").write_text(json.dumps(SPELLINGS), "utf-8")
    (folder / "config.py").write_text("raise SystemExit('config.py was run')\n", "utf-8")
    tokens = [*_MARKS, *(token for token in VOTES if token not in _MARKS), ".", ","]
    _write_vocabulary(models_dir / BERT_FOLDER / "tokenizer.json", tokens)
    (folder / "g2pW.onnx").write_bytes(_network(tokens))
    return folder


def _write_vocabulary(path: Path, tokens: Sequence[str]) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece

    path.parent.mkdir(parents=True, exist_ok=True)
    ids = {token: number for number, token in enumerate(tokens)}
    Tokenizer(WordPiece(vocab=ids, unk_token="[UNK]")).save(str(path))


def _network(tokens: Sequence[str]) -> bytes:
    labels = sorted({reading for readings in READINGS.values() for reading in readings})
    votes = np.ones((len(tokens), len(labels)), np.float32)
    for token, reading in VOTES.items():
        votes[tokens.index(token), labels.index(reading)] = 4
    defaults = np.ones((len(READINGS), len(labels)), np.float32)
    for number, char in enumerate(sorted(READINGS)):
        defaults[number, labels.index(READINGS[char][0])] = 2
    return onnx_model(
        nodes=[
            ("Gather", ["input_ids", "zero"], "tokens"),
            ("Sub", ["position_ids", "one"], "left"),
            ("Add", ["position_ids", "one"], "right"),
            ("Gather", ["tokens", "left"], "token_before"),
            ("Gather", ["tokens", "right"], "token_behind"),
            ("Gather", ["votes", "token_before"], "vote_before"),
            ("Gather", ["votes", "token_behind"], "vote_behind"),
            ("Gather", ["defaults", "char_ids"], "default"),
            ("Add", ["vote_before", "vote_behind"], "both"),
            ("Add", ["both", "default"], "score"),
            ("Mul", ["score", "phoneme_mask"], "probs"),
        ],
        constants={
            "zero": np.array(0, np.int64),
            "one": np.array(1, np.int64),
            "votes": votes,
            "defaults": defaults,
        },
        inputs={
            "input_ids": (_INT64, 2),
            "token_type_ids": (_INT64, 2),
            "attention_mask": (_INT64, 2),
            "phoneme_mask": (_FLOAT, 2),
            "char_ids": (_INT64, 1),
            "position_ids": (_INT64, 1),
        },
        output=("probs", _FLOAT, 2),
    )


def onnx_model(
    *,
    nodes: Sequence[tuple[str, list[str], str]],
    constants: dict[str, np.ndarray],
    inputs: dict[str, tuple[int, int]],
    output: tuple[str, int, int],
) -> bytes:
    """An ONNX file (opset 13), written field by field: the package onnx is no dependency.

    `nodes` are operation, inputs, output; `inputs` and `output` have an element type and a
    number of axes, whose lengths are free.
    """
    graph = b"".join(
        [
            *(_field(1, _node(*node)) for node in nodes),
            _field(2, b"tiny"),
            *(_field(5, _tensor(name, array)) for name, array in constants.items()),
            *(_field(11, _value(name, *kind)) for name, kind in inputs.items()),
            _field(12, _value(*output)),
        ]
    )
    opset = _field(1, b"") + _number(2, 13)
    return _number(1, 8) + _field(7, graph) + _field(8, opset)


def _node(operation: str, inputs: Sequence[str], output: str) -> bytes:
    taken = b"".join(_field(1, name.encode()) for name in inputs)
    return taken + _field(2, output.encode()) + _field(4, operation.encode())


def _tensor(name: str, array: np.ndarray) -> bytes:
    lengths = b"".join(_number(1, length) for length in array.shape)
    kind = _number(2, _FLOAT if array.dtype == np.float32 else _INT64)
    return lengths + kind + _field(8, name.encode()) + _field(9, array.tobytes())


def _value(name: str, kind: int, num_axes: int) -> bytes:
    axes = b"".join(_field(1, _field(2, f"{name}_{axis}".encode())) for axis in range(num_axes))
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, kind) + _field(2, axes)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
