from pathlib import Path

import numpy as np
import pytest
import soundfile

from ray_pipeline.audio.provenance import provenance_in, tags_in
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.speech import Reference, SpeechSettings
from ray_pipeline.voice.recording import Order, check_sound, speak_to_file
from ray_pipeline.voice.speech import Speech


def test_an_order_becomes_a_wav_and_facts(
    weight_files: tuple[Path, Path], reference: Reference, tmp_path: Path
) -> None:
    order = Order(*weight_files, reference, "Hello there.", "en", SpeechSettings(seed=1))
    target = tmp_path / "out" / "said.wav"
    facts = speak_to_file(order, Path("nowhere"), target)
    info = soundfile.info(target)
    assert (info.samplerate, info.channels, info.subtype) == (32000, 1, "PCM_16")
    assert info.duration == pytest.approx(facts["seconds"], abs=0.001)
    assert facts["base_model"] == "nano"
    [piece] = facts["pieces"]
    assert piece["num_tokens"] == len(piece["tokens"]) < facts["limit_tokens"]
    said = provenance_in(tags_in(target))
    assert said is not None
    assert (said["models"], said["seed"]) == (["nano"], 1)
    assert -60 < facts["rms_dbfs"] < facts["peak_dbfs"] <= 0


def speech(level: float) -> Speech:
    return Speech(np.full(32000, level, dtype=np.float32), [])


def test_levels_are_in_db_of_full_scale() -> None:
    levels = check_sound(speech(0.1), "x.wav")
    assert levels == {"rms_dbfs": -20.0, "peak_dbfs": -20.0, "full_scale_share": 0.0}
    assert check_sound(speech(1.0), "x.wav")["full_scale_share"] == 1.0


def test_silence_and_numbers_that_are_none_fail_with_a_hint() -> None:
    with pytest.raises(StepFailed, match="silent") as silent:
        check_sound(speech(1e-4), "x.wav")
    assert silent.value.hint
    with pytest.raises(StepFailed, match="not numbers"):
        check_sound(speech(float("nan")), "x.wav")
