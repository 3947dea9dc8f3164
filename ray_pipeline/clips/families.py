"""How the clips of each family of bases become features: one row a family.

A new family brings a file beside `mini_features.py` and a row here; the steps stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ray_pipeline.clips import gpt_sovits_features, mini_features
from ray_pipeline.clips.work import Build, TokenWork
from ray_pipeline.core.pretrained_bases import BaseFamily, PretrainedBase
from ray_pipeline.core.step_context import StepContext


@dataclass(frozen=True, kw_only=True)
class FamilyFeatures:
    """`audio` gives the clip in 5-wav32k/ and what the networks know of its sound in 4-cnhubert/,
    `speaker` its vector in 7-sv_cn/, `tokens` its semantic tokens (the last argument: force)."""

    audio: Callable[[StepContext, PretrainedBase], Build]
    speaker: Callable[[StepContext, PretrainedBase], Build]
    tokens: Callable[[StepContext, PretrainedBase, bool], TokenWork]


FEATURES: Mapping[BaseFamily, FamilyFeatures] = {
    "gpt_sovits": FamilyFeatures(
        audio=gpt_sovits_features.audio,
        speaker=gpt_sovits_features.speaker,
        tokens=gpt_sovits_features.tokens,
    ),
    "mini": FamilyFeatures(
        audio=mini_features.audio, speaker=mini_features.speaker, tokens=mini_features.tokens
    ),
}
