import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ray_pipeline.hub import pulling
from ray_pipeline.weights.archive import load_archive
from serve_app import cli
from tests.hub.hub_server import SmallHub, small_hub

_GOLDEN = Path(__file__).parents[1] / "conformance" / "golden"
_FILES = {
    "model.bin": bytes(range(256)) * 4_000,
    "config.json": b"{}",
    "tokenizer.json": b"{}",
}
_FOLDER = "asr/faster-whisper-large-v3"


@pytest.fixture(autouse=True)
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("GSV_MODELS_DIR", str(folder))
    monkeypatch.setenv("GSV_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallHub]:
    prefixed = {f"faster-whisper-large-v3/{name}": data for name, data in _FILES.items()}
    with small_hub({"XXXXRT/faster-whisper": prefixed}) as found:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", found.url)
        yield found


def gsv(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["models", *arguments], env={"COLUMNS": "200"})


def test_list_names_everything_its_state_and_on_request_the_missing_files() -> None:
    listed = gsv("list")
    assert listed.exit_code == 0
    for name in ("v2ProPlus", "v1", "nano", "bert", "sensevoice", "whisper-large-v3"):
        assert name in listed.output
    assert "6 of 6 files missing" in listed.output
    assert "ready" in listed.output  # nano
    assert "s2Gv2ProPlus.pth" not in listed.output
    assert "missing: v2Pro/s2Gv2ProPlus.pth" in gsv("list", "--files").output


def test_list_says_whether_the_model_of_polyphones_was_put_there(models_dir: Path) -> None:
    assert "G2PWModel (Chinese polyphones, put there by hand): not there" in gsv("list").output
    (models_dir / "G2PWModel").mkdir(parents=True)
    assert "put there by hand): present" in gsv("list").output


def test_pull_shows_what_it_fetches_and_verify_finds_it_whole(
    hub: SmallHub, models_dir: Path
) -> None:
    pulled = gsv("pull", "whisper-large-v3", "--source", "modelscope")
    assert pulled.exit_code == 0, pulled.output
    assert "licence MIT" in pulled.output
    assert f"1/3 {_FOLDER}/model.bin" in pulled.output
    assert f"1/3 {_FOLDER}/model.bin: 100 %" in pulled.output.splitlines()
    assert (models_dir / _FOLDER / "model.bin").read_bytes() == _FILES["model.bin"]
    checked = gsv("verify")
    assert checked.exit_code == 0
    assert checked.output.count("✓") == 3


def test_verify_fails_when_a_file_was_changed(hub: SmallHub, models_dir: Path) -> None:
    gsv("pull", "whisper-large-v3", "--source", "modelscope")
    (models_dir / _FOLDER / "model.bin").write_bytes(b"less")
    checked = gsv("verify", "whisper-large-v3")
    assert checked.exit_code == 1
    assert "4 bytes instead of" in checked.output


def test_verify_without_any_model_says_so() -> None:
    checked = gsv("verify")
    assert checked.exit_code == 0
    assert "Nothing to check" in checked.output


def test_a_base_model_is_pulled_with_bert_unless_it_is_wanted_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pulled: list[str] = []

    def note(name: str, *_: object) -> list[str]:
        pulled.append(name)
        return []

    monkeypatch.setattr(pulling, "pull", note)
    assert gsv("pull", "v2ProPlus").exit_code == 0
    assert gsv("pull", "v2ProPlus", "--alone").exit_code == 0
    assert pulled == ["v2ProPlus", "bert", "v2ProPlus"]


def test_pulling_nano_says_that_it_needs_nothing() -> None:
    assert "needs no files" in gsv("pull", "nano").output


def test_pull_takes_the_hugging_face_endpoint_of_the_environment_and_ends_with_a_sentence(
    models_dir: Path,
) -> None:
    files = {"Systran/faster-whisper-large-v3": _FILES}
    with small_hub(files) as hub:
        # The library reads its variables once, when it is imported: a process of its own.
        environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(models_dir / "hf")}
        program = "import sys; from serve_app.cli import main; sys.argv[1:] = {}; main()"
        for name, status in (("whisper-large-v3", 0), ("bert", 1)):
            command = [sys.executable, "-c", program.format(["models", "pull", name])]
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == status, done.stderr
    assert (models_dir / _FOLDER / "model.bin").is_file()
    assert "is not on the Hugging Face hub" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_convert_goes_both_ways(tmp_path: Path) -> None:
    source = shutil.copy(_GOLDEN / "sample_sovits_v2ProPlus.pth", tmp_path / "voice.pth")
    there = gsv("convert", "voice.pth", "voice.safetensors")
    assert there.exit_code == 0, there.output
    assert "v2ProPlus SoVITS weight" in there.output
    assert gsv("convert", "voice.safetensors", "back.pth").exit_code == 0
    back = load_archive(tmp_path / "back.pth")
    assert back["config"] == load_archive(source)["config"]
    again = gsv("convert", "voice.pth", "voice.safetensors")
    assert again.exit_code == 1
    assert "exists" in str(again.exception)
    assert gsv("convert", "voice.pth", "voice.safetensors", "--force").exit_code == 0
