"""How much memory a training takes at its peak, before it has begun.

    worker     libraries and the process itself; on a GPU its context and work space
    networks   weights, their gradients, and what the optimisers keep of them
    clips      what is kept of each clip of a batch until its gradients are computed: a constant
               (segments that are generated have one length), a part that grows with the clip, and
               one that grows with its square (attention)
    data       clips that stay in memory between their batches

The numbers are fitted to peaks of real steps (docs/measurements/2026-11-29-training-memory.md;
`benchmarks/training_memory.py` measures them again). All was measured on a CPU in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Stage = Literal["gpt", "sovits"]


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Gigabytes: of the networks, and of a clip of `seconds` in a batch."""

    networks: float
    clip: float
    second: float
    square: float = 0.0

    def of_clip(self, seconds: float) -> float:
        return self.clip + self.second * seconds + self.square * seconds * seconds


@dataclass(frozen=True, kw_only=True)
class Training:
    """What of a training decides how much it takes. `recompute` is `if_grad_ckpt`, `preference`
    `if_dpo`; `on_gpu` says where it computes, `half` that it could in 16 bits there;
    `data_seconds` is how much speech there is."""

    version: str
    stage: Stage
    recompute: bool = False
    preference: bool = False
    on_gpu: bool = False
    half: bool = False
    data_seconds: float = 0.0

    @property
    def growth(self) -> Growth:
        plain, recomputed = MEASURED[self.version, self.stage]
        return recomputed if self.recompute and recomputed is not None else plain

    @property
    def fixed_gb(self) -> float:
        """What there is with no clip in a batch."""
        if self.on_gpu:  # the data stays in the machine's memory
            return CONTEXT_GB + self.growth.networks
        data = min(self.data_seconds * DATA_GB_PER_SECOND[self.stage], MOST_DATA_GB)
        return WORKER_GB + self.growth.networks + data

    def clip_gb(self, seconds: float) -> float:
        growth = self.growth
        if self.on_gpu and self.stage == "gpt":
            growth = replace(growth, square=0.0)  # there its attention keeps no maps
        each = growth.of_clip(seconds)
        half = self.half and self.version not in ALWAYS_FLOAT32
        return each * (PAIR if self.preference else 1) * (HALF_SHARE if half else 1)

    def peak_gb(self, clips: int, seconds: float) -> float:
        """With so many clips of a length at a time."""
        return self.fixed_gb + clips * self.clip_gb(seconds)

    def most_clips(self, seconds: float, room_gb: float) -> int:
        """How many of a length fit at a time; 0: not even one."""
        return max(0, int((room_gb - self.fixed_gb) / self.clip_gb(seconds)))

    def most_seconds(self, room_gb: float) -> int:
        """How long a clip may be that fits alone, in whole seconds; 0: none does."""
        return max((s for s in range(1, LONGEST + 1) if self.peak_gb(1, s) <= room_gb), default=0)


LONGEST = 60  # seconds; no training takes clips of more

WORKER_GB = 0.385
# Not measured: what CUDA's context, cuBLAS and cuDNN usually take.
CONTEXT_GB = 1.0
# Not measured: products and convolutions keep half as much in 16 bits, losses and norms do not.
HALF_SHARE = 0.75
ALWAYS_FLOAT32 = ("nano", "mini")

# What a clip and its copy (`if_dpo`) take together, beside a clip alone.
PAIR = 2.5
# Sound, spectrogram and content features of a second; for the GPT the meaning of its phones.
DATA_GB_PER_SECOND: Mapping[Stage, float] = {"sovits": 0.49e-3, "gpt": 0.05e-3}
MOST_DATA_GB = 2.2  # `ExampleCache`

# As a training takes it, and with `if_grad_ckpt`.
Pair = tuple[Growth, Growth | None]
_GPT: Pair = (
    Growth(networks=1.365, clip=0.0, second=0.035, square=0.0078),
    Growth(networks=1.30, clip=0.074, second=0.0042, square=0.00092),
)
_V2: Pair = (
    Growth(networks=2.19, clip=0.403, second=0.0281, square=0.000347),
    Growth(networks=2.19, clip=0.136, second=0.0201),
)
# In proportion to v2's by their weights, discriminators and channels, but for the clips of v2Pro.
_V2PRO: Pair = (
    Growth(networks=3.18, clip=0.54, second=0.0281, square=0.000347),
    Growth(networks=3.18, clip=0.345, second=0.0201),
)
_V2PROPLUS: Pair = (
    Growth(networks=3.60, clip=0.70, second=0.0281, square=0.000347),
    Growth(networks=3.60, clip=0.45, second=0.0201),
)
_MINI_GPT: Pair = (Growth(networks=0.1, clip=0.0055, second=0.00054), None)
_MINI_SOVITS: Pair = (Growth(networks=0.1, clip=0.0235, second=0.00283), None)
_NANO_GPT: Pair = (Growth(networks=0.105, clip=0.0, second=0.00204, square=0.000407), None)
_NANO_SOVITS: Pair = (Growth(networks=0.166, clip=0.0, second=0.00827, square=0.000119), None)

MEASURED: Mapping[tuple[str, Stage], Pair] = {
    **{(version, "gpt"): _GPT for version in ("v1", "v2", "v2Pro", "v2ProPlus")},
    ("v1", "sovits"): _V2,
    ("v2", "sovits"): _V2,
    ("v2Pro", "sovits"): _V2PRO,
    ("v2ProPlus", "sovits"): _V2PROPLUS,
    ("nano", "gpt"): _NANO_GPT,
    ("nano", "sovits"): _NANO_SOVITS,
    ("mini", "gpt"): _MINI_GPT,
    ("mini", "sovits"): _MINI_SOVITS,
}
