import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ray_pipeline.core.errors import StepNotReady
from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.voice.archive import pack_voice

CONFIG = TaskConfig(exp_name="amy", language="en", base_model="v2Pro")
FILES = {
    "GPT_weights_v2Pro/amy-e15.ckpt": b"gpt" * 1000,
    "SoVITS_weights_v2Pro/amy_e8_s96.pth": b"sovits" * 1000,
    "sliced/talk.wav_0_9.wav": b"RIFF reference",
    "output/amy_001.wav": b"RIFF spoken",
    "data_report.json": b"{}",
}
SPOKEN = {"file": "output/amy_001.wav", "facts": "output/amy_001.json"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    facts: dict[str, Any] = {
        "text": "Hello.",
        "language": "en",
        "settings": {"seed": 7},
        "gpt_model": "GPT_weights_v2Pro/amy-e15.ckpt",
        "sovits_model": "SoVITS_weights_v2Pro/amy_e8_s96.pth",
        "ref_audio": "sliced/talk.wav_0_9.wav",
        "ref_text": "Good morning.",
        "ref_language": "en",
        "base_model": "v2Pro",
    }
    for name, content in {**FILES, SPOKEN["facts"]: json.dumps(facts).encode()}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Workspace(tmp_path)


def test_a_voice_is_packed_with_all_that_speaking_needs_and_a_digest_of_each_file(
    workspace: Workspace,
) -> None:
    with zipfile.ZipFile(pack_voice(workspace, CONFIG, SPOKEN)) as archive:
        assert archive.testzip() is None
        content = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(content["voice.json"])
    assert (described["name"], described["base_model"]) == ("amy", "v2Pro")
    assert described["reference"] == {
        "audio": "reference/talk.wav_0_9.wav",
        "text": "Good morning.",
        "language": "en",
    }
    assert {file["name"] for file in described["files"]} == set(content) - {"voice.json"}
    for file in described["files"]:
        data = content[file["name"]]
        assert (file["size"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    for name in ("GPT_weights_v2Pro/amy-e15.ckpt", "SoVITS_weights_v2Pro/amy_e8_s96.pth"):
        assert content[name] == FILES[name]
        assert name in content["README.md"].decode()
    assert content["reference/talk.wav_0_9.txt"] == b"Good morning."
    assert content["sample/amy_001.wav"] == b"RIFF spoken"
    assert content["report.json"] == b"{}"


def test_equal_voices_make_equal_archives_and_another_replaces_the_last(
    workspace: Workspace,
) -> None:
    first = pack_voice(workspace, CONFIG, SPOKEN)
    data, written = first.read_bytes(), first.stat().st_mtime_ns
    assert pack_voice(workspace, CONFIG, SPOKEN) == first
    assert first.stat().st_mtime_ns == written
    first.unlink()
    assert pack_voice(workspace, CONFIG, SPOKEN).read_bytes() == data
    (workspace.root / "data_report.json").write_bytes(b"[]")
    second = pack_voice(workspace, CONFIG, SPOKEN)
    assert second != first
    assert list(second.parent.iterdir()) == [second]


def test_a_voice_that_has_not_spoken_or_lost_its_weights_says_what_to_do(
    workspace: Workspace,
) -> None:
    with pytest.raises(StepNotReady, match="not spoken yet") as refused:
        pack_voice(workspace, CONFIG, None)
    assert refused.value.as_dict()["missing"] == ["test_inference"]
    (workspace.root / "GPT_weights_v2Pro/amy-e15.ckpt").unlink()
    with pytest.raises(StepNotReady, match=r"amy-e15\.ckpt, which the voice spoke with, is gone"):
        pack_voice(workspace, CONFIG, SPOKEN)


def test_uploaded_weights_are_packed_beside_the_trained_ones(workspace: Workspace) -> None:
    facts = json.loads((workspace.root / SPOKEN["facts"]).read_text())
    facts["gpt_model"] = "input_audio/other.ckpt"
    (workspace.root / "input_audio").mkdir()
    (workspace.root / "input_audio/other.ckpt").write_bytes(b"other")
    (workspace.root / SPOKEN["facts"]).write_text(json.dumps(facts))
    with zipfile.ZipFile(pack_voice(workspace, CONFIG, SPOKEN)) as archive:
        assert archive.read("weights/other.ckpt") == b"other"
