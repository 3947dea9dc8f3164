from pathlib import Path

import numpy as np
import pytest
import soundfile

from ray_pipeline.audio import converting
from ray_pipeline.audio.converting import convert
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import StepFailed
from tests.audio.awkward_files import AWKWARD_FILES, AwkwardFile, encoded
from tests.audio.signals import speech, tone


@pytest.mark.parametrize("case", AWKWARD_FILES, ids=str)
def test_awkward_file_is_converted_or_refused_with_a_sentence(
    case: AwkwardFile, tmp_path: Path
) -> None:
    source, target = tmp_path / case.name, tmp_path / "out" / "converted.wav"
    case.make(source)
    if case.seconds is None:
        with pytest.raises(StepFailed, match=case.refusal) as refused:
            convert(source, target)
        assert case.name in refused.value.message
        assert refused.value.hint
        assert str(tmp_path) not in str(refused.value)
        assert not any(target.parent.glob("*"))
        return
    conversion = convert(source, target)
    info = soundfile.info(target)
    assert (info.samplerate, info.channels, info.subtype) == (SAMPLE_RATE, 1, "FLOAT")
    assert info.duration == pytest.approx(case.seconds, abs=case.tolerance)
    assert conversion.seconds == pytest.approx(info.duration, abs=1e-3)
    assert case.remark in " ".join(conversion.remarks)
    assert not (case.no_remark and conversion.remarks)
    assert np.isfinite(soundfile.read(target)[0]).all()


def test_channels_are_averaged_not_added(tmp_path: Path) -> None:
    left, right = tone(1, SAMPLE_RATE, hz=300, peak=0.8), tone(1, SAMPLE_RATE, hz=500, peak=0.4)
    soundfile.write(
        tmp_path / "in.wav", np.stack([left, right], axis=1), SAMPLE_RATE, subtype="FLOAT"
    )
    convert(tmp_path / "in.wav", tmp_path / "out.wav")
    mixed, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    np.testing.assert_allclose(mixed, (left + right) / 2, atol=1e-6)


def test_opposite_channels_do_not_cancel(tmp_path: Path) -> None:
    signal = tone(1, SAMPLE_RATE)
    soundfile.write(
        tmp_path / "in.wav", np.stack([signal, -signal], axis=1), SAMPLE_RATE, subtype="FLOAT"
    )
    convert(tmp_path / "in.wav", tmp_path / "out.wav")
    mixed, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    np.testing.assert_allclose(mixed, signal, atol=1e-6)


def test_float_samples_beyond_full_scale_survive(tmp_path: Path) -> None:
    soundfile.write(
        tmp_path / "in.wav", tone(1, SAMPLE_RATE, peak=1.8), SAMPLE_RATE, subtype="FLOAT"
    )
    assert convert(tmp_path / "in.wav", tmp_path / "out.wav").peak == pytest.approx(1.8, abs=1e-3)


@pytest.mark.parametrize("bits", [15, 23, 31])
@pytest.mark.parametrize("peak", [0.03, 0.7, 1.02])
def test_floats_of_integer_size_become_the_sound_they_were(
    bits: int, peak: float, tmp_path: Path
) -> None:
    signal = np.concatenate([tone(1, SAMPLE_RATE, peak=peak), np.zeros(SAMPLE_RATE * 5)])
    soundfile.write(tmp_path / "in.wav", signal * 2.0**bits, SAMPLE_RATE, subtype="FLOAT")
    conversion = convert(tmp_path / "in.wav", tmp_path / "out.wav")
    written, _ = soundfile.read(tmp_path / "out.wav")
    np.testing.assert_allclose(written, signal / (2 if peak > 1 else 1), atol=1e-6)
    [remark] = conversion.remarks
    assert remark.startswith("its samples are as large as integers and were divided by ")


def test_one_monstrous_sample_does_not_make_a_recording_one_of_integers(tmp_path: Path) -> None:
    signal = tone(1, SAMPLE_RATE, peak=0.5)
    signal[100] = 200
    soundfile.write(tmp_path / "in.wav", signal, SAMPLE_RATE, subtype="FLOAT")
    convert(tmp_path / "in.wav", tmp_path / "out.wav")
    written, _ = soundfile.read(tmp_path / "out.wav")
    np.testing.assert_allclose(written[200:], signal[200:], atol=1e-6)


def test_equal_recordings_become_equal_files_whenever_they_are_converted(
    tmp_path: Path,
) -> None:
    soundfile.write(tmp_path / "in.wav", tone(1, SAMPLE_RATE), SAMPLE_RATE)
    convert(tmp_path / "in.wav", tmp_path / "out.wav")
    content = (tmp_path / "out.wav").read_bytes()
    place = content.index(b"PEAK") + 12  # name, size, version
    assert content[place : place + 4] == bytes(4)
    assert soundfile.info(tmp_path / "out.wav").frames == SAMPLE_RATE


def test_source_facts_are_reported(tmp_path: Path) -> None:
    encoded("-c:a", "libopus", rate=48_000, channels=2)(tmp_path / "a.webm")
    conversion = convert(tmp_path / "a.webm", tmp_path / "out.wav")
    assert (conversion.codec, conversion.sample_rate, conversion.channels) == ("opus", 48_000, 2)


def test_speech_at_another_rate_keeps_its_level_and_length(tmp_path: Path) -> None:
    waveform, rate = speech("LJ001-0043")
    soundfile.write(tmp_path / "in.flac", waveform, rate)
    conversion = convert(tmp_path / "in.flac", tmp_path / "out.wav")
    assert conversion.seconds == pytest.approx(len(waveform) / rate, abs=0.002)
    assert conversion.rms == pytest.approx(float(np.sqrt(np.mean(waveform**2))), rel=0.01)


def test_decoding_is_stopped_at_the_time_limit(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.flac", tone(60, SAMPLE_RATE), SAMPLE_RATE)
    with pytest.raises(StepFailed, match=r"long.flac could not be decoded within 0.002 seconds"):
        convert(tmp_path / "long.flac", tmp_path / "out.wav", time_limit_seconds=0.002)
    assert not (tmp_path / "out.wav").exists()


def test_little_bytes_that_hold_too_many_hours_are_refused_before_they_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "MAX_SECONDS", 20)
    soundfile.write(tmp_path / "zeros.flac", np.zeros(60 * 8000, np.int16), 8000)
    assert (tmp_path / "zeros.flac").stat().st_size < 10_000
    with pytest.raises(StepFailed, match=r"zeros.flac is longer than"):
        convert(tmp_path / "zeros.flac", tmp_path / "out" / "out.wav")
    assert not any((tmp_path / "out").iterdir())
