"""Languages, by code and by every name that is in use for them.

Two things have a language. A clip, and with it a task, is in one of five: `Language`; a task may
leave it open: `TaskLanguage`. A text that is to be spoken may mix them, and `LanguageMode` says
how it is read: `zh` is Chinese with English words in it, `auto` looks at each word.
text/mixed/modes.py has what each mode does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator

LanguageCode = Literal["zh", "en", "ja", "ko", "yue"]
ModeCode = Literal[
    "zh", "en", "ja", "ko", "yue", "auto", "auto_yue", "all_zh", "all_ja", "all_ko", "all_yue"
]
LANGUAGES: tuple[str, ...] = get_args(LanguageCode)
MODE_CODES: tuple[str, ...] = get_args(ModeCode)
WRITTEN_WITHOUT_SPACES = ("zh", "ja", "yue")

_LANGUAGE_NAMES = (
    dict.fromkeys(("中文", "汉语", "普通话", "chinese", "mandarin", "cmn", "zho", "cn"), "zh")
    | dict.fromkeys(("粤语", "粵語", "cantonese"), "yue")
    | dict.fromkeys(("英文", "英语", "english", "eng"), "en")
    | dict.fromkeys(("日文", "日语", "日本語", "japanese", "jpn", "jp"), "ja")
    | dict.fromkeys(("韩文", "韩语", "한국어", "korean", "kor", "kr"), "ko")
    | dict.fromkeys(("多语种混合", "automatic"), "auto")
)
# As GPT-SoVITS's web page writes them. There 中文 is Chinese alone, and English apart from it.
_MODE_NAMES = {
    "中文": "all_zh",
    "粤语": "all_yue",
    "日文": "all_ja",
    "韩文": "all_ko",
    "英文": "en",
    "中英混合": "zh",
    "粤英混合": "yue",
    "日英混合": "ja",
    "韩英混合": "ko",
    "多语种混合": "auto",
    "多语种混合(粤语)": "auto_yue",
}
MODE_NAMES: Mapping[str, str] = _MODE_NAMES
# What is spoken there, whatever the first part of the tag says.
_CANTONESE_TAGS = ("zh-hk", "zh-mo", "zh-yue")


def language_code(name: str) -> str:
    """The code of a language given by code, by name (中文, English …) or by a tag such as
    `ZH-CN` or `en_US` (BCP 47); what is none of these comes back in lower case."""
    trimmed = name.strip().lower()
    if trimmed in _LANGUAGE_NAMES:
        return _LANGUAGE_NAMES[trimmed]
    tag = trimmed.replace("_", "-")
    if tag.startswith(_CANTONESE_TAGS):
        return "yue"
    first, *rest = tag.split("-")
    is_tag = all(re.fullmatch("[a-z0-9]{2,8}", part) for part in rest)
    code = _LANGUAGE_NAMES.get(first, first)
    return code if is_tag and code in LANGUAGES else trimmed


def mode_code(name: str) -> str:
    """The code of a mode given as on GPT-SoVITS's web page, or as `language_code` takes it;
    what is none of these comes back in lower case."""
    trimmed = name.strip().lower()
    mode = _MODE_NAMES.get(trimmed, trimmed)
    return mode if mode in MODE_CODES else language_code(trimmed)


def clip_language(name: str) -> str | None:
    """The code for what a `.list` file or a recogniser calls a language; None for one that
    cannot be trained on."""
    code = language_code(name)
    return code if code in LANGUAGES else None


def guess_language(text: str) -> str:
    """By script: any kana is Japanese, any hangul Korean, any other han Chinese, else English."""
    if any("\u3040" <= character <= "\u30ff" for character in text):
        return "ja"
    if any("\uac00" <= character <= "\ud7a3" for character in text):
        return "ko"
    if any("\u3400" <= character <= "\u9fff" for character in text):
        return "zh"
    return "en"


def _if_text(value: Any, code: Any) -> Any:
    return code(value) if isinstance(value, str) else value


_by_name = BeforeValidator(lambda value: _if_text(value, language_code))
Language = Annotated[LanguageCode, _by_name]
TaskLanguage = Annotated[Literal["zh", "en", "ja", "ko", "yue", "auto"], _by_name]
LanguageMode = Annotated[ModeCode, BeforeValidator(lambda value: _if_text(value, mode_code))]
