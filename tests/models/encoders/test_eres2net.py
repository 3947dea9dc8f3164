import json
from pathlib import Path

import torch

from ray_pipeline.models.encoders.eres2net import Eres2Net

MANIFEST = Path(__file__).parents[2] / "conformance" / "manifests" / "eres2netv2.json"


def test_keys_and_shapes_are_those_of_the_published_weights() -> None:
    with torch.device("meta"):
        state = Eres2Net().state_dict()
    entries = json.loads(MANIFEST.read_text("utf-8"))["entries"]
    published = {key: tuple(shape) for key, shape, _ in entries}
    assert {key: tuple(value.shape) for key, value in state.items()} == published


@torch.inference_mode()
def test_the_vector_has_the_same_size_for_every_duration() -> None:
    torch.manual_seed(0)
    model = Eres2Net().eval()
    for frames in (1, 7, 98):
        vector = model(torch.randn(1, frames, 80))
        assert vector.shape == (1, 20480)
        assert torch.isfinite(vector).all()
