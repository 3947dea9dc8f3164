import numpy as np

from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.speaking.order import Finished, PieceEnd, Sound, Started
from ray_pipeline.speaking.subtitles import Cue, Cues


def _sound(piece: int, seconds: float) -> Sound:
    return Sound(piece, np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32))


def _heard() -> Cues:
    cues = Cues()
    for part in (
        Started(2, []),
        _sound(0, 1.0),
        _sound(0, 0.8),  # with the pause of 0.3 s
        PieceEnd(0, "First,\nthen", 1.5, 40, 1),
        _sound(1, 3661.0),
        PieceEnd(1, "a < b & c", 3660.75, 9, 1),
        Finished(3662.8, 2, ""),
    ):
        cues.hear(part)
    return cues


def test_a_piece_is_a_cue_that_ends_before_the_pause() -> None:
    first, second = _heard().cues
    assert first == Cue(0.0, 1.5, "First, then")
    assert second.start == 1.8


def test_srt_numbers_its_cues_and_writes_a_comma() -> None:
    assert _heard().as_srt() == (
        "1\n00:00:00,000 --> 00:00:01,500\nFirst, then\n\n"
        "2\n00:00:01,800 --> 01:01:02,550\na < b & c\n"
    )


def test_vtt_has_a_head_and_escapes_what_would_be_markup() -> None:
    assert _heard().as_vtt() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nFirst, then\n\n"
        "00:00:01.800 --> 01:01:02.550\na &lt; b &amp; c\n"
    )
