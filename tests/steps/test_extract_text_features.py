from pathlib import Path

import pytest

from ray_pipeline.manifest import ClipEntry
from ray_pipeline.step_names import StepName
from ray_pipeline.steps.extract_text_features import name2text_line
from ray_pipeline.text import phonemize
from tests.steps.feature_task import FeatureTask, make_task

STEP = StepName.EXTRACT_TEXT_FEATURES


@pytest.fixture
def task(tmp_path: Path) -> FeatureTask:
    return make_task(tmp_path)


def rows(task: FeatureTask) -> dict[str, list[str]]:
    content = (task.experiment / "2-name2text.txt").read_text("utf-8")
    assert content.endswith("\n")
    table = [line.split("\t") for line in content.splitlines()]
    return {row[0]: row[1:] for row in table}


@pytest.mark.usefixtures("ray_cluster")
def test_each_clip_has_a_row_that_changes_with_its_transcript_only(task: FeatureTask) -> None:
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
