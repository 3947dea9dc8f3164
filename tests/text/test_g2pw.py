from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_pipeline.core.errors import BackendMissing, BadModelFile, PipelineError
from ray_pipeline.core.pretrained_bases import BERT_FOLDER
from ray_pipeline.text import phonemize, phonemize_language
from ray_pipeline.text.chinese.g2pw import G2PW, has_g2pw, load_polyphones
from ray_pipeline.text.chinese.g2pw_files import FOLDER, read_tables
from ray_pipeline.text.phones import Polyphones
from tests.tiny_g2pw import make_g2pw, onnx_model


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_g2pw(folder)
    return folder


@pytest.fixture(scope="module")
def polyphones(models_dir: Path) -> Polyphones:
    return G2PW(models_dir / FOLDER, models_dir / BERT_FOLDER)


def say(text: str, polyphones: Polyphones | None = None, **options: object) -> str:
    return " ".join(phonemize_language(text, "zh", polyphones=polyphones, **options).phones)


def test_without_its_folder_there_is_none(tmp_path: Path) -> None:
    assert load_polyphones(tmp_path, tmp_path / BERT_FOLDER) is None
    assert not has_g2pw(tmp_path)


def test_one_model_serves_a_whole_process_and_is_noticed_when_it_comes(tmp_path: Path) -> None:
    assert load_polyphones(tmp_path, tmp_path / BERT_FOLDER) is None
    make_g2pw(tmp_path)
    found = load_polyphones(tmp_path, tmp_path / BERT_FOLDER)
    assert found is not None
    assert load_polyphones(tmp_path, tmp_path / BERT_FOLDER) is found


@pytest.mark.parametrize(
    ("text", "alone", "in_context"),
    [
        ("这行。", "zh e4 x ing2 .", "zh e4 h ang2 ."),  # asked of the neighbour before
        ("行去", "x ing2 q v4", "h ang2 q v4"),  # and behind
        ("我行", "w o3 x ing2", "w o3 x ing2"),
        ("这行很重，这行", "zh e4 x ing2", "zh e4 h ang2"),
    ],
)
def test_what_the_model_chooses_is_said(
    polyphones: Polyphones, text: str, alone: str, in_context: str
) -> None:
    assert say(text).startswith(alone)
    assert say(text, polyphones).startswith(in_context)


def test_each_character_of_a_sentence_is_asked_about_by_itself(polyphones: Polyphones) -> None:
    assert polyphones(["这行他长。", "真好,"]) == [
        ["zhe4", "hang2", "ta1", "zhang3", None],
        ["zhen1", "hao4", None],
    ]


def test_a_mark_ends_what_the_model_is_shown_and_belongs_to_it(polyphones: Polyphones) -> None:
    # [SEP] behind 重 would make it chong2; the mark stands between.
    assert polyphones(["重"]) == [["chong2"]]
    shown: list[str] = []

    def listen(sentences: Sequence[str]) -> list[list[str | None]]:
        shown.extend(sentences)
        return polyphones(sentences)

    phonemize_language("很重。是吗？！好", "zh", polyphones=listen)
    assert shown == ["很重.", "是吗?", "好"]


def test_characters_are_looked_up_as_taiwan_writes_them(
    polyphones: Polyphones, models_dir: Path
) -> None:
    # The table has only the traditional 長.
    assert "长" not in read_tables(models_dir / FOLDER).choices
    assert polyphones(["他长"]) == [["ta1", "zhang3"]]


def test_words_of_the_dictionary_stay_as_they_are(polyphones: Polyphones) -> None:
    assert polyphones(["这行走"])[0][1] == "hang2"
    assert say("行走去", polyphones).startswith("x ing2 z ou3")


def test_characters_with_one_reading_take_it_from_the_folder(polyphones: Polyphones) -> None:
    assert polyphones(["企去"]) == [["qi4", "qu4"]]
    # These two are left to pypinyin, as in the original.
    assert polyphones(["相似", "一去"]) == [["xiang1", "si4"], ["yi1", "qu4"]]


def test_tones_change_by_the_reading_that_was_chosen(polyphones: Polyphones) -> None:
    assert say("一重很", polyphones).startswith("y i2 zh ong4")
    assert say("一重", polyphones) == "y i4 ch ong2"
    # Two third tones meet, or not.
    assert say("他长满", polyphones) == "t a1 zh ang2 m an3"
    assert say("长满", polyphones) == "ch ang2 m an3"
    assert say("这行儿", polyphones).endswith("h ang2 EE er2")
    assert say("去行的", polyphones).endswith("d e5")


def test_own_pronunciations_win_and_are_context_for_the_others(polyphones: Polyphones) -> None:
    own = {"行": ["x", "ing4"], "这": ["zh", "ei4"]}
    assert say("这行去", polyphones, dictionary=own) == "zh ei4 x ing4 q v4"
    assert say("这行", polyphones, dictionary={"这": ["zh", "ei4"]}) == "zh ei4 h ang2"
    spoken = phonemize_language("这行去", "zh", polyphones=polyphones, dictionary=own)
    assert spoken.word2ph == [2, 2, 2]


def test_every_mode_hands_its_chinese_to_the_model(polyphones: Polyphones) -> None:
    for read in (
        phonemize("这行。我", "zh", polyphones=polyphones),
        phonemize("这行。我", "中文", polyphones=polyphones),
        phonemize("这行。我", "all_zh", polyphones=polyphones),
        phonemize_language("这行。我", "zh", polyphones=polyphones),
    ):
        assert " ".join(read.phones) == "zh e4 h ang2 . w o3"


def test_base_v1_was_never_taught_by_the_model(polyphones: Polyphones) -> None:
    assert say("这行", polyphones, symbols="v1") == "zh e4 x ing2"


def test_the_network_is_opened_for_nothing_less_than_a_polyphone(tmp_path: Path) -> None:
    make_g2pw(tmp_path)
    (tmp_path / FOLDER / "g2pW.onnx").write_bytes(b"damaged")
    (tmp_path / BERT_FOLDER / "tokenizer.json").unlink()
    model = G2PW(tmp_path / FOLDER, tmp_path / BERT_FOLDER)
    assert model(["今天我们去学校。"])[0][:2] == ["jin1", "tian1"]
    assert say("今天我们去学校", model) == say("今天我们去学校")


def test_a_sentence_beyond_the_model_is_shown_in_parts(polyphones: Polyphones) -> None:
    sentence = "这行" + "我" * 700 + "他长" + "我" * 700 + "真好"
    [readings] = polyphones([sentence])
    asked = [readings[place] for place in (1, 703, 1405)]
    assert asked == ["hang2", "zhang3", "hao4"]


def test_far_words_are_not_shown(models_dir: Path) -> None:
    model = G2PW(models_dir / FOLDER, models_dir / BERT_FOLDER)
    shown = Recorder(model._network)
    model.__dict__["_network"] = shown
    model(["我" * 40 + "行" + "我" * 5 + "长" + "我" * 40])
    [given] = shown.calls
    # Sixteen characters on both sides, two polyphones and five between, two marks of BERT.
    assert given["input_ids"].shape == given["attention_mask"].shape == (1, 16 + 7 + 16 + 2)
    assert given["position_ids"].tolist() == [17, 23]
    assert given["char_ids"].tolist() == [2, 4]  # by code point: 一 好 行 重 長


class Recorder:
    def __init__(self, network: object) -> None:
        self.network, self.calls = network, []

    def run(self, names: object, given: dict) -> object:
        self.calls.append(given)
        return self.network.run(names, given)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("g2pW.onnx", None, "g2pW.onnx is missing"),
        ("g2pW.onnx", b"", "cannot be loaded"),
        ("g2pW.onnx", b"no network", "cannot be loaded"),
        ("POLYPHONIC_CHARS.txt", None, "POLYPHONIC_CHARS.txt is missing"),
        ("POLYPHONIC_CHARS.txt", "行\tㄒㄧㄥ2\n行走\n".encode(), "line 2 of POLYPHONIC_CHARS"),
        ("MONOPHONIC_CHARS.txt", None, "MONOPHONIC_CHARS.txt is missing"),
        ("MONOPHONIC_CHARS.txt", b"\xff\xfe\x00", "MONOPHONIC_CHARS.txt cannot be read"),
        ("bopomofo_to_pinyin_wo_tune_dict.json", None, "is missing"),
        ("bopomofo_to_pinyin_wo_tune_dict.json", b"{", "is no JSON"),
        ("bopomofo_to_pinyin_wo_tune_dict.json", b"[]", "is no table"),
    ],
)
def test_a_damaged_folder_is_named(
    tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    path = make_g2pw(tmp_path) / name
    path.unlink() if content is None else path.write_bytes(content)
    model = load_polyphones(tmp_path, tmp_path / BERT_FOLDER)
    with pytest.raises(BadModelFile, match=f"G2PWModel is damaged: .*{re.escape(reason)}"):
        say("这行", model)


def test_a_truncated_network_is_named(tmp_path: Path) -> None:
    path = make_g2pw(tmp_path) / "g2pW.onnx"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadModelFile, match=r"g2pW\.onnx"):
        say("这行", load_polyphones(tmp_path, tmp_path / BERT_FOLDER))


def test_a_network_with_other_inputs_is_named(tmp_path: Path) -> None:
    other = onnx_model(
        nodes=[("Identity", ["x"], "y")],
        constants={},
        inputs={"x": (1, 2)},
        output=("y", 1, 2),
    )
    (make_g2pw(tmp_path) / "g2pW.onnx").write_bytes(other)
    with pytest.raises(BadModelFile, match="another network"):
        say("这行", load_polyphones(tmp_path, tmp_path / BERT_FOLDER))


def test_a_table_of_another_release_is_named(tmp_path: Path) -> None:
    table = make_g2pw(tmp_path) / "POLYPHONIC_CHARS.txt"
    table.write_text(table.read_text("utf-8") + "行\tㄏㄤ4\n", "utf-8")
    with pytest.raises(BadModelFile, match="damaged"):
        say("这行", load_polyphones(tmp_path, tmp_path / BERT_FOLDER))


def test_the_vocabulary_of_bert_is_asked_for_by_name(tmp_path: Path) -> None:
    make_g2pw(tmp_path)
    vocabulary = tmp_path / BERT_FOLDER / "tokenizer.json"
    content = json.loads(vocabulary.read_text("utf-8"))
    for damaged in ("{", json.dumps(content | {"model": content["model"] | {"vocab": {"我": 0}}})):
        vocabulary.write_text(damaged, "utf-8")
        with pytest.raises(BadModelFile, match=r"tokenizer\.json of chinese-roberta"):
            say("这行", G2PW(tmp_path / FOLDER, tmp_path / BERT_FOLDER))
    vocabulary.unlink()
    with pytest.raises(BackendMissing, match="gsv models pull bert"):
        say("这行", G2PW(tmp_path / FOLDER, tmp_path / BERT_FOLDER))


def test_it_is_read_without_running_or_fetching_anything(models_dir: Path) -> None:
    # The folder's config.py would end the process.
    code = f"""
import socket
def refuse(*args, **kwargs): raise AssertionError("a download")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from pathlib import Path
from ray_pipeline.text import phonemize_language
from ray_pipeline.text.chinese.g2pw import load_polyphones
models = Path({str(models_dir)!r})
model = load_polyphones(models, models / {BERT_FOLDER!r})
print(*phonemize_language("这行", "zh", polyphones=model).phones)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "zh e4 h ang2\n", result.stderr
    assert "config" not in {path.stem for path in models_dir.rglob("*.pyc")}


_HANZI = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)


@given(st.text(st.one_of(st.sampled_from("行长重好一这去。，…嗯儿"), _HANZI), max_size=30))
@settings(max_examples=50, deadline=None)
def test_any_text_is_read_or_refused_by_name(polyphones: Polyphones, text: str) -> None:
    try:
        spoken = phonemize_language(text, "zh", polyphones=polyphones)
    except PipelineError:
        return
    assert spoken.word2ph is not None
    assert sum(spoken.word2ph) == len(spoken.phones)
    assert len(spoken.word2ph) == len(spoken.norm_text)
    assert spoken.norm_text == phonemize_language(text, "zh").norm_text
