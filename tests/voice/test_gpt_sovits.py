from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ray_pipeline.core.errors import BadModelFile, InvalidInput
from ray_pipeline.core.pretrained_bases import BERT_FOLDER
from ray_pipeline.core.speech import Reference, SpeechSettings
from ray_pipeline.models.gpt.config import tiny_gpt_config
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.text import phonemize
from ray_pipeline.text.chinese.g2pw import load_polyphones
from ray_pipeline.voice.gpt_sovits import GptSovitsVoice
from ray_pipeline.weights.files import save_gpt
from tests.tiny_bert import make_bert
from tests.tiny_g2pw import make_g2pw
from tests.voice.conftest import SPEECH

SEED_1 = SpeechSettings(seed=1)
TEXT = "Hello there. Printing is an old art."


def test_it_speaks_piece_by_piece_with_a_pause_behind_each(
    voice: GptSovitsVoice, reference: Reference
) -> None:
    speech = voice.speak(TEXT, "en", reference, SEED_1)
    assert [piece.text for piece in speech.pieces] == ["Hello there.", "Printing is an old art."]
    for piece in speech.pieces:
        assert len(piece.tokens) >= 11
        # 25 tokens a second.
        assert piece.seconds == pytest.approx(len(piece.tokens) / 25)
    spoken = sum(piece.seconds for piece in speech.pieces)
    assert speech.seconds == pytest.approx(spoken + 2 * 0.3)
    assert not speech.wav[-9600:].any()
    assert speech.wav.dtype == np.float32
    assert 0 < np.abs(speech.wav).max() <= 1


def test_a_seed_decides_the_sound(voice: GptSovitsVoice, reference: Reference) -> None:
    first = voice.speak(TEXT, "en", reference, SEED_1).wav
    again = voice.speak(TEXT, "en", reference, SEED_1).wav
    other = voice.speak(TEXT, "en", reference, SpeechSettings(seed=2)).wav
    np.testing.assert_array_equal(first, again)
    assert len(other) != len(first) or not np.array_equal(other, first)


def test_another_text_and_another_reference_change_it(
    voice: GptSovitsVoice, reference: Reference
) -> None:
    def tokens(speech_text: str, imitated: Reference) -> list[list[int]]:
        return [p.tokens for p in voice.speak(speech_text, "en", imitated, SEED_1).pieces]

    other = replace(reference, wav_path=SPEECH / "LJ001-0043.flac")
    assert tokens(TEXT, reference) != tokens("Something else is said here.", reference)
    assert tokens(TEXT, reference) != tokens(TEXT, other)


def test_speed_changes_the_length_and_not_the_tokens(
    voice: GptSovitsVoice, reference: Reference
) -> None:
    normal = voice.speak(TEXT, "en", reference, SpeechSettings(seed=1, pause_seconds=0))
    fast = voice.speak(TEXT, "en", reference, SpeechSettings(seed=1, pause_seconds=0, speed=1.6))
    assert [p.tokens for p in fast.pieces] == [p.tokens for p in normal.pieces]
    assert fast.seconds == pytest.approx(normal.seconds / 1.6, rel=0.1)


def test_only_tokens_of_the_data_are_spoken(voice: GptSovitsVoice, reference: Reference) -> None:
    usable = voice.usable_tokens
    assert usable is not None
    assert 0 < usable.sum() < 512
    speech = voice.speak(TEXT, "en", reference, SpeechSettings(seed=1, top_k=500, temperature=2.0))
    spoken = {token for piece in speech.pieces for token in piece.tokens}
    assert usable[sorted(spoken)].all()


def test_without_a_text_the_reference_gives_only_its_sound(
    voice: GptSovitsVoice, reference: Reference
) -> None:
    bare = voice.speak(TEXT, "en", Reference(reference.wav_path), SEED_1)
    assert all(len(piece.tokens) >= 11 for piece in bare.pieces)
    with_text = voice.speak(TEXT, "en", reference, SEED_1)
    assert [p.tokens for p in bare.pieces] != [p.tokens for p in with_text.pieces]


def test_a_very_short_text_gets_a_leading_stop(voice: GptSovitsVoice, reference: Reference) -> None:
    [piece] = voice.speak("A b.", "en", reference, SEED_1).pieces
    assert piece.phones[0] == "."


def test_a_text_without_words_is_refused(voice: GptSovitsVoice, reference: Reference) -> None:
    with pytest.raises(InvalidInput, match="nothing that can be said"):
        voice.speak("?!... --", "en", reference)


def test_progress_counts_to_its_end(voice: GptSovitsVoice, reference: Reference) -> None:
    told: list[tuple[int, int]] = []
    voice.speak(TEXT, "en", reference, on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (4, 4)


def test_a_gpt_of_another_base_model_is_refused(
    tmp_path: Path, weight_files: tuple[Path, Path]
) -> None:
    config = tiny_gpt_config()
    path = tmp_path / "other.ckpt"
    state = Text2Semantic(config).state_dict()
    save_gpt(path, state, config.to_export(), "GPT-e1", version="v2")
    with pytest.raises(BadModelFile, match="base model"):
        GptSovitsVoice.load(path, weight_files[1], tmp_path)


def test_a_gpt_with_another_codebook_is_refused(
    tmp_path: Path, weight_files: tuple[Path, Path]
) -> None:
    config = tiny_gpt_config()
    path = tmp_path / "other.ckpt"
    state = Text2Semantic(config).state_dict()
    save_gpt(path, state, config.to_export(), "GPT-e1", version="nano")
    with pytest.raises(BadModelFile, match="40 tokens"):
        GptSovitsVoice.load(path, weight_files[1], tmp_path)


def test_a_gpt_file_with_a_tensor_missing_is_refused(
    tmp_path: Path, weight_files: tuple[Path, Path]
) -> None:
    config = tiny_gpt_config()
    path = tmp_path / "other.ckpt"
    state = dict(Text2Semantic(config).state_dict())
    del state["bert_proj.bias"]
    save_gpt(path, state, config.to_export(), "GPT-e1", version="nano")
    with pytest.raises(BadModelFile, match=r"bert_proj\.bias"):
        GptSovitsVoice.load(path, weight_files[1], tmp_path)


def test_a_voice_forgets_a_reference_that_changed(voice: GptSovitsVoice, tmp_path: Path) -> None:
    import os
    import shutil

    path = tmp_path / "reference.flac"
    shutil.copy(SPEECH / "LJ001-0016.flac", path)
    before = voice.speak(TEXT, "en", Reference(path), SpeechSettings(seed=1, noise_scale=0))
    shutil.copy(SPEECH / "LJ001-0043.flac", path)
    os.utime(path, ns=(1, 1))
    after = voice.speak(TEXT, "en", Reference(path), SpeechSettings(seed=1, noise_scale=0))
    assert torch.is_tensor(voice.usable_tokens)
    assert len(before.wav) != len(after.wav) or not np.array_equal(before.wav, after.wav)


def test_each_language_of_a_text_is_read_in_its_own(
    voice: GptSovitsVoice, reference: Reference
) -> None:
    by_code = voice.speak("我们喜欢GPT。", "zh", reference, SEED_1).pieces[0]
    by_name = voice.speak("我们喜欢GPT。", "中英混合", reference, SEED_1).pieces[0]
    assert by_code == by_name
    assert {"x", "uan5", "JH", "IY1"} <= set(by_code.phones)
    assert by_code.unknown == []


def test_own_words_are_said_also_in_the_prompt(voice: GptSovitsVoice, reference: Reference) -> None:
    words = {"printing": ["K", "AE1", "T"]}
    plain = voice.speak(TEXT, "en", reference, SEED_1).pieces
    own = voice.speak(TEXT, "en", reference, SEED_1, dictionary=words).pieces
    assert own[0] == plain[0]
    assert own[1].phones[:3] == ["K", "AE1", "T"]
    prompt = {"the": ["K", "AE1", "T"] * 5, "calligraphy": ["K", "AE1", "T"]}
    assert voice.speak(TEXT, "en", reference, SEED_1, dictionary=prompt).pieces[0] != plain[0]


def test_an_unknown_language_is_refused_with_the_known_ones(
    voice: GptSovitsVoice, reference: Reference
) -> None:
    with pytest.raises(InvalidInput, match="auto_yue"):
        voice.speak(TEXT, "fr", reference)


def test_the_meaning_of_chinese_is_heard_where_its_model_is_present(
    weight_files: tuple[Path, Path], voice: GptSovitsVoice, reference: Reference, tmp_path: Path
) -> None:
    make_bert(tmp_path, width=1024)
    knowing = GptSovitsVoice.load(*weight_files, models_dir=tmp_path)
    english = [v.speak("Hello there.", "en", reference, SEED_1) for v in (voice, knowing)]
    np.testing.assert_array_equal(english[0].wav, english[1].wav)
    chinese = [v.speak("你好,世界GPT。", "zh", reference, SEED_1) for v in (voice, knowing)]
    assert chinese[0].pieces[0].phones == chinese[1].pieces[0].phones
    assert chinese[0].pieces[0].tokens != chinese[1].pieces[0].tokens
    read = phonemize("你好,世界GPT。", "zh")
    features = knowing._meaning(read)
    counts = [len(part.ids) for part in read.parts]
    assert [part.language for part in read.parts] == ["zh", "en"]
    assert features.shape == (1024, sum(counts))
    assert features[:, : counts[0]].abs().sum(0).all()
    assert not features[:, counts[0] :].any()


def test_a_model_that_is_not_needed_is_not_loaded(
    weight_files: tuple[Path, Path], reference: Reference, tmp_path: Path
) -> None:
    make_bert(tmp_path, width=8)  # of another width than the voice, so that use shows
    knowing = GptSovitsVoice.load(*weight_files, models_dir=tmp_path)
    assert knowing.speak("Hello there.", "en", reference, SEED_1).seconds > 0
    with pytest.raises(BadModelFile, match="8 values"):
        knowing.speak("你好。", "zh", reference, SEED_1)


def test_polyphones_are_spoken_by_their_sentence_where_their_model_is_present(
    weight_files: tuple[Path, Path], voice: GptSovitsVoice, reference: Reference, tmp_path: Path
) -> None:
    knowing = GptSovitsVoice.load(*weight_files, models_dir=tmp_path)
    make_g2pw(tmp_path)
    [plain], [asked] = (v.speak("这行。", "zh", reference, SEED_1).pieces for v in (voice, knowing))
    assert "x ing2" in " ".join(plain.phones)
    assert "h ang2" in " ".join(asked.phones)
    # As in training.
    polyphones = load_polyphones(tmp_path, tmp_path / BERT_FOLDER)
    assert asked.phones == phonemize("这行。", "zh", polyphones=polyphones).phones
    # The prompt is read so too.
    prompt = knowing._reader(SEED_1, None).prompt("这行。", "zh")
    assert prompt is not None
    assert prompt.phones == asked.phones
