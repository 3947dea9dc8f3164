from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ray_pipeline.core.languages import (
    LANGUAGES,
    MODE_CODES,
    LanguageMode,
    TaskLanguage,
    clip_language,
    guess_language,
)
from ray_pipeline.text import supported_languages
from ray_pipeline.text.mixed import MODES

TASK: TypeAdapter[Any] = TypeAdapter(TaskLanguage)
MODE: TypeAdapter[Any] = TypeAdapter(LanguageMode)


@pytest.mark.parametrize(
    ("name", "code"),
    {
        **{"ZH": "zh", "jp": "ja", "粤语": "yue", "Korean": "ko", " 中文 ": "zh", "cmn-Hans": "zh"},
        **{"ZH-CN": "zh", "en-US": "en", "en_us": "en", "zh-Hans-CN": "zh", "ja-JP": "ja"},
        **{"zh-HK": "yue", "zh-yue": "yue", "yue-Hant-HK": "yue"},
    }.items(),
)
def test_a_language_has_many_names(name: str, code: str) -> None:
    assert clip_language(name) == code
    assert TASK.validate_python(name) == code


@pytest.mark.parametrize("name", ["fr", "fr-FR", "klingon", "", "en-", "en-us!", "zh/CN"])
def test_any_other_language_is_refused(name: str) -> None:
    assert clip_language(name) is None
    for kind in (TASK, MODE):
        with pytest.raises(ValidationError):
            kind.validate_python(name)


def test_a_clip_has_a_language_a_task_may_leave_it_open() -> None:
    assert clip_language("AUTO") is None
    assert TASK.validate_python("AUTO") == "auto"


@pytest.mark.parametrize(
    ("name", "mode"),
    {
        **{"中文": "all_zh", "粤语": "all_yue", "中英混合": "zh", "多语种混合(粤语)": "auto_yue"},
        **{"Chinese": "zh", "en-GB": "en", "ALL_JA": "all_ja", "日语": "ja", "auto": "auto"},
    }.items(),
)
def test_a_mode_is_named_as_on_the_original_page_or_as_a_language(name: str, mode: str) -> None:
    assert MODE.validate_python(name) == mode


def test_the_tables_of_text_are_about_the_same_codes() -> None:
    assert sorted(supported_languages()) == sorted(LANGUAGES)
    assert sorted(MODES) == sorted(MODE_CODES)


@pytest.mark.parametrize(
    ("text", "code"),
    [("Hello", "en"), ("你好", "zh"), ("日本の", "ja"), ("안녕", "ko"), ("2026", "en")],
)
def test_language_is_guessed_by_script(text: str, code: str) -> None:
    assert guess_language(text) == code
