from pathlib import Path

import pytest
import torch

from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.text.symbols import symbol_table
from ray_pipeline.training.gpt.data import GptDataset, GptItem, collate_gpt, find_gpt_items
from tests.training.experiment import make_experiment

TABLE = symbol_table("v2")


def _write(folder: Experiment, phones: dict[str, int], tokens: dict[str, int]) -> None:
    rows = [f"{name}\t{' '.join(['AH0'] * count)}\tNone\tx" for name, count in phones.items()]
    folder.phones_table.write_text("\n".join(rows) + "\n")
    lines = [f"{name}\t{' '.join(['3'] * count)}" for name, count in tokens.items()]
    folder.semantic_table.write_text("\n".join(["item_name\tx", *lines]) + "\n")


def test_clips_that_do_not_fit_are_left_out_with_the_reason(tmp_path: Path) -> None:
    phones = {"fine": 20, "long": 60, "wordy": 541, "fast": 26, "slow": 2, "edge": 25, "silent": 5}
    tokens = {"fine": 50, "long": 1351, "wordy": 1350, "fast": 25, "slow": 25, "edge": 25}
    _write(Experiment(tmp_path), phones, tokens | {"textless": 50, "silent": 0})
    items, dropped = find_gpt_items(Experiment(tmp_path), TABLE, max_seconds=54)
    assert [item.name for item in items] == ["edge", "fine"]
    reasons = {clip.name: clip.reason for clip in dropped}
    assert "more than 1350" in reasons["long"]
    assert "more than 540" in reasons["wordy"]
    assert "26.0 phones a second" in reasons["fast"]
    assert "2.0 phones a second" in reasons["slow"]
    assert "no phones" in reasons["textless"]
    facts = {clip.name: clip.facts for clip in dropped}
    assert facts["fast"] == {"reason": "wrong_rate", "rate": 26.0, "least": 3, "most": 25}
    assert "no semantic tokens" in reasons["silent"]


def test_batches_are_padded_on_the_right_with_the_end_mark(tmp_path: Path) -> None:
    items = [GptItem("a", (5, 6, 7), (1, 2)), GptItem("b", (8,), (3, 4, 5))]
    dataset = GptDataset(Experiment(tmp_path), items)
    batch = collate_gpt([dataset[0], dataset[1]], eos=40)
    assert batch.phones.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch.tokens.tolist() == [[1, 2, 40], [3, 4, 5]]
    assert batch.token_lengths.tolist() == [2, 3]
    assert batch.bert.shape == (2, 1024, 3)


def test_bert_of_another_text_is_refused(tmp_path: Path) -> None:
    folder = make_experiment(tmp_path, [1.0])
    torch.save(torch.ones(1024, 3), folder.bert / "clip0.wav.pt")
    items, _ = find_gpt_items(folder, TABLE, max_seconds=54)
    with pytest.raises(StepFailed) as caught:
        GptDataset(folder, items)[0]
    assert caught.value.clip == "clip0.wav"
