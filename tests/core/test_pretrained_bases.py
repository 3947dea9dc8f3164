import subprocess
import sys
from pathlib import Path

import pytest

from ray_pipeline.core.errors import BackendMissing, InvalidInput
from ray_pipeline.core.pretrained_bases import (
    BASE_MODELS,
    BERT_FILES,
    choose_base,
    has_bert,
    missing_files,
    what_training_lacks,
)
from ray_pipeline.models.mini.config import LANGUAGES as MINI_LANGUAGES


def lay_out(models_dir: Path, name: str) -> None:
    for file in BASE_MODELS[name].files:
        path = models_dir / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize("folder", ["", "absent"])
@pytest.mark.parametrize("language", ["en", "zh", "auto"])
def test_auto_is_mini_when_no_large_base_is_there(
    tmp_path: Path, folder: str, language: str
) -> None:
    choice = choose_base("auto", language, tmp_path / folder)
    assert choice.name == "mini"
    assert "gsv models pull v2ProPlus" in choice.reason


def test_auto_is_nano_for_what_mini_does_not_speak_and_says_what_that_means(
    tmp_path: Path,
) -> None:
    choice = choose_base("auto", "ja", tmp_path)
    assert choice.name == "nano"
    assert "mini, which comes with the project, does not speak ja" in choice.reason
    assert "nobody understands" in choice.reason


@pytest.mark.parametrize("language", ["ja", "ko", "yue"])
def test_mini_is_refused_for_a_language_that_it_was_not_taught(
    tmp_path: Path, language: str
) -> None:
    with pytest.raises(InvalidInput, match=f"does not speak {language}"):
        choose_base("mini", language, tmp_path)


def test_the_table_knows_which_languages_mini_was_taught() -> None:
    assert BASE_MODELS["mini"].languages == MINI_LANGUAGES


def test_auto_takes_the_best_base_model_that_is_complete(tmp_path: Path) -> None:
    lay_out(tmp_path, "v2")
    assert choose_base("auto", "zh", tmp_path).name == "v2"
    lay_out(tmp_path, "v2ProPlus")
    assert choose_base("auto", "zh", tmp_path).name == "v2ProPlus"


def test_auto_passes_over_a_base_model_with_one_file_missing(tmp_path: Path) -> None:
    lay_out(tmp_path, "v2ProPlus")
    (tmp_path / "s1v3.ckpt").unlink()
    assert choose_base("auto", "en", tmp_path).name == "mini"


def test_a_named_base_model_with_missing_files_says_which_and_how_to_get_them(
    tmp_path: Path,
) -> None:
    lay_out(tmp_path, "v2Pro")
    (tmp_path / "sv/pretrained_eres2netv2w24s4ep4.ckpt").unlink()
    with pytest.raises(BackendMissing) as caught:
        choose_base("v2Pro", "en", tmp_path)
    assert caught.value.extra["missing"] == ["sv/pretrained_eres2netv2w24s4ep4.ckpt"]
    assert "gsv models pull v2Pro" in caught.value.hint


def test_hubert_weights_may_be_safetensors(tmp_path: Path) -> None:
    lay_out(tmp_path, "v1")
    weights = tmp_path / "chinese-hubert-base/pytorch_model.bin"
    weights.rename(weights.with_name("model.safetensors"))
    assert missing_files("v1", tmp_path) == []


def test_bert_is_needed_by_no_base_model(tmp_path: Path) -> None:
    lay_out(tmp_path, "v2ProPlus")
    assert choose_base("v2ProPlus", "zh", tmp_path).name == "v2ProPlus"
    assert not has_bert(tmp_path)


def test_only_versions_with_a_speaker_vector_need_the_speaker_encoder() -> None:
    with_speaker = {name for name, row in BASE_MODELS.items() if row.speaker_dim is not None}
    assert with_speaker == {"v2ProPlus", "v2Pro", "nano", "mini"}
    for row in BASE_MODELS.values():
        assert (row.speaker_encoder is None) == (row.speaker_dim is None)


def test_an_unknown_base_model_is_refused_with_the_list(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="v2ProPlus"):
        choose_base("v9", "en", tmp_path)


def test_the_table_is_read_without_torch() -> None:
    code = "import sys, ray_pipeline.core.pretrained_bases; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_chinese_without_its_text_model_is_said_and_other_languages_are_not(tmp_path: Path) -> None:
    (warning,) = what_training_lacks("v2", "zh", tmp_path)
    assert "gsv models pull bert" in warning
    assert what_training_lacks("v2", "en", tmp_path) == []
    for file in BERT_FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert what_training_lacks("v2", "zh", tmp_path) == []


def test_mini_never_uses_the_chinese_text_model_so_it_does_not_lack_it(tmp_path: Path) -> None:
    assert what_training_lacks("mini", "zh", tmp_path) == []
