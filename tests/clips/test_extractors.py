from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ray_pipeline.clips.extractors import (
    AudioExtractor,
    SemanticExtractor,
    TextExtractor,
    load_tensor,
    save_tensor,
)
from ray_pipeline.clips.work import Clip
from ray_pipeline.core.errors import BadModelFile, StepFailed
from ray_pipeline.core.pretrained_bases import BASE_MODELS
from tests import speech
from tests.tiny_bert import make_bert
from tests.tiny_g2pw import make_g2pw


def audio_extractor(folder: Path) -> AudioExtractor:
    return AudioExtractor(
        "cpu",
        base=BASE_MODELS["nano"],
        models_dir=folder / "models",
        waves_dir=folder / "5-wav32k",
        content_dir=folder / "4-cnhubert",
    )


@pytest.mark.parametrize(
    ("wav", "reason"),
    [
        (np.zeros(32_000), "silent"),
        (np.full(1279, 0.1), "40 ms"),
        (np.full(32_000, 2.3), "2.3 times full scale"),
        (np.empty(0), "silent"),
        (np.append(np.ones(32_000), np.nan), "no numbers"),
    ],
)
def test_sound_that_cannot_be_used_is_refused_and_leaves_no_file(
    tmp_path: Path, wav: np.ndarray, reason: str
) -> None:
    path = tmp_path / "clip.wav"
    soundfile.write(path, wav, 32_000, subtype="FLOAT")
    with pytest.raises(StepFailed, match=reason) as caught:
        audio_extractor(tmp_path)(Clip("clip.wav", path=str(path)))
    assert caught.value.clip == "clip.wav"
    assert list(tmp_path.rglob("*.pt")) == []


def test_a_file_that_is_no_audio_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(b"RIFF and no more")
    with pytest.raises(StepFailed, match="cannot be read"):
        audio_extractor(tmp_path)(Clip("clip.wav", path=str(path)))


def test_clips_at_another_rate_are_brought_to_32_khz(tmp_path: Path) -> None:
    path = speech.FOLDER / speech.names()[0]
    (made,) = audio_extractor(tmp_path)(Clip("clip.flac", path=str(path)))
    written = soundfile.info(tmp_path / "5-wav32k" / "clip.flac")
    assert (written.samplerate, written.format) == (32_000, "WAV")
    assert made.details["seconds"] == pytest.approx(1.9, abs=0.01)
    assert made.files == [tmp_path / "5-wav32k/clip.flac", tmp_path / "4-cnhubert/clip.flac.pt"]


def test_english_text_needs_no_bert_and_writes_no_file(tmp_path: Path) -> None:
    extractor = TextExtractor("cpu", symbols="v2", bert_dir=tmp_path, models_dir=tmp_path)
    (made,) = extractor(Clip("clip.wav", text="Two words,\nhere.", language="en"))
    details = made.details
    assert details["phones"].startswith("T UW1 W ER1 D Z , HH IY1 R")
    assert details["word2ph"] is None
    assert "\n" not in details["norm_text"]
    assert list(tmp_path.iterdir()) == []


def test_a_chinese_clip_is_read_with_the_models_that_the_step_found(tmp_path: Path) -> None:
    make_g2pw(tmp_path)
    clips = [
        Clip("a.wav", text="这行。", language="zh"),
        Clip("b.wav", text="这行", language="yue"),
    ]
    read = {}
    for g2pw in (False, True):
        extractor = TextExtractor(
            "cpu", symbols="v2", bert_dir=tmp_path / "3-bert", models_dir=tmp_path, g2pw=g2pw
        )
        read[g2pw] = [extractor(clip)[0].details["phones"] for clip in clips]
    assert read[False][0] == ". zh e4 x ing2 ."
    assert read[True][0] == ". zh e4 h ang2 ."
    assert read[True][1] == read[False][1]


def test_a_clip_is_read_as_speech_will_be_or_as_the_original_prepares_it(tmp_path: Path) -> None:
    clip = Clip("a.wav", text="我们用GPT，占50%。", language="zh")
    read = {}
    for strict in (False, True):
        extractor = TextExtractor(
            "cpu", symbols="v2", bert_dir=tmp_path, models_dir=tmp_path, strict_compat=strict
        )
        read[strict] = extractor(clip)[0].details
    assert "JH IY1 P IY1 T IY1" in read[False]["phones"]
    assert read[False]["norm_text"] == "我们用G P T,占百分之五十."
    assert read[False]["unknown"] == []
    assert read[False]["word2ph"] is None
    assert read[True]["norm_text"] == "我们用,占五十减."
    assert read[True]["unknown"] == ["G", "P", "T", "%"]


def test_what_is_english_in_a_chinese_clip_has_no_meaning_of_its_own(tmp_path: Path) -> None:
    make_bert(tmp_path, width=8)
    clip = Clip("a.wav", text="我们喜欢GPT。", language="zh")
    extractor = TextExtractor(
        "cpu", symbols="v2", bert_dir=tmp_path / "3-bert", models_dir=tmp_path, bert=True
    )
    details = extractor(clip)[0].details
    features = load_tensor(tmp_path / "3-bert" / "a.wav.pt")
    assert features.shape == (8, len(details["phones"].split()))
    assert features[:, :8].abs().sum(0).all()
    assert not features[:, 8:].any()


def test_tensors_are_written_as_the_original_reads_them(tmp_path: Path) -> None:
    whole = torch.randn(100, 1000, requires_grad=True)
    save_tensor(whole[:, ::100].half(), tmp_path / "part.pt")
    loaded = load_tensor(tmp_path / "part.pt")
    assert loaded.dtype is torch.float32
    assert not loaded.requires_grad
    assert loaded.shape == (100, 10)
    assert (tmp_path / "part.pt").stat().st_size < 10_000


@pytest.mark.parametrize("content", [b"", b"no tensor"])
def test_damaged_features_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.wav.pt"
    path.write_bytes(content)
    with pytest.raises(StepFailed, match="extract_audio_features"):
        load_tensor(path)


def test_something_else_than_a_tensor_is_refused(tmp_path: Path) -> None:
    torch.save({"a": 1}, tmp_path / "clip.wav.pt")
    with pytest.raises(StepFailed, match="extract_audio_features"):
        load_tensor(tmp_path / "clip.wav.pt")


def test_tokens_need_a_codebook(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="codebook"):
        SemanticExtractor("cpu", codebook=tmp_path / "codebook.safetensors")
