import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ray_pipeline.core.errors import BadModelFile, InvalidInput
from ray_pipeline.text import phonemize
from serve_app import cli
from tests.tiny_g2pw import make_g2pw


def post(client: TestClient, **body: Any) -> Any:
    headers = {"content-type": "application/json"}  # escaped, so that any text can be sent
    return client.post("/api/v1/text/phonemize", content=json.dumps(body), headers=headers)


def test_a_mixed_text_is_answered_with_its_parts(client: TestClient) -> None:
    answer = post(client, text="我们喜欢GPT🎙。", language="zh")
    assert answer.status_code == 200, answer.text
    found, expected = answer.json(), phonemize("我们喜欢GPT🎙。", "zh")
    assert found["norm_text"] == expected.norm_text
    assert (found["phones"], found["ids"]) == (expected.phones, expected.ids)
    assert found["unknown"] == ["🎙"]
    assert found["word2ph"] is None
    parts = [(part["language"], part["norm_text"], part["word2ph"]) for part in found["parts"]]
    assert parts[0] == ("zh", "我们喜欢", [2, 2, 2, 2])
    assert parts[1][0] == "en"


def test_correct_readings_and_the_older_table_can_be_asked_for(client: TestClient) -> None:
    compatible = post(client, text="我有￥100。", language="中文", strict_compat=True).json()
    correct = post(client, text="我有￥100。", language="中文").json()
    assert "一百元" in correct["norm_text"]
    assert "一百元" not in compatible["norm_text"]
    older = post(client, text="你好 안녕하세요", language="auto", symbols="v1").json()
    assert older["unknown"]
    assert set(older["phones"]) & {"UNK"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "a" * 2001}, "text"),
        ({"text": "  "}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"language": "fr"}, "language"),
        ({"language": None}, "language"),
        ({"symbols": "v3"}, "symbols"),
        ({"no_such": 1}, "no_such"),
    ],
)
def test_what_cannot_be_read_is_refused_by_field(
    client: TestClient, changes: dict[str, Any], field: str
) -> None:
    answer = post(client, **({"text": "Hello there.", "language": "zh"} | changes))
    assert answer.status_code == 422
    assert answer.json()["field"] == field


def test_the_answer_uses_the_polyphone_model_as_soon_as_it_is_there(
    client: TestClient, tmp_path: Path
) -> None:
    def phones() -> str:
        return " ".join(post(client, text="这行。", language="zh").json()["phones"])

    assert "zh e4 x ing2" in phones()
    folder = make_g2pw(tmp_path / "models")
    assert "zh e4 h ang2" in phones()
    rows = client.get("/api/v1/capabilities").json()["base_models"]
    assert {row["chinese_g2pw"] for row in rows} == {True}
    folder.rename(folder.with_name("elsewhere"))
    assert "zh e4 x ing2" in phones()


def test_a_damaged_polyphone_model_is_a_named_error(client: TestClient, tmp_path: Path) -> None:
    (make_g2pw(tmp_path / "models") / "g2pW.onnx").write_bytes(b"")
    answer = post(client, text="这行。", language="zh")
    assert answer.json()["code"] == "bad_model_file"
    assert "G2PWModel is damaged" in answer.json()["detail"]
    assert post(client, text="我们", language="zh").status_code == 200


def gsv_text(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["text", *arguments])


def test_the_command_shows_words_phones_and_what_is_lost() -> None:
    shown = gsv_text("我有3个[GPT]🎙，привет。", "--language", "zh").output.splitlines()
    assert shown[0] == "zh: 我有三个"
    assert shown[1].split()[:2] == ["w", "o2"]
    assert shown[-1] == "not understood: 🎙, привет"


def test_the_command_reads_as_the_original_does_on_request() -> None:
    assert "five kilograms" in gsv_text("It weighs 5kg.", "-l", "en").output
    assert "fivekg" in gsv_text("It weighs 5kg.", "-l", "en", "--strict-compat").output


def test_the_command_takes_own_pronunciations(tmp_path: Path) -> None:
    words = tmp_path / "names.dict"
    words.write_text("Ray\tR AY1\n", "utf-8")
    shown = gsv_text("Hello Ray, hello.", "-l", "en", "-d", str(words))
    assert "R AY1" in shown.output
    words.write_text("Ray\n", "utf-8")
    refused = gsv_text("Hello Ray, hello.", "-l", "en", "-d", str(words))
    assert isinstance(refused.exception, InvalidInput)
    assert "Line 1 of names.dict" in str(refused.exception)


def test_the_command_asks_the_polyphone_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GSV_MODELS_DIR", str(tmp_path))
    assert "x ing2" in gsv_text("这行。", "-l", "zh").output
    folder = make_g2pw(tmp_path)
    assert "h ang2" in gsv_text("这行。", "-l", "zh").output
    (folder / "MONOPHONIC_CHARS.txt").unlink()
    (tmp_path / "again").mkdir()
    folder.rename(tmp_path / "again" / "G2PWModel")
    monkeypatch.setenv("GSV_MODELS_DIR", str(tmp_path / "again"))
    refused = gsv_text("这行。", "-l", "zh")
    assert isinstance(refused.exception, BadModelFile)


def test_the_command_guesses_the_language_and_takes_the_older_table() -> None:
    shown = gsv_text("안녕하세요 여러분").output
    assert shown.startswith("ko: 안녕하세요 여러분")
    assert "not understood" not in shown
    assert "not understood" in gsv_text("你好 안녕하세요", "--symbols", "v1").output


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["Hello.", "-l", "fr"], "language mode"),
        (["  ", "-l", "zh"], "nothing that can be read"),
        (["Hello.", "-l", "en", "--symbols", "v9"], "v1, v2"),
    ],
)
def test_the_command_refuses_by_name(arguments: list[str], named: str) -> None:
    refused = gsv_text(*arguments)
    assert isinstance(refused.exception, InvalidInput)
    assert named in str(refused.exception)
