from __future__ import annotations

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
