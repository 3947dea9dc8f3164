"""What a synthesised WAV has to be before anybody calls it speech: honest, simple limits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

RMS_DBFS = (-40.0, -10.0)
MAX_SHARE_AT_FULL_SCALE = 0.001
MIN_TOKENS = 11  # the sampler cannot stop before; one more says that it chose to


@dataclass(frozen=True)
class Check:
    claim: str
    passed: bool
    seen: str

    def __str__(self) -> str:
        return f"{'pass' if self.passed else 'FAIL'}  {self.claim}: {self.seen}"


def check_speech(wav_path: Path, num_tokens: int, max_tokens: int) -> list[Check]:
    """`num_tokens` semantic tokens were made for it; `max_tokens` is where decoding gives up."""
    wav, _ = soundfile.read(wav_path, dtype="float64")
    finite = bool(np.isfinite(wav).all())
    # Around the mean, so that a constant offset, which nobody hears, does not pass for sound.
    rms = 20 * np.log10(max(float(np.std(wav)), 1e-9)) if finite else float("nan")
    loud = float(np.mean(np.abs(wav) >= 0.9999))
    low, high = RMS_DBFS
    return [
        Check("every sample is finite", finite, f"{len(wav)} samples"),
        Check(f"RMS within {low:g} … {high:g} dBFS", low <= rms <= high, f"{rms:.1f} dBFS"),
        Check(
            f"under {MAX_SHARE_AT_FULL_SCALE:.1%} of samples at full scale",
            loud < MAX_SHARE_AT_FULL_SCALE,
            f"{loud:.3%}",
        ),
        Check(
            f"at least {MIN_TOKENS} tokens, and an end before the limit of {max_tokens}",
            MIN_TOKENS <= num_tokens < max_tokens,
            f"{num_tokens} tokens",
        ),
    ]


def differ(one: Path, other: Path) -> bool:
    """Whether two WAVs hold different speech."""
    first, _ = soundfile.read(one, dtype="float32")
    second, _ = soundfile.read(other, dtype="float32")
    return len(first) != len(second) or not np.allclose(first, second, atol=1e-4)
