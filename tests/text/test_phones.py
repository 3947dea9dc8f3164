from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.text import phonemize_language, supported_languages
from ray_pipeline.text.symbols import symbol_table
from tests.conformance.text_cases import THRESHOLDS, score_file

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "conformance" / "text"


_FILES = sorted(file for file in GOLDEN.glob("*.jsonl") if file.stem not in ("mixed", "cut"))


# The more_* files are further answers of the same front end (README.md beside them).
@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_phones_agree_with_the_reference(file: Path) -> None:
    language, score = score_file(file)
    assert file.stem.removeprefix("more_") == language
    assert score.passes(THRESHOLDS[language]), "\n".join(score.differing)


def test_ids_are_places_in_the_table() -> None:
    spoken = phonemize_language("hello", "en")
    table = list(symbol_table("v2"))
    assert [table[number] for number in spoken.ids] == spoken.phones


def test_the_first_table_begins_the_second() -> None:
    first, second = list(symbol_table("v1")), list(symbol_table("v2"))
    assert (len(first), len(second)) == (322, 732)
    assert second[:322] == first


def test_a_language_that_the_first_table_cannot_say_becomes_unknown_and_is_reported() -> None:
    spoken = phonemize_language("你好", "yue", symbols="v1")
    assert spoken.phones == ["UNK"] * 4
    assert len(spoken.unknown) == 4


def test_an_unknown_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="zh, en") as caught:
        phonemize_language("hola", "es")
    assert caught.value.extra["field"] == "language"


def test_an_unknown_symbol_table_is_refused() -> None:
    with pytest.raises(InvalidInput, match="v1, v2"):
        phonemize_language("hello", "en", symbols="v9")


@pytest.mark.parametrize("language", supported_languages())
def test_half_a_character_is_refused(language: str) -> None:
    with pytest.raises(InvalidInput, match="half of a character"):
        phonemize_language("a\ud800", language)


def test_importing_loads_no_language() -> None:
    heavy = ("nltk", "jieba", "pypinyin", "pyopenjtalk", "g2pk2", "ToJyutping", "numpy", "torch")
    code = (
        f"import sys, ray_pipeline.text; print([name for name in {heavy} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_reading_english_loads_no_statistics() -> None:
    """NLTK's import alone would load these; each worker would wait two seconds for it."""
    code = (
        "import sys, ray_pipeline.text as text; text.phonemize_language('25 words read', 'en');"
        "print([name for name in ('nltk', 'scipy', 'sklearn', 'pandas') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_no_sentence_of_the_golden_files_is_in_the_program() -> None:
    import json

    package = Path(__file__).parents[2] / "ray_pipeline"
    program = "\n".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    sentences = {
        json.loads(line)["text"]
        for file in GOLDEN.glob("*.jsonl")
        for line in file.read_text("utf-8").splitlines()
    }
    assert [text for text in sentences if len(text) > 12 and text in program] == []


def test_every_language_is_read_without_a_network_and_without_a_word_on_stdout() -> None:
    code = """
import socket
def refuse(*args, **kwargs): raise AssertionError("a download")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from ray_pipeline.text import phonemize_language, phonemize
texts = {"zh": "你好", "en": "hi blorfnak touchscreens", "ja": "はい", "ko": "네", "yue": "好"}
for language, text in texts.items():
    assert phonemize_language(text, language).phones
assert phonemize("你好 hello こんにちは", "auto").phones
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
