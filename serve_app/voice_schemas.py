"""What routes about kept voices take and answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, model_validator

from ray_pipeline.core.languages import MODE_CODES, mode_code
from ray_pipeline.core.speech import Delivery
from ray_pipeline.core.voice_names import HIGHEST_VERSION
from ray_pipeline.core.voices import VoiceAlias, VoiceRecord, VoiceVersion
from serve_app.schemas import Answer, Request

_ID = "5f0c9f0e-2b6d-4a57-9f61-0a4d6a1f7c11"


def _spoken(language: Any) -> Any:
    if not isinstance(language, str) or language == "":
        return language
    mode = mode_code(language)
    if mode not in MODE_CODES:
        raise ValueError(f"no language that a voice speaks; use one of {', '.join(MODE_CODES)}")
    return mode


Spoken = Annotated[str, BeforeValidator(_spoken)]
Name = Annotated[str, Field(max_length=200, description="what requests call the voice by")]
Language = Annotated[Spoken, Field(description="what it speaks where a request names nothing")]
Owner = Annotated[str, Field(max_length=200, description="whose voice it is")]
Consent = Annotated[str, Field(max_length=4000, description="who agreed to what, and when")]
Note = Annotated[str, Field(max_length=1000, description="what this version is, for people")]
VersionNumber = Annotated[int, Field(ge=1, le=HIGHEST_VERSION)]
Promote = Annotated[StrictBool, Field(description="let the new version speak from now on")]
TrainedWith = Annotated[str, Field(max_length=64, description="the task that trained it")]
Params = Annotated[
    dict[str, Any],
    Field(
        description="options of test_inference: gpt_model, sovits_model, ref_audio, ref_text, "
        "ref_language, top_k …; what is left out is as it spoke last"
    ),
]


class NewVoice(Request):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "anna", "task_id": _ID, "consent": "She agreed."}]
        },
    )

    name: Name
    task_id: TrainedWith
    language: Language = ""
    owner: Owner = ""
    consent: Consent = ""
    note: Note = ""
    params: Params = Field(default_factory=dict)


class NewVersion(Request):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"task_id": _ID}]})

    task_id: TrainedWith
    note: Note = ""
    promote: Promote = False
    params: Params = Field(default_factory=dict)


class SentReference(Request):
    """What is said of one of the recordings that were sent."""

    file: str = Field(max_length=300, description="the recording's file name, as it was sent")
    mood: str = Field("default", description="what requests call the recording by")
    text: str = Field("", max_length=1000, description="what is said in it")
    language: Spoken = Field("", description="what is spoken in it; default: guessed by `text`")


class SentVersion(Request):
    """The text fields of a form; files come beside them in the field `file`."""

    note: Note = ""
    promote: StrictBool = False
    mood: str = Field("default", description="of a single recording")
    reference_text: str = Field("", max_length=1000, description="what a single recording says")
    reference_language: Spoken = Field("", description="what is spoken in it")
    references: list[SentReference] = Field(
        default_factory=list, max_length=32, description="JSON: of several recordings, one by one"
    )
    settings: Delivery = Field(
        default_factory=Delivery, description="JSON: how the voice likes to speak"
    )
    base_model: str | None = Field(
        None, description="no weights were sent: this base model speaks as the recording does"
    )


class SentVoice(SentVersion):
    name: Annotated[str, Field(max_length=200)] = ""
    language: Spoken = ""
    owner: Owner = ""
    consent: Consent = ""


class VoiceChange(Request):
    """What is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"disabled": True, "reason": "She withdrew her consent."}]},
    )

    name: str | None = Field(None, max_length=200, description="a new name; the id stays")
    language: Spoken | None = Field(None, description="what it speaks without being told")
    owner: str | None = Field(None, max_length=200, description="whose voice it is")
    consent: str | None = Field(None, max_length=4000, description="who agreed to what, and when")
    disabled: StrictBool | None = Field(
        None, description="true takes the voice out of use: requests for it get 410 and `reason`"
    )
    reason: str = Field("", max_length=1000, description="why it is disabled")

    @model_validator(mode="after")
    def _with_reason(self) -> Self:
        if self.disabled and not self.reason.strip():
            raise ValueError("give the reason why the voice is disabled")
        if self.reason and not self.disabled:
            raise ValueError("a reason needs disabled: true")
        return self

    @property
    def changes(self) -> dict[str, str]:
        """Fields of VoiceRecord."""
        found = self.model_dump(exclude={"disabled", "reason"}, exclude_none=True)
        if self.disabled is not None:
            found["disabled_reason"] = self.reason.strip()
        return found


class Promotion(Request):
    version: VersionNumber = Field(description="the version that is to speak")


class KeptFileAnswer(Answer):
    name: str = Field(description="what it was called")
    sha256: str = Field(description="of its content")
    size: int = Field(description="in bytes")


class ReferenceAnswer(Answer):
    """A recording that is imitated."""

    mood: str = Field(description="what requests call it by")
    audio: KeptFileAnswer = Field(description="the recording; …/references/{mood} plays it")
    text: str = Field(description="what is said in it; empty: only its sound is imitated")
    language: str = Field(description="what is spoken in it")


class VersionAnswer(Answer):
    """A version never changes."""

    voice_id: str = Field(description="the voice that it is of")
    number: int = Field(description="1, 2, 3 …; NAME@3 speaks with the third")
    base_model: str = Field(description="what it was trained from")
    gpt: KeptFileAnswer = Field(description="weights of the first stage")
    sovits: KeptFileAnswer = Field(description="weights of the second stage")
    references: list[ReferenceAnswer] = Field(description="recordings to imitate, by mood")
    settings: dict[str, Any] = Field(description="how it likes to speak, where not as usual")
    dictionary: dict[str, Any] = Field(description="its own words with their phones")
    metrics: dict[str, Any] = Field(description="what its trainings said of themselves")
    lineage: dict[str, Any] = Field(description="where it came from: task, steps, hashes, code")
    note: str = Field(description="what it is, for people")
    created_at: datetime = Field(description="when it was kept (UTC)")

    @classmethod
    def of(cls, version: VoiceVersion) -> Self:
        return cls.model_validate(version)


class VersionsAnswer(Answer):
    versions: list[VersionAnswer] = Field(description="oldest first")


class VoiceAnswer(Answer):
    voice_id: str = Field(description="stays when the voice is renamed")
    name: str = Field(description="what requests call it by")
    language: str = Field(description="what it speaks where a request names nothing")
    owner: str = Field(description="whose voice it is")
    consent: str = Field(description="who agreed to what; empty: nobody has said")
    disabled_reason: str = Field(description="why it speaks no more; empty: it speaks")
    current: int = Field(description="the version that speaks")
    previous: int | None = Field(description="the one that a rollback returns to")
    base_model: str = Field(description="of the version that speaks")
    moods: list[str] = Field(description="of its recordings to imitate")
    aliases: list[str] = Field(description="its other names")
    created_at: datetime = Field(description="when it was first kept (UTC)")
    updated_at: datetime = Field(description="when something but its versions changed (UTC)")

    @classmethod
    def of(cls, voice: VoiceRecord, version: VoiceVersion, aliases: Sequence[VoiceAlias]) -> Self:
        mine = [alias.name for alias in aliases if alias.voice_id == voice.voice_id]
        moods = [reference.mood for reference in version.references]
        return cls(**vars(voice), base_model=version.base_model, moods=moods, aliases=mine)


class VoicesAnswer(Answer):
    voices: list[VoiceAnswer] = Field(description="by name")


class VoiceDeleted(Answer):
    message: str = Field(description="what was done, in a sentence")
    name: str = Field(description="what is there no more")


class AliasBody(Request):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"voice": "anna", "canary_version": 2, "canary_share": 0.1}]
        },
    )

    voice: str = Field(max_length=200, description="the voice's name or id")
    version: VersionNumber | None = Field(None, description="pinned; default: its current one")
    canary_version: VersionNumber | None = Field(None, description="gets its share of the requests")
    canary_share: float = Field(0.0, ge=0, le=1, description="0.1: every tenth request")
    rollback_after: int | None = Field(
        None,
        ge=10,
        le=1_000_000,
        description="set the share to 0 if the canary is seen to be worse after so many of its "
        "requests, or twice as many, four times …; default: never",
    )


class AliasAnswer(Answer):
    name: str = Field(description="the other name")
    voice: str = Field(description="the name of the voice that it means")
    voice_id: str = Field(description="its id")
    version: int | None = Field(description="pinned; null: the voice's current one")
    canary_version: int | None = Field(description="gets its share of the requests")
    canary_share: float = Field(description="how many of them, 0 to 1")
    rollback_after: int | None = Field(description="when the canary may be taken back by itself")
    rolled_back: str = Field(description="why it was, in a sentence; empty: it was not")

    @classmethod
    def of(cls, alias: VoiceAlias, voice: VoiceRecord) -> Self:
        return cls(**vars(alias), voice=voice.name)


class AliasesAnswer(Answer):
    aliases: list[AliasAnswer] = Field(description="by name")
