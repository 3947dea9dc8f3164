"""Which files a task has, what they are, and when they are hashed again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ray_pipeline.coordinator import file_index
from ray_pipeline.core.workspace import Workspace


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("input_audio/a.wav", "input"),
        ("converted_wav/a.wav.wav", "converted"),
        ("sliced/a_0000000000_0000032000.wav", "slice"),
        ("denoised/a_0000000000_0000032000.wav", "denoised"),
        ("transcripts/my_speaker.list", "transcript"),
        ("experiments/my_speaker/4-cnhubert/a.pt", "feature"),
        ("experiments/my_speaker/2-name2text.txt", "feature"),
        ("experiments/my_speaker/logs_s2_nano/G_10.pth", "checkpoint"),
        ("SoVITS_weights/a.pth", "weights"),
        ("GPT_weights_v2ProPlus/a.ckpt", "weights"),
        ("output/a.wav", "output"),
        ("config_s2.json", "config"),
        ("training.log", "log"),
    ],
)
def test_each_file_has_a_kind(name: str, kind: str) -> None:
    assert file_index.file_kind(name) == kind


def test_a_file_is_hashed_again_only_when_it_changed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.create()
    path = workspace.output / "big.bin"
    path.write_bytes(b"one")
    first = {file.record.name: file for file in file_index.scan(workspace, {})}
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(b"two")
    os.utime(path, ns=times)
    # Same size and time: taken for unchanged, which shows that nothing was read.
    assert file_index.scan(workspace, first) == list(first.values())
    os.utime(path, ns=(times[0], times[1] + 1))
    assert (
        file_index.scan(workspace, first)[0].record.sha256 != first["output/big.bin"].record.sha256
    )


def test_scratch_and_half_written_files_are_not_listed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.create()
    workspace.scratch.mkdir()
    (workspace.scratch / "x").write_text("x")
    (workspace.output / ".partial-1.wav").write_text("x")
    assert file_index.scan(workspace, {}) == []
