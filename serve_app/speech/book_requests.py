"""What a request for a long text may hold."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from serve_app.schemas import Request
from serve_app.speech.openai_schemas import SpokenRequest

MAX_TEXT = 2_000_000
MAX_CHAPTERS = 500


class SentChapter(Request):
    title: str = Field(
        "", max_length=300, description="for people; it is said where the text has it"
    )
    text: str = Field(min_length=1, max_length=MAX_TEXT, description="what is said, or SSML")


class BookRequest(SpokenRequest):
    """A long text: `input`, where headings (`# One`) begin chapters, or `chapters`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"title": "A tale", "voice": "anna", "input": "# One\n\nIt was dark.\n\n# Two\n\n…"}
            ]
        },
    )

    title: str = Field(max_length=300, min_length=1, description="what the book is called")
    input: str = Field("", max_length=MAX_TEXT, description="what is said; # begins a chapter")
    chapters: list[SentChapter] = Field(
        default_factory=list, max_length=MAX_CHAPTERS, description="instead of `input`"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.input) == bool(self.chapters):
            raise ValueError("give either input or chapters")
        if sum(len(chapter.text) for chapter in self.chapters) > MAX_TEXT:
            raise ValueError(f"the chapters have over {MAX_TEXT} characters together")
        return self
