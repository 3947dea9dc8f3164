"""An order to speak, carried out: a WAV file, and the facts about it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ray_pipeline.audio.encoding import wav_header
from ray_pipeline.audio.levels import peak, rms, to_db
from ray_pipeline.audio.provenance import Provenance
from ray_pipeline.audio.wav import to_int16
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.speech import Reference, SpeechSettings
from ray_pipeline.core.workspace import atomic_path
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.voice.speech import OnProgress, Speech
from ray_pipeline.voice.voice import load_voice

SILENT_DBFS = -60.0


@dataclass(frozen=True)
class Order:
    """Everything that decides how it will sound. `mode` is a language mode, `dictionary` the
    user's own words."""

    gpt_path: Path
    sovits_path: Path
    reference: Reference
    text: str
    mode: str
    settings: SpeechSettings
    dictionary: Pronunciations = field(default_factory=dict)


def speak_to_file(
    order: Order, models_dir: Path, target: Path, on_progress: OnProgress | None = None
) -> dict[str, Any]:
    """Load the voice, say the text, write the WAV (32 kHz, int16) and return the facts.

    Raises StepFailed, and writes nothing, when the result is silent or not a number.
    """
    started = time.monotonic()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    voice = load_voice(order.gpt_path, order.sovits_path, models_dir, device)
    loaded = time.monotonic()
    speech = voice.speak(
        order.text,
        order.mode,
        order.reference,
        order.settings,
        dictionary=order.dictionary,
        on_progress=on_progress,
    )
    levels = check_sound(speech, target.name)
    _write(
        target, speech, Provenance([order.sovits_path.stem], [voice.version], order.settings.seed)
    )
    return {
        "file": target.name,
        "base_model": voice.version,
        "device": device.type,
        "seconds": round(speech.seconds, 3),
        **levels,
        "load_seconds": round(loaded - started, 3),
        "speak_seconds": round(time.monotonic() - loaded, 3),
        "limit_tokens": voice.limit_tokens,
        "tokens_per_second": voice.tokens_per_second,
        "pieces": [asdict(piece) | {"num_tokens": len(piece.tokens)} for piece in speech.pieces],
        "left_out": speech.left_out,
    }


def _write(target: Path, speech: Speech, provenance: Provenance) -> None:
    samples = to_int16(speech.wav).astype("<i2", copy=False)
    header = wav_header(SAMPLE_RATE, provenance.tags(), len(samples))
    with atomic_path(target) as partial:
        partial.write_bytes(header + samples.tobytes())


def check_sound(speech: Speech, name: str) -> dict[str, float]:
    """The levels, in dB of full scale. Raises StepFailed for what nobody can listen to."""
    if not np.isfinite(speech.wav).all():
        raise StepFailed(
            f"{name} was not written: the voice gave values that are not numbers.",
            hint="The weights are damaged or their training diverged; train again.",
        )
    level = to_db(rms(speech.wav))
    if level < SILENT_DBFS:
        raise StepFailed(
            f"{name} was not written: the voice is silent ({level:.0f} dBFS).",
            hint="The training did not get far enough; train longer, or choose another reference.",
        )
    return {
        "rms_dbfs": round(level, 2),
        "peak_dbfs": round(to_db(peak(speech.wav)), 2),
        "full_scale_share": float(np.mean(np.abs(speech.wav) >= 32767 / 32768)),
    }
