import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ray_pipeline.asr import fun_asr_nano, funasr
from ray_pipeline.asr.backends import choose_recogniser
from ray_pipeline.audio.denoising import FRCRN_FILES, FRCRN_FOLDER
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.pretrained_bases import BASE_MODELS, BERT_FILES
from ray_pipeline.hub.catalogue import CATALOGUE, KNOWN, Source, entry, with_companions


@pytest.mark.parametrize("name", BASE_MODELS)
def test_a_base_model_can_be_pulled_with_exactly_the_files_that_it_needs(name: str) -> None:
    assert set(entry(name).paths) == set(BASE_MODELS[name].files)


def test_bert_comes_with_a_pretrained_base_as_chinese_is_trained_with_it() -> None:
    for name, row in BASE_MODELS.items():
        names = [one.name for one in with_companions(name)]
        assert names == ([name, "bert"] if row.is_pretrained else [name])
    assert [one.name for one in with_companions("sensevoice")] == ["sensevoice"]


def test_nothing_is_known_of_files_that_nobody_needs() -> None:
    needed = {path for row in BASE_MODELS.values() for path in row.files} | set(BERT_FILES)
    assert set(KNOWN) == needed


def test_every_checksum_is_a_sha256_and_no_two_files_share_one() -> None:
    checksums = [known.sha256 for known in KNOWN.values() if known.sha256]
    assert all(re.fullmatch("[0-9a-f]{64}", checksum) for checksum in checksums)
    assert len(set(checksums)) == len(checksums) >= 8


def test_folders_of_recognisers_are_those_that_recognition_looks_for() -> None:
    folders = {part.folder for row in CATALOGUE.values() for part in row.parts if part.folder}
    wanted = {funasr.SENSE_VOICE, funasr.PARAFORMER, funasr.VAD, funasr.PUNCTUATION}
    wanted |= {"faster-whisper-large-v3", "faster-whisper-large-v3-turbo", fun_asr_nano.FOLDER}
    wanted |= {"whisper-large-v3", "whisper-large-v3-turbo"}
    assert folders == {f"asr/{folder}" for folder in wanted} | {f"denoise/{FRCRN_FOLDER}"}


def test_a_denoiser_is_ready_with_the_files_that_are_pulled() -> None:
    assert entry("frcrn").paths == tuple(f"denoise/{FRCRN_FOLDER}/{file}" for file in FRCRN_FILES)


def test_a_pulled_recogniser_is_found_by_recognition(tmp_path: Path) -> None:
    for path in entry("sensevoice").paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert entry("sensevoice").missing(tmp_path) == []
    assert funasr.folder_for(tmp_path, "ja") == tmp_path / "asr/SenseVoiceSmall"


@pytest.mark.parametrize("name", ["whisper-large-v3-turbo-hf", "fun-asr-nano"])
def test_a_pulled_folder_is_known_by_its_files(name: str, tmp_path: Path) -> None:
    for path in entry(name).paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    model_type = "fun_asr_nano" if name == "fun-asr-nano" else "whisper"
    folder = tmp_path / entry(name).parts[0].folder
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    assert choose_recogniser("auto", tmp_path, "en").model_folder == str(folder)


def test_everything_but_what_comes_along_can_be_had_somewhere_under_a_named_licence() -> None:
    for row in CATALOGUE.values():
        assert bool(row.parts) == (row.name not in ("nano", "mini"))
        assert row.sources
        assert row.licences
        assert not row.parts or row.about_bytes > 10_000_000


def test_the_ids_of_the_original_name_the_same_recognisers() -> None:
    assert entry("iic/SenseVoiceSmall").name == "sensevoice"
    assert entry("Systran/faster-whisper-large-v3").name == "whisper-large-v3"
    assert entry("damo/speech_frcrn_ans_cirm_16k").name == "frcrn"
    assert entry("openai/whisper-large-v3").name == "whisper-large-v3-hf"
    assert entry("FunAudioLLM/Fun-ASR-Nano-2512-hf").name == "fun-asr-nano"
    paraformer = "iic/speech_paraformer-large_asr_nat-zh-cn-16k-common-vocab8404-pytorch"
    assert entry(paraformer).name == "paraformer"
    assert entry("paraformer").sources == [Source.modelscope]


def test_the_page_on_models_has_every_entry_and_every_file_with_its_checksum() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    for row in CATALOGUE.values():
        assert row.name in page
    for path, known in KNOWN.items():
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{path}`")]
        assert known.sha256 is None or known.sha256[:12] in line


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"v2ProPlus.*whisper-large-v3"):
        entry("v9")


def test_the_catalogue_and_pulling_are_imported_without_torch() -> None:
    code = "import sys, ray_pipeline.hub.pulling; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
