"""The eleven ways to say which languages a text holds, as GPT-SoVITS's inference has them."""

from __future__ import annotations

from dataclasses import dataclass

from ray_pipeline.core.errors import InvalidInput


@dataclass(frozen=True)
class Mode:
    """How stretches of a text get their language. English letters are always English.

    `forced`: every other stretch takes this language without being looked at.
    `rest`: stretches are looked at, but what is not English takes this one.
    `hanzi`: what Chinese is read as. `whole`: no cutting at all, the text is this language.
    """

    forced: str | None = None
    rest: str | None = None
    hanzi: str = "zh"
    whole: str | None = None


MODES: dict[str, Mode] = {
    "all_zh": Mode(forced="zh"),
    "all_yue": Mode(forced="zh", hanzi="yue"),
    "all_ja": Mode(forced="ja"),
    "all_ko": Mode(forced="ko"),
    "en": Mode(whole="en"),
    "zh": Mode(rest="zh"),
    "yue": Mode(rest="yue", hanzi="yue"),
    "ja": Mode(rest="ja"),
    "ko": Mode(rest="ko"),
    "auto": Mode(),
    "auto_yue": Mode(hanzi="yue"),
}

# As GPT-SoVITS's web page writes them.
MODE_NAMES: dict[str, str] = {
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


def mode_named(name: str) -> Mode:
    """By code or by Chinese name. Raises InvalidInput for any other."""
    return MODES[mode_code(name)]


def mode_code(name: str) -> str:
    """The code of a mode given by code or by Chinese name. Raises InvalidInput for any other."""
    trimmed = name.strip()
    code = MODE_NAMES.get(trimmed, trimmed.lower())
    if code not in MODES:
        raise InvalidInput(
            f"There is no language mode {name!r}.",
            hint=f"Use one of: {', '.join(MODES)}.",
            field="language",
        )
    return code
