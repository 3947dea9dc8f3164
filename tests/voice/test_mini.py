"""A voice of the base mini, whose networks have learned nothing, through the door of all voices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ray_pipeline.core.errors import BadModelFile, InvalidInput
from ray_pipeline.core.speech import Reference, SpeechSettings
from ray_pipeline.models.mini.config import SPEAKER_DIM, tiny_config
from ray_pipeline.models.mini.files import new_base, save_durations, save_synthesizer
from ray_pipeline.models.mini.tokens import with_edges
from ray_pipeline.voice.recording import Order, speak_to_file
from ray_pipeline.voice.speech import Said, Voice
from ray_pipeline.voice.untrained import save_untrained_voice
from ray_pipeline.voice.voice import load_voice

NOBODY = Reference(Path("nobody.wav"))
TEXT = "Hello there. Printing is an old art."


@pytest.fixture(scope="module")
def weight_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    torch.manual_seed(0)
    folder, config = tmp_path_factory.mktemp("mini"), tiny_config()
    base = new_base(config)
    gpt, sovits = folder / "amy-e1.safetensors", folder / "amy_e1_s1.safetensors"
    save_durations(gpt, base.durations, torch.zeros(SPEAKER_DIM), config)
    save_synthesizer(sovits, base.synthesizer, config)
    return gpt, sovits


@pytest.fixture(scope="module")
def voice(weight_files: tuple[Path, Path]) -> Voice:
    return load_voice(*weight_files, models_dir=Path("nowhere"))


def test_it_speaks_piece_by_piece_with_a_pause_behind_each(voice: Voice) -> None:
    told: list[tuple[int, int]] = []
    speech = voice.speak(
        TEXT, "en", NOBODY, on_progress=lambda done, total: told.append((done, total))
    )
    assert [piece.text for piece in speech.pieces] == ["Hello there.", "Printing is an old art."]
    for piece in speech.pieces:
        assert piece.seconds == pytest.approx(len(piece.tokens) / voice.tokens_per_second)
    assert speech.seconds == pytest.approx(sum(p.seconds for p in speech.pieces) + 2 * 0.3)
    assert np.abs(speech.wav).max() <= 1
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_seed_decides_the_sound_and_a_reference_does_not(voice: Voice) -> None:
    first = voice.speak(TEXT, "en", NOBODY, SpeechSettings(seed=1)).wav
    again = voice.speak(TEXT, "en", Reference(Path("else.wav")), SpeechSettings(seed=1)).wav
    other = voice.speak(TEXT, "en", NOBODY, SpeechSettings(seed=2)).wav
    np.testing.assert_array_equal(first, again)
    assert len(first) == len(other)
    assert not np.array_equal(first, other)


def test_speed_and_energy_are_heard(voice: Voice) -> None:
    normal = voice.speak(TEXT, "en", NOBODY, SpeechSettings(pause_seconds=0))
    fast = voice.speak(TEXT, "en", NOBODY, SpeechSettings(pause_seconds=0, speed=2.0))
    quiet = voice.speak(TEXT, "en", NOBODY, SpeechSettings(pause_seconds=0, energy=0.5))
    assert fast.seconds < 0.8 * normal.seconds
    assert np.abs(quiet.wav).max() == pytest.approx(np.abs(normal.wav).max() / 2, rel=0.01)


@pytest.mark.parametrize("text", ["안녕하세요 여러분", "Hello there, 안녕하세요."])
def test_a_language_that_the_base_has_not_learned_is_refused(voice: Voice, text: str) -> None:
    with pytest.raises(InvalidInput, match="does not speak 'ko'"):
        voice.speak(text, "auto", NOBODY)


def test_own_words_are_said(voice: Voice) -> None:
    said = voice.speak("Hello Ray.", "en", NOBODY, dictionary={"Ray": ["K", "AE1", "T"]})
    assert "K AE1 T" in " ".join(said.pieces[0].phones)


def test_an_order_becomes_a_wav_and_facts(weight_files: tuple[Path, Path], tmp_path: Path) -> None:
    order = Order(*weight_files, NOBODY, "Hello there.", "en", SpeechSettings(energy=4.0))
    facts = speak_to_file(order, Path("nowhere"), tmp_path / "said.wav")
    assert soundfile.info(tmp_path / "said.wav").samplerate == 32000
    assert (facts["base_model"], facts["limit_tokens"]) == ("mini", None)
    assert facts["tokens_per_second"] == 50


def test_files_of_two_families_make_no_voice(
    weight_files: tuple[Path, Path], tmp_path: Path
) -> None:
    gpt, sovits = save_untrained_voice(tmp_path)
    for pair in ((gpt, weight_files[1]), (weight_files[0], sovits)):
        with pytest.raises(BadModelFile):
            load_voice(*pair, models_dir=Path("nowhere"))


def test_words_have_times_and_marks_have_none(voice: Voice) -> None:
    reading = voice.read("Well, 42 birds sing.", "en", NOBODY, SpeechSettings(cut="cut0"))
    maker = voice.token_maker(1)
    maker.begin(reading, 0, 0)
    [(_, said)] = maker.step()
    words = reading.words(0, said)
    assert [word.word for word in words] == ["Well", "forty-two", "birds", "sing"]
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times)
    comma = words[1].start - words[0].end
    assert comma >= 0.02, "a comma has a frame of its own"
    assert words[2].start == words[1].end
    assert times[0] > 0
    assert times[-1] < len(said.tokens) / voice.tokens_per_second


def test_words_begin_and_end_where_the_tokens_of_their_phones_do(voice: Voice) -> None:
    reading = voice.read("Cool lamps.", "en", NOBODY)  # two equal phones meet between the words
    phones = reading.pieces[0].ids
    assert phones[2] == phones[3]
    frames = np.arange(3, 3 + len(phones) + 2)
    tokens = np.repeat(with_edges(phones), frames)
    first, second = reading.words(0, Said(tokens.tolist(), ended=True))
    assert first.start == pytest.approx(3 / 50)
    assert second.end == pytest.approx(int(frames[:-2].sum()) / 50)
    shared = int(frames[:3].sum()), int(frames[:5].sum())
    assert first.end == second.start == pytest.approx(sum(shared) / 2 / 50)
