import json
from pathlib import Path

import pytest

from ray_pipeline.clips.extractors import load_tensor
from ray_pipeline.core.errors import BadModelFile, InvalidInput
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.steps.extract_text_features import name2text_line
from ray_pipeline.text import phonemize
from tests.steps.feature_task import FeatureTask, make_task
from tests.tiny_bert import make_bert
from tests.tiny_g2pw import make_g2pw

STEP = StepName.EXTRACT_TEXT_FEATURES


@pytest.fixture
def task(tmp_path: Path) -> FeatureTask:
    return make_task(tmp_path, workers=1)


def rows(task: FeatureTask) -> dict[str, list[str]]:
    content = task.experiment.phones_table.read_text("utf-8")
    assert content.endswith("\n")
    table = [line.split("\t") for line in content.splitlines()]
    return {row[0]: row[1:] for row in table}


@pytest.mark.usefixtures("ray_cluster")
def test_each_clip_has_a_row_that_changes_with_its_transcript_only(tmp_path: Path) -> None:
    task = make_task(tmp_path, workers=2)
    result = task.run(STEP)
    before = rows(task)
    assert sorted(before) == task.clips
    for clip, (phones, word2ph, text) in before.items():
        expected = phonemize(task.transcripts[clip].text, "en")
        assert phones.split(" ") == expected.phones
        assert (word2ph, text) == ("None", expected.norm_text)
    assert (result.summary["clips"], result.summary["workers"]) == (4, 2)
    assert task.progress.advances[-1][:2] == (4, 4)

    changed, excluded, silent, kept = task.clips
    task.edit(changed, text="Something else.")
    task.edit(excluded, include=False)
    task.edit(silent, text="🎙 🎙")
    result = task.run(STEP)
    after = rows(task)
    assert sorted(after) == [changed, kept]
    assert after[changed][2] == phonemize("Something else.", "en").norm_text
    assert after[kept] == before[kept]
    assert result.summary["unchanged"] == 1
    # Nothing is left out silently.
    assert [entry["name"] for entry in result.summary["set_aside"]] == [silent]
    assert "read aloud" in result.warnings[0]
    assert task.progress.warnings[0][0] == silent


def test_a_row_has_the_original_form_for_chinese() -> None:
    details = {"phones": "n i3 h ao3 .", "word2ph": [2, 2, 1], "norm_text": "你好."}
    line = name2text_line(ClipEntry("a.wav", "", details=details))
    assert line == "a.wav\tn i3 h ao3 .\t[2, 2, 1]\t你好.\n"


@pytest.mark.usefixtures("ray_cluster")
def test_own_pronunciations_win_and_concern_only_clips_that_have_the_word(
    task: FeatureTask,
) -> None:
    written, spelled, *others = task.clips
    task.edit(written, text="We listened to Ray.")
    task.edit(spelled, text="我有3个苹果。", language="zh")
    task.run(STEP)
    before = rows(task)
    # The second word is there only once the text is spelled out.
    dictionary = task.workspace.input_audio / "names.dict"
    dictionary.write_text("Ray\tR AY1\n三个\ts an4 g e4\n", "utf-8")
    again = task.run(STEP)
    after = rows(task)
    assert after[written][0] != before[written][0]
    assert "R AY1" in after[written][0]
    assert "s an1 g e5" in before[spelled][0]
    assert "s an4 g e4" in after[spelled][0]
    assert again.summary["unchanged"] == len(others)
    assert [after[clip] for clip in others] == [before[clip] for clip in others]
    assert task.run(STEP).summary["unchanged"] == 4
    dictionary.unlink()
    task.run(STEP)
    assert rows(task) == before


@pytest.mark.parametrize("line", ["alone", "Ray\tR XX"])
def test_a_bad_line_of_a_dictionary_is_named_with_its_file(task: FeatureTask, line: str) -> None:
    (task.workspace.input_audio / "Names.DICT").write_text(f"# mine\n{line}\n", "utf-8")
    with pytest.raises(InvalidInput, match=r"Line 2 of Names\.DICT") as refused:
        task.run(STEP)
    assert "Remove the file (input_audio/Names.DICT)" in refused.value.hint


@pytest.mark.usefixtures("ray_cluster")
def test_chinese_has_features_of_the_model_that_is_present(task: FeatureTask) -> None:
    chinese, foreign, *_ = task.clips
    task.config = task.config.model_copy(update={"strict_compat": True})
    task.edit(chinese, text="你好,世界。", language="zh")
    task.edit(foreign, text="我们喜欢GPT,100%。", language="zh")
    without = task.run(STEP)
    assert not task.experiment.bert.exists()
    assert any("without BERT features" in warning for warning in without.warnings)
    make_bert(task.models_dir, width=24)
    result = task.run(STEP)
    assert result.summary["bert"] is True
    assert result.summary["unchanged"] == 2
    for clip in (chinese, foreign):
        phones, word2ph, text = rows(task)[clip]
        features = load_tensor(task.experiment.bert / f"{clip}.pt")
        assert features.shape == (24, len(phones.split()))
        assert sum(json.loads(word2ph)) == len(phones.split())
        assert len(json.loads(word2ph)) == len(text)
    assert len(list(task.experiment.bert.iterdir())) == 2
    # The original never says the sign in training either; nothing is lost in silence.
    assert rows(task)[foreign][2].startswith("我们喜欢,")
    [warning] = [warning for warning in result.warnings if warning.startswith(foreign)]
    assert warning.startswith(f"{foreign}: 'GPT', '100%' cannot be read aloud as written")

    # Read as it is spoken, its English has phones too, which belong to no character.
    task.config = task.config.model_copy(update={"strict_compat": False})
    task.run(STEP)
    phones, word2ph, _ = rows(task)[foreign]
    assert (word2ph, "IY1" in phones.split()) == ("None", True)
    features = load_tensor(task.experiment.bert / f"{foreign}.pt")
    assert features.shape == (24, len(phones.split()))


@pytest.mark.usefixtures("ray_cluster")
def test_chinese_clips_are_read_anew_when_the_polyphone_model_comes(task: FeatureTask) -> None:
    chinese, *others = task.clips
    task.edit(chinese, text="这行。", language="zh")
    task.run(STEP)
    before, digest = rows(task), Manifest.load(task.workspace, STEP).digest()
    assert before[chinese][0] == ". zh e4 x ing2 ."
    make_g2pw(task.models_dir)
    result = task.run(STEP)
    assert result.summary["g2pw"] is True
    assert result.summary["unchanged"] == len(others)
    assert rows(task)[chinese][0] == ". zh e4 h ang2 ."
    manifest = Manifest.load(task.workspace, STEP)
    assert (manifest.versions["g2pw"], manifest.details["chinese_clips"]) == ("True", 1)
    # What was trained on it is stale then.
    assert manifest.digest() != digest


@pytest.mark.usefixtures("ray_cluster")
def test_a_damaged_polyphone_model_ends_the_step_and_no_clip_is_blamed(task: FeatureTask) -> None:
    (make_g2pw(task.models_dir) / "g2pW.onnx").unlink()
    task.edit(task.clips[0], text="这行。", language="zh")
    with pytest.raises(BadModelFile, match=r"g2pW\.onnx is missing"):
        task.run(STEP)
