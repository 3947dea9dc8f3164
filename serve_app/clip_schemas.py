"""Clips on the wire: how they look, what is said in them, how good they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, FailFast, Field, StrictBool

from ray_pipeline.core.manifest import fingerprint
from ray_pipeline.core.task import MAX_SPEAKER_LENGTH, ClipTiming, Transcript
from ray_pipeline.quality.report import DataReport
from serve_app.schemas import Answer, Request


class WaveformAnswer(Answer):
    """`peaks` are [lowest, highest] of equal parts of the clip, in -1..1."""

    clip: str
    seconds: float
    peaks: list[list[float]]


class ReportAnswer(Answer):
    """`report` is null while it is being made."""

    state: Literal["working", "ready"]
    report: DataReport | None = None


class TranscriptBody(Answer):
    """`timing` says when it is spoken, null before the clip is cut. `etag` is what a PUT of
    this clip's transcript takes as `If-Match`."""

    clip: str
    text: str = Field(max_length=2000)
    language: str = Field(max_length=16)
    include: bool = True
    speaker: str = Field("", max_length=MAX_SPEAKER_LENGTH)
    source: str = "user"
    confidence: float | None = None
    timing: ClipTiming | None = None
    etag: str = ""

    @classmethod
    def of(cls, transcript: Transcript, timing: ClipTiming | None) -> Self:
        return cls(**asdict(transcript), timing=timing, etag=etag_of([transcript]))


class TranscriptsAnswer(Answer):
    transcripts: list[TranscriptBody]


class ListTaken(Answer):
    """What came of an annotation list; `problems` are sentences about rows that were not taken."""

    rows: int
    changed: int
    problems: list[str]


def etag_of(transcripts: list[Transcript]) -> str:
    """Changes with every field of every row; in quotes, as HTTP has it."""
    return f'"{fingerprint(transcripts=[asdict(item) for item in transcripts])}"'


class TranscriptChange(Request):
    """What a person may change of one clip; a field left out stays as it is."""

    text: str | None = Field(None, max_length=2000)
    language: str | None = Field(None, max_length=16)
    include: StrictBool | None = None
    speaker: str | None = Field(None, max_length=MAX_SPEAKER_LENGTH)


class TranscriptEdit(TranscriptChange):
    clip: str = Field(min_length=1, max_length=300)


class TranscriptsEdit(Request):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "transcripts": [
                        {
                            "clip": "talk.wav_0000000000_0000185280.wav",
                            "text": "Good morning, everyone.",
                        },
                        {"clip": "talk.wav_0000185280_0000300000.wav", "include": False},
                    ]
                }
            ]
        },
    )

    # The first wrong row is enough to say: ten thousand of them would be a sentence each.
    transcripts: Annotated[list[TranscriptEdit], FailFast()] = Field(max_length=10_000)


class PieceBody(Request):
    """A clip that takes the place of others; a field left out is where these begin, or end. A
    piece alone keeps their texts; of several, one without a text is heard by the recogniser."""

    start: float | None = Field(None, ge=-3600, le=86_400, allow_inf_nan=False)
    end: float | None = Field(None, ge=-3600, le=86_400, allow_inf_nan=False)
    text: str | None = Field(None, max_length=2000)


class CutClips(Request):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "clips": ["talk.wav_0000000000_0000185280.wav"],
                    "pieces": [
                        {"end": 2.4, "text": "Good morning."},
                        {"start": 2.6, "text": "How are you?"},
                    ],
                }
            ]
        },
    )

    clips: list[Annotated[str, Field(min_length=1, max_length=300)]] = Field(
        min_length=1, max_length=100
    )
    pieces: Annotated[list[PieceBody], FailFast()] = Field(min_length=1, max_length=100)


class NewClips(Answer):
    clips: list[str]


class CutRecording(Answer):
    recording: str
    clips: list[str]


class CutsAnswer(Answer):
    cuts: list[CutRecording]
