import os
import stat
from pathlib import Path

import pytest
import torch

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.models.mini.config import tiny_config
from ray_pipeline.models.mini.files import (
    load_base,
    load_durations,
    load_synthesizer,
    new_base,
    save_base,
    save_durations,
    save_synthesizer,
)


def test_a_voice_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    config = tiny_config()
    base = new_base(config)
    speaker = torch.linspace(-1, 1, 162)
    base.synthesizer.speaker.copy_(speaker)

    save_durations(tmp_path / "d.safetensors", base.durations, speaker, config, {"seed": "3"})
    save_synthesizer(tmp_path / "s.safetensors", base.synthesizer, config)

    stage1 = load_durations(tmp_path / "d.safetensors")
    stage2 = load_synthesizer(tmp_path / "s.safetensors")
    assert stage1.facts == {"seed": "3"}
    assert torch.equal(stage1.speaker, speaker)
    assert torch.equal(stage2.synthesizer.speaker, speaker)
    for name, tensor in stage2.synthesizer.state_dict().items():
        expected = base.synthesizer.state_dict()[name]
        torch.testing.assert_close(tensor, expected, atol=1e-3, rtol=1e-3)


def test_a_base_can_be_saved_and_loaded(tmp_path: Path) -> None:
    base = new_base(tiny_config())

    save_base(tmp_path / "base.safetensors", base, {"run": "test"})

    assert load_base(tmp_path / "base.safetensors").facts == {"run": "test"}


def test_the_other_half_of_a_voice_is_refused(tmp_path: Path) -> None:
    base = new_base(tiny_config())
    save_synthesizer(tmp_path / "s.safetensors", base.synthesizer, base.config)

    with pytest.raises(BadModelFile, match="not the durations file"):
        load_durations(tmp_path / "s.safetensors")


@pytest.mark.parametrize("content", [b"", b"no tensors at all"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.safetensors"
    path.write_bytes(content)

    with pytest.raises(BadModelFile, match="damaged"):
        load_synthesizer(path)


def test_files_can_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save_base(tmp_path / "base.safetensors", new_base(tiny_config()))
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "base.safetensors").stat().st_mode) == 0o640
