"""What came of the requests for an alias that tries a version, as answers have it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Self

from pydantic import Field

from ray_pipeline.core.trials import Trial
from serve_app.schemas import Answer
from serve_app.voice_schemas import AliasAnswer


class TriedAnswer(Answer):
    """What came of the requests that one version got."""

    version: int = Field(description="of the voice")
    is_canary: bool = Field(description="whether it is the one that is tried")
    requests: int = Field(description="that it got, but for those of a load nobody could bear")
    refused: int = Field(description="of them, because the version cannot do what was asked")
    failed: int = Field(description="of them, because something broke")
    left: int = Field(description="of them, because the client went away before the end")
    with_lost: int = Field(description="of them, with a piece that came out badly")
    with_gaps: int = Field(description="of them, that left a listener in silence for over 0.1 s")
    pieces: int = Field(description="that were said")
    retries: int = Field(description="how often one was said again")
    lost: int = Field(description="of the pieces, those whose best attempt has a problem")
    sound_seconds: float = Field(description="of speech")
    gap_seconds: float = Field(description="of silence while a listener had to wait")
    first_sound_seconds: float | None = Field(
        description="until the first sound, on average; null: there was none"
    )
    timbre_distance: float | None = Field(
        description="of the sound from the recording it imitates, on average; null: none was long "
        "enough"
    )
    cer: float | None = Field(
        description="wrong letters a letter, of pieces that were recognised; null: none was"
    )

    @classmethod
    def of(cls, trial: Trial, *, is_canary: bool) -> Self:
        counts = asdict(trial.counts)
        total, first_sounds = counts.pop("first_sound_seconds"), counts.pop("first_sounds")
        distance, timbres = counts.pop("timbre_distance"), counts.pop("timbres")
        errors, letters = counts.pop("letter_errors"), counts.pop("letters")
        return cls(
            **counts,
            version=trial.version,
            is_canary=is_canary,
            first_sound_seconds=total / first_sounds if first_sounds else None,
            timbre_distance=distance / timbres if timbres else None,
            cer=errors / letters if letters else None,
        )


class TrialAnswer(Answer):
    """The versions that an alias sends requests to, side by side."""

    alias: AliasAnswer = Field(description="with the share, and why it may have become 0")
    versions: list[TriedAnswer] = Field(description="by number; those that got a request")
