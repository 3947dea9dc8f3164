import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ray_pipeline.audio.decoding import ffmpeg_path
from ray_pipeline.audio.wav import write_float32
from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.voice.gpt_sovits import GptSovitsVoice
from ray_pipeline.voice.reference import ReferenceFeatures, analyse, check_length, read_reference
from tests.voice.conftest import SPEECH


def features(voice: GptSovitsVoice, path: Path) -> ReferenceFeatures:
    return analyse(path, voice.base, voice.content, voice.speaker, voice.synthesizer)


def test_a_reference_gives_tokens_a_spectrogram_and_a_speaker_vector(voice: GptSovitsVoice) -> None:
    found = features(voice, SPEECH / "LJ001-0016.flac")  # 5.266 s
    assert found.prompt.shape[0] == pytest.approx(5.266 * 25, abs=1)
    assert found.spectrogram.shape[:2] == (1, 1025)
    assert found.spectrogram.shape[2] == pytest.approx(5.266 * 50, abs=1)
    assert found.speaker is not None
    assert found.speaker.shape == (1, 160)


@pytest.mark.parametrize("seconds", [0.0, 1.9, 2.9, 10.2, 60.0])
def test_a_reference_of_another_length_is_refused_with_a_hint(seconds: float) -> None:
    with pytest.raises(InvalidInput, match="3 to 10 s") as refused:
        check_length(seconds, "clip.wav")
    assert refused.value.as_dict()["field"] == "params.ref_audio"
    assert refused.value.hint


@pytest.mark.parametrize("seconds", [3.0, 6.0, 10.0, 10.01])
def test_three_to_ten_seconds_are_fine(seconds: float) -> None:
    check_length(seconds, "clip.wav")


def write_stereo(path: Path, turned: bool) -> None:
    wav, rate = soundfile.read(SPEECH / "LJ001-0016.flac", dtype="float32")
    soundfile.write(path, np.stack([wav, -wav if turned else wav], axis=1), rate)


def test_a_channel_that_is_turned_round_does_not_silence_the_other(tmp_path: Path) -> None:
    for turned in (False, True):
        write_stereo(tmp_path / "stereo.wav", turned)
        wav, rate = read_reference(tmp_path / "stereo.wav")
        assert rate == 32000
        assert np.abs(wav).max() > 0.1


def test_a_reference_may_have_any_format_of_a_recording(
    voice: GptSovitsVoice, tmp_path: Path
) -> None:
    memo = tmp_path / "memo.m4a"
    source = str(SPEECH / "LJ001-0016.flac")
    subprocess.run([ffmpeg_path(), "-loglevel", "error", "-i", source, str(memo)], check=True)
    assert features(voice, memo).prompt.shape[0] == pytest.approx(5.266 * 25, abs=3)


def test_what_is_no_recording_is_refused_as_reference(tmp_path: Path) -> None:
    (tmp_path / "letter.wav").write_text("Dear Sir or Madam")
    with pytest.raises(InvalidInput) as refused:
        read_reference(tmp_path / "letter.wav")
    assert refused.value.as_dict()["field"] == "params.ref_audio"


def test_silence_is_refused(voice: GptSovitsVoice, tmp_path: Path) -> None:
    path = tmp_path / "silent.wav"
    write_float32(path, np.zeros(32000 * 4, dtype=np.float32))
    with pytest.raises(InvalidInput, match="silent"):
        features(voice, path)
