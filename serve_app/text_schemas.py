"""How a text is read, on the wire."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import ConfigDict, Field, StrictBool

from ray_pipeline.core.languages import LanguageMode
from ray_pipeline.text import Phones
from serve_app.schemas import Answer, Request


class PhonemizeRequest(Request):
    """`language` is a mode by code or Chinese name: zh, en, ja, ko, yue, auto, auto_yue, all_zh,
    all_ja, all_ko, all_yue; docs/text.md says what each does."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": "我们喜欢GPT。", "language": "zh"}]},
    )

    text: str = Field(min_length=1, max_length=2000)
    language: LanguageMode
    symbols: Literal["v1", "v2"] = Field("v2", description="v1 only for the base model v1")
    strict_compat: StrictBool = Field(
        False, description="true: as GPT-SoVITS reads it, mistakes included"
    )


class PartAnswer(Answer):
    """What was read in one language."""

    language: str
    norm_text: str
    phones: list[str]
    ids: list[int]
    word2ph: list[int] | None


class PhonesAnswer(Answer):
    """`ids` are rows of the voice's embedding, one a phone. `word2ph` counts phones by characters
    of `norm_text`, null where a language does not. `unknown` is what nobody can say."""

    norm_text: str
    phones: list[str]
    ids: list[int]
    word2ph: list[int] | None
    unknown: list[str]
    parts: list[PartAnswer]

    @classmethod
    def of(cls, phones: Phones) -> Self:
        return cls.model_validate(phones)
