"""Numbers of the original are checked by the golden case `mel`; here: shapes, edges, scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ray_pipeline.audio.spectrogram import mel_filters, mel_spectrogram, spec_to_mel, spectrogram


@pytest.mark.parametrize("num_samples", [705, 20479, 20480, 32000, 33333])
def test_a_frame_for_every_whole_hop(num_samples: int) -> None:
    assert spectrogram(torch.zeros(num_samples)).shape == (1, 1025, num_samples // 640)


def test_a_pure_tone_peaks_in_its_bin() -> None:
    hz = 100 * 32000 / 2048
    tone = torch.sin(2 * torch.pi * hz * torch.arange(32000) / 32000)
    assert (spectrogram(tone)[0, :, 5:-5].argmax(0) == 100).all()


def test_too_short_audio_is_refused_with_its_length() -> None:
    with pytest.raises(ValueError, match="704 samples are too few"):
        spectrogram(torch.zeros(704))


@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "num_mels", "fmin", "fmax"),
    [(32000, 2048, 128, 0.0, None), (32000, 1024, 80, 0.0, 8000.0), (16000, 512, 40, 50.0, 7000.0)],
)
def test_mel_filters_equal_librosas(
    sample_rate: int, n_fft: int, num_mels: int, fmin: float, fmax: float | None
) -> None:
    librosa_filters = pytest.importorskip("librosa.filters")
    want = librosa_filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=num_mels, fmin=fmin, fmax=fmax)
    got = mel_filters(sample_rate, n_fft, num_mels, fmin, fmax).numpy()
    np.testing.assert_allclose(got, want, atol=1e-7)


def test_small_windows_and_batches_work_alike() -> None:
    wav = torch.rand(2, 6400) - 0.5
    together = mel_spectrogram(wav, 512, 128, 512, num_mels=40)
    apart = torch.cat([mel_spectrogram(row, 512, 128, 512, num_mels=40) for row in wav])
    assert together.shape == (2, 40, 50)
    torch.testing.assert_close(together, apart)


def test_mel_lets_a_gradient_through() -> None:
    wav = (torch.rand(1, 6400) - 0.5).requires_grad_()
    spec_to_mel(spectrogram(wav)).sum().backward()
    assert wav.grad is not None
    assert wav.grad.abs().sum() > 0
