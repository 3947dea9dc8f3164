"""How a voice is to speak: every setting from the request to the sampler, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

CutMethod = Literal["cut0", "cut1", "cut2", "cut3", "cut4", "cut5"]
NUM_SEEDS = 2**31


class Delivery(BaseModel):
    """What a request may set and need not. Defaults are the original's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speed: float = Field(1.0, ge=0.5, le=2.0, description="2.0: twice as fast")
    top_k: int = Field(15, ge=1, le=1024, description="choose among so many tokens; 1: the best")
    top_p: float = Field(1.0, gt=0, le=1, description="and among those of so much probability")
    temperature: float = Field(1.0, gt=0, le=2, description="how freely it is chosen")
    repetition_penalty: float = Field(1.35, ge=1, le=2, description="1: none")
    noise_scale: float = Field(0.5, ge=0, le=1, description="how much the sound varies")
    cut: CutMethod = Field("cut5", description="how long text is cut, as in the original")
    pause_seconds: float = Field(0.3, ge=0, le=5, description="after each piece")
    pitch: float = Field(1.0, ge=0.5, le=2.0, description="2.0: an octave higher; base mini only")
    energy: float = Field(1.0, gt=0, le=4.0, description="2.0: 6 dB louder; base mini only")
    cuda_graphs: StrictBool = Field(
        False, description="decode faster on an NVIDIA GPU; not yet tried on one"
    )


class SpeechSettings(Delivery):
    """Everything but the text, its language and the reference. The same settings say the same
    text alike on the same device."""

    seed: int = Field(0, ge=0, lt=NUM_SEEDS)
    strict_compat: StrictBool = Field(
        False, description="cut and read texts as GPT-SoVITS does, mistakes included"
    )


DEFAULT_SETTINGS = SpeechSettings()


@dataclass(frozen=True)
class Reference:
    """3 to 10 s of one person. Without `text` only the voice is imitated, not the manner."""

    wav_path: Path
    text: str = ""
    language: str = ""
