"""How much an engine takes on at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

_OF_THE_DEVICE = 0


@dataclass(frozen=True, kw_only=True)
class EngineLimits:
    """`max_requests` are in the engine at a time, waiting included; `max_rows` pieces have begun,
    at most `pieces_ahead` of one request beyond what its listener has taken.
    With `no_gaps` a request is refused where whoever listens to it, or to another, would hear a gap
    (`admission.py`). `voice_bytes` is for the weights of loaded voices; a voice that nobody uses
    goes after `idle_seconds`.

    The `num_together` most urgent pieces are decoded side by side, and `num_sounds` become sound at
    a time; 0 is what suits the device."""

    max_requests: int = 64
    max_rows: int = 16
    num_together: int = _OF_THE_DEVICE
    num_sounds: int = _OF_THE_DEVICE
    pieces_ahead: int = 4
    no_gaps: bool = False
    voice_bytes: int = 8 * 2**30
    idle_seconds: float = 600.0

    def suited_to(self, device: str | torch.device) -> EngineLimits:
        """On a CPU a step of eight takes nearly twice as long as one of four, and sound is half of
        the work. A GPU steps any number in the same time, and makes sound with all that it has."""
        together, sounds = (4, 2) if torch.device(device).type == "cpu" else (self.max_rows, 1)
        return replace(
            self,
            num_together=self.num_together or together,
            num_sounds=self.num_sounds or sounds,
        )
