import torch

from ray_pipeline.models.gpt.preference import (
    damage,
    preference_loss,
    sequence_log_probabilities,
)


def test_a_copy_repeats_or_leaves_out_one_stretch() -> None:
    row = list(range(10, 30))
    repeated = left_out = 0
    for seed in range(40):
        copies, lengths = damage(torch.tensor([row]), torch.Generator().manual_seed(seed))
        copy = copies[0, : int(lengths[0])].tolist()
        start = next((i for i, (a, b) in enumerate(zip(copy, row, strict=False)) if a != b), 0)
        if len(copy) > len(row):
            repeated += 1
            extra = len(copy) - len(row)
            assert copy[start:] == row[start - extra :]
        elif len(copy) < len(row):
            left_out += 1
            assert set(copy) < set(row)
            assert copy == sorted(copy)
    assert repeated > 10
    assert left_out > 10


def test_copies_are_padded_with_zero_to_the_longest() -> None:
    copies, lengths = damage(torch.full((4, 12), 7), torch.Generator().manual_seed(3))
    assert copies.shape == (4, int(lengths.max()))
    for row, length in zip(copies, lengths, strict=True):
        assert (row[:length] == 7).all()
        assert (row[length:] == 0).all()


def test_the_loss_falls_when_the_chosen_sequence_becomes_likelier() -> None:
    rejected = torch.tensor([-5.0, -5.0])
    losses = [preference_loss(rejected + gain, rejected) for gain in (-1.0, 0.0, 1.0)]
    assert losses[0] > losses[1] > losses[2]
    torch.testing.assert_close(losses[1], torch.tensor(0.693147), atol=1e-5, rtol=0)


def test_log_probabilities_are_summed_over_positions() -> None:
    logits = torch.zeros(2, 3, 4)
    found = sequence_log_probabilities(logits, torch.zeros(2, 3, dtype=torch.long))
    torch.testing.assert_close(found, torch.full((2,), 3 * torch.tensor(0.25).log().item()))
