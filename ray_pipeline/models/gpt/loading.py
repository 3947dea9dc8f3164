"""A stage-1 model from what a weight file holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.models.gpt.config import GptConfig
from ray_pipeline.models.gpt.model import Text2Semantic


def build_text2semantic(
    config: Mapping[str, Any], state_dict: Mapping[str, Tensor]
) -> Text2Semantic:
    """A float32 model for decoding. `config` is the file's nested dictionary, `state_dict` has
    its keys without `model.`. Raises BadModelFile when they do not belong together."""
    with torch.device("meta"):
        model = Text2Semantic(GptConfig.from_export(config))
    wanted = {name: tensor.shape for name, tensor in model.state_dict().items()}
    given = {name: tensor.shape for name, tensor in state_dict.items()}
    wrong = sorted(name for name in wanted | given if wanted.get(name) != given.get(name))
    if wrong:
        raise BadModelFile(
            f"{len(wrong)} tensors of the GPT model file are missing, unknown or have another "
            f"shape than its configuration says, first {wrong[0]}.",
            hint="Use a complete file (.ckpt) that GPT-SoVITS or this service exported.",
        )
    weights = {name: tensor.float() for name, tensor in state_dict.items()}
    model.load_state_dict(weights, strict=True, assign=True)
    return model.eval().requires_grad_(False)
