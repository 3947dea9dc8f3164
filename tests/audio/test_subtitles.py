from __future__ import annotations

from itertools import pairwise

from ray_pipeline.audio.subtitles import cues_of, subtitles


def test_pieces_become_cues_in_both_formats() -> None:
    pieces = [
        {"text": " Good morning. ", "start": 0.0, "end": 1.2345, "problem": ""},
        {"text": "R&D <b>", "start": 3599.9996, "end": 3661.5, "problem": ""},
    ]
    cues = cues_of(pieces)
    assert subtitles(cues, "srt") == (
        "1\n00:00:00,000 --> 00:00:01,234\nGood morning.\n\n"
        "2\n01:00:00,000 --> 01:01:01,500\nR&D <b>\n"
    )
    assert subtitles(cues, "vtt") == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.234\nGood morning.\n\n"
        "01:00:00.000 --> 01:01:01.500\nR&amp;D &lt;b&gt;\n"
    )
    assert cues_of([{"text": " ", "start": 0, "end": 1}]) == []


def test_words_with_times_are_told_apart_in_vtt() -> None:
    words = [
        {"text": "Good", "start": 0.1, "end": 0.4},
        {"text": "morning", "start": 0.4, "end": 1.0},
    ]
    [cue] = cues_of([{"text": "Good morning.", "start": 0.1, "end": 1.2, "words": words}])
    assert "Good <00:00:00.400>morning." in subtitles([cue], "vtt")
    assert "Good morning." in subtitles([cue], "srt")


def test_a_long_piece_is_shared_out_at_words_where_they_have_times() -> None:
    names = [f"word{number}" for number in range(30)]
    words = [{"text": name, "start": n / 2, "end": n / 2 + 0.4} for n, name in enumerate(names)]
    piece = {"text": ", ".join(names) + ".", "start": 0.0, "end": 15.0}
    [whole] = cues_of([piece])
    assert whole.text == piece["text"]
    cues = cues_of([{**piece, "words": words}])
    assert " ".join(cue.text for cue in cues) == piece["text"]
    assert max(len(cue.text) for cue in cues) <= 84
    assert (cues[0].start, cues[-1].end) == (0.0, 15.0)
    assert cues[1].start == float(cues[1].words[0].start)
    assert all(a.end <= b.start for a, b in pairwise(cues))
