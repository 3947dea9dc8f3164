"""The weight files of a voice that has learned nothing: what every check of a trained voice has
to tell apart, and the smallest thing that speaks, for tests."""

from __future__ import annotations

from pathlib import Path

import torch

from ray_pipeline.models.encoders.codebook import Codebook
from ray_pipeline.models.gpt.config import GPT_CONFIGS
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.weights.files import save_gpt, save_sovits


def save_untrained_voice(
    folder: Path, version: str = "nano", *, codebook: Codebook | None = None, seed: int = 0
) -> tuple[Path, Path]:
    """Write random GPT and SoVITS weights and return their paths, in this order.

    With `codebook` the random voice has the tokens of a real one.
    """
    gpt_config, sovits_config = GPT_CONFIGS[version], SOVITS_CONFIGS[version]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        gpt, synthesizer = Text2Semantic(gpt_config), Synthesizer(sovits_config)
    if codebook is not None:
        codebook.apply(synthesizer)
    gpt_path, sovits_path = folder / "untrained-e0.ckpt", folder / "untrained_e0_s0.pth"
    save_gpt(gpt_path, gpt.state_dict(), gpt_config.to_export(), "GPT-e0", version=version)
    save_sovits(sovits_path, synthesizer.state_dict(), sovits_config, "0epoch_0iteration")
    return gpt_path, sovits_path
