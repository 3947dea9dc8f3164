"""The eleven ways to say which languages a text holds, as GPT-SoVITS's inference has them."""

from __future__ import annotations

from dataclasses import dataclass

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.languages import mode_code


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


def mode_named(name: str) -> Mode:
    """By code or by name. Raises InvalidInput for any other."""
    return MODES[known_mode(name)]


def known_mode(name: str) -> str:
    """The code of a mode given by code or by name. Raises InvalidInput for any other."""
    code = mode_code(name)
    if code not in MODES:
        raise InvalidInput(
            f"There is no language mode {name!r}.",
            hint=f"Use one of: {', '.join(MODES)}.",
            field="language",
        )
    return code
