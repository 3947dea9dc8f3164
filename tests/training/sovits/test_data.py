from pathlib import Path

import pytest
import torch

from ray_pipeline.core.errors import StepFailed, StepNotReady
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.text.symbols import symbol_table
from ray_pipeline.training.experiment_files import read_phones, repeat_short_list
from ray_pipeline.training.sovits.data import (
    SovitsDataset,
    SovitsExample,
    collate_sovits,
    find_sovits_items,
)
from tests.training.experiment import make_experiment

TABLE = symbol_table("v2")


def test_clips_are_left_out_with_the_reason(tmp_path: Path) -> None:
    folder = make_experiment(tmp_path, [1.0, 1.0, 1.0, 0.5, 1.0])
    (folder.content / "clip1.wav.pt").unlink()
    (folder.speaker_vectors / "clip4.wav.pt").unlink()
    text = folder.phones_table.read_text()
    lines = text.splitlines()
    lines[2] = lines[2].replace("OW1", "OW9")
    folder.phones_table.write_text("\n".join(lines) + "\nonly\ttwo\n")
    items, dropped = find_sovits_items(folder, TABLE, with_speaker=True)
    assert [item.name for item in items] == ["clip0.wav"]
    reasons = {clip.name: clip.reason for clip in dropped}
    assert "4-cnhubert/clip1.wav.pt missing" in reasons["clip1.wav"]
    assert "OW9" in reasons["clip2.wav"]
    assert "0.50 s" in reasons["clip3.wav"]
    facts = {clip.name: clip.facts for clip in dropped}
    assert (facts["clip3.wav"]["reason"], facts["clip3.wav"]["seconds"]) == ("wrong_length", 0.5)
    assert "7-sv_cn" in reasons["clip4.wav"]
    without_speaker, _ = find_sovits_items(folder, TABLE, with_speaker=False)
    assert "clip4.wav" in [item.name for item in without_speaker]


def test_length_in_frames_is_that_of_the_file(experiment: Experiment) -> None:
    items, _ = find_sovits_items(experiment, TABLE, with_speaker=True)
    size = (experiment.waves / items[0].name).stat().st_size
    assert items[0].length_frames == size // 1280
    assert items[0].seconds == size / 64000
    _, dropped = find_sovits_items(experiment, TABLE, with_speaker=True, frames=(0, 50))
    assert [clip.name for clip in dropped] == ["clip2.wav", "clip3.wav", "clip4.wav"]


def test_missing_features_say_which_step_to_run(tmp_path: Path) -> None:
    with pytest.raises(StepNotReady) as caught:
        read_phones(Experiment(tmp_path))
    assert caught.value.extra["missing"] == ["extract_text_features"]


def test_content_features_one_frame_short_are_filled_up(tmp_path: Path) -> None:
    folder = make_experiment(tmp_path, [1.0])
    path = folder.content / "clip0.wav.pt"
    short = torch.load(path)[:, :, :-1]
    torch.save(short, path)
    items, _ = find_sovits_items(folder, TABLE, with_speaker=True)
    example = SovitsDataset(folder, items, with_speaker=True)[0]
    assert example.ssl.shape[-1] == example.spec.shape[-1]
    assert torch.equal(example.ssl[:, -1], short[0, :, -1])


def test_a_damaged_feature_file_names_its_clip(tmp_path: Path) -> None:
    folder = make_experiment(tmp_path, [1.0])
    (folder.content / "clip0.wav.pt").write_bytes(b"no tensor")
    items, _ = find_sovits_items(folder, TABLE, with_speaker=True)
    with pytest.raises(StepFailed) as caught:
        SovitsDataset(folder, items, with_speaker=True)[0]
    assert caught.value.clip == "clip0.wav"


def _example(name: str, num_frames: int, num_phones: int) -> SovitsExample:
    return SovitsExample(
        name,
        torch.ones(3, num_frames),
        torch.ones(1025, num_frames),
        torch.ones(1, num_frames * 640),
        torch.ones(num_phones, dtype=torch.long),
        torch.ones(4),
    )


@pytest.mark.parametrize(("longest", "padded"), [(7, 8), (8, 10), (1, 2)])
def test_batches_are_sorted_and_padded_to_an_even_length_beyond_the_longest(
    longest: int, padded: int
) -> None:
    batch = collate_sovits([_example("b", 1, 9), _example("a", longest, 2)])
    assert batch.names[0] == ("b" if longest == 1 else "a")
    assert batch.spec.shape == (2, 1025, padded)
    assert batch.ssl.shape == (2, 3, padded)
    assert batch.wav.shape == (2, 1, longest * 640)
    assert batch.phones.shape == (2, 9)
    assert batch.spec_lengths.tolist() == sorted([longest, 1], reverse=True)
    assert batch.spec[0, :, longest:].abs().sum() == 0


@pytest.mark.parametrize(("n", "repeated"), [(3, 99), (60, 120), (99, 198), (100, 100)])
def test_short_lists_are_repeated_as_in_the_original(n: int, repeated: int) -> None:
    assert len(repeat_short_list(list(range(n)))) == repeated
