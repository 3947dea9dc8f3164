from __future__ import annotations

import torch

from ray_pipeline.models.sovits.encoder import (
    Encoder,
    RelativeAttention,
    _gather_band,
    _spread_band,
)


def test_bands_and_squares_agree_with_the_definition() -> None:
    num_frames = 7
    band = torch.randn(2, 3, num_frames, 9)
    square = _spread_band(band)
    for query in range(num_frames):
        for key in range(num_frames):
            offset = key - query
            want = band[..., query, offset + 4] if abs(offset) <= 4 else torch.zeros(2, 3)
            assert torch.equal(square[..., query, key], want)
    back = _gather_band(square)
    inside = _gather_band(torch.ones_like(square)).bool()
    assert torch.equal(back[inside], band[inside])
    assert back[~inside].eq(0).all()


def test_attention_equals_its_definition_entry_by_entry() -> None:
    attention = RelativeAttention(8, 2, 0.0).double()
    x = torch.randn(1, 6, 8, dtype=torch.float64)
    query, key, value = (
        (x @ conv.weight[..., 0].T + conv.bias).unflatten(-1, (2, 4))[0]
        for conv in (attention.conv_q, attention.conv_k, attention.conv_v)
    )
    rows = []
    for t in range(6):
        heads = []
        for h in range(2):
            near = {s: s - t + 4 for s in range(6) if abs(s - t) <= 4}
            scores = torch.stack([query[t, h] @ key[s, h] for s in range(6)])
            for s, place in near.items():
                scores[s] += query[t, h] @ attention.emb_rel_k[0, place]
            weights = (scores / 2).softmax(0)
            mixed = weights @ value[:, h]
            for s, place in near.items():
                mixed = mixed + weights[s] * attention.emb_rel_v[0, place]
            heads.append(mixed)
        rows.append(torch.cat(heads))
    want = torch.stack(rows) @ attention.conv_o.weight[..., 0].T + attention.conv_o.bias
    got = attention(x, torch.zeros(1, 1, 1, 6, dtype=torch.float64))
    torch.testing.assert_close(got[0], want)


def test_padding_changes_nothing_for_the_real_frames() -> None:
    encoder = Encoder(8, 16, 2, 2, 3, 0.0).eval()
    x = torch.randn(1, 8, 10)
    alone = encoder(x[..., :6], torch.ones(1, 1, 6))
    mask = torch.zeros(1, 1, 10)
    mask[..., :6] = 1
    padded = encoder(x, mask)
    torch.testing.assert_close(padded[..., :6], alone, atol=1e-5, rtol=1e-5)
    assert padded[..., 6:].eq(0).all()


def test_a_single_frame_passes() -> None:
    assert Encoder(8, 16, 2, 1, 3, 0.0)(torch.randn(1, 8, 1), torch.ones(1, 1, 1)).shape == (
        1,
        8,
        1,
    )
