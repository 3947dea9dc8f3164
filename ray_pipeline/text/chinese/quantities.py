"""Dates, times, units, sums, telephone numbers and plain numbers, in hanzi.

`spell_out` is one pass of rules in a fixed order, that of GPT-SoVITS; a rule may leave digits
for a later one. Units, measure words and rules are PaddleSpeech's (Apache-2.0) as GPT-SoVITS has
changed them; NOTICE.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from re import Match

from ray_pipeline.text.chinese import numbers

Rule = tuple[re.Pattern[str], str | Callable[[Match[str]], str]]

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?|\.[0-9]+"

# By plain substring and in this order, as the original does: mm is 米米.
_UNITS = {
    "cm2": "平方厘米",
    "cm²": "平方厘米",
    "cm3": "立方厘米",
    "cm³": "立方厘米",
    "cm": "厘米",
    "db": "分贝",
    "ds": "毫秒",
    "kg": "千克",
    "km": "千米",
    "m2": "平方米",
    "m²": "平方米",
    "m³": "立方米",
    "m3": "立方米",
    "ml": "毫升",
    "m": "米",
    "mm": "毫米",
    "s": "秒",
}
_RANGE_UNIT = "|".join(map(re.escape, ("%", "°C", "℃", "度", "摄氏度", *_UNITS)))

_MEASURE_CHARACTERS = (
    "封艘把目套段人所朵匹张座回场尾条个首阙阵网炮顶丘棵只支袭辆挑担颗壳窠曲墙群腔砣座客贯扎捆刀令打手罗坡山"
    "岭江溪钟队单双对出口头脚板跳枝件贴针线管名位身堂课本页家户层丝毫厘分钱两斤铢石钧锱忽寸尺丈里寻常铺程米撮"
    "勺合升斗盘碗碟叠桶笼盆盒杯斛锅簋篮罐瓶壶卮盏箩箱煲啖袋钵年月日季刻时周天秒旬纪岁世更夜春夏秋冬代伏辈丸泡"
    "粒幢堆根道面片块元角处台架枚趟幅平方堵间床株批项例列篇栋注亩毛"
    # The same in traditional characters, for Cantonese.
    "張場條個頂陣網隻襲輛擔顆殼牆貫紮捆羅嶺鐘隊單雙對頭腳線課頁層釐錢兩銖鈞尋鬥盤疊籠鍾鍋籃罐壺盞籮箱缽時週紀"
    "歲輩處臺間項欄棟畝塊"
)
_MEASURE_WORDS = (
    r"[千毫微]克|公分|[千分厘毫微]米|小时|(?:亿|千万|百万|万|千|百|美)元|(?:亿|千万|百万|万|千|百|十)吨|吨"
    r"|(?:亿|千万|百万|万|千|百)块|亿|千万|百万|万|千|百|公[里丈尺寸分]"
)
MEASURE = rf"(?:{_MEASURE_WORDS}|[{_MEASURE_CHARACTERS}])"
_POWERS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹ˣʸⁿ", "零一二三四五六七八九xyn", strict=True))
_OPERATORS = {"+": "加", "-": "减", "×": "乘", "÷": "除", "=": "等于"}
_OPERAND = r"(?:-?[0-9]+(?:\.[0-9]+)?|\.[0-9]+|[A-Za-z])[⁰¹²³⁴⁵⁶⁷⁸⁹ˣʸⁿ]*"


def spell_out(text: str) -> str:
    """`text` without digits and the signs that go with them."""
    for pattern, replacement in _BEFORE_SUMS:
        text = pattern.sub(replacement, text)
    for unit, spoken in _UNITS.items():
        text = text.replace(unit, spoken)
    text = _sums(text)
    for pattern, replacement in _AFTER_SUMS:
        text = pattern.sub(replacement, text)
    return text


def _sums(text: str) -> str:
    # Operands are shared (1+2=3), so one pass over the text misses every other operator.
    while (again := _SUM.sub(lambda m: m[1] + _OPERATORS[m[2]] + m[3], text)) != text:
        text = again
    return text


def _date(match: Match[str]) -> str:
    year, month, day, day_word = match.groups()
    spoken = numbers.each_digit(year) + "年"
    if month:
        spoken += numbers.cardinal(month) + "月"
    if day:
        spoken += numbers.cardinal(day) + day_word
    return spoken


def _numeric_date(match: Match[str]) -> str:
    year, _, month, day = match.groups()
    return f"{numbers.each_digit(year)}年{numbers.cardinal(month)}月{numbers.cardinal(day)}日"


def _clock(hour: str, minute: str, second: str | None, *, half: bool) -> str:
    spoken = numbers.cardinal(hour) + "点"
    if minute.lstrip("0"):
        spoken += "半" if half else _two_digits(minute) + "分"
    if second and second.lstrip("0"):
        spoken += _two_digits(second) + "秒"
    return spoken


def _two_digits(digits: str) -> str:
    return ("零" if digits.startswith("0") else "") + numbers.cardinal(digits.lstrip("0"))


def _time(match: Match[str]) -> str:
    return _clock(match[1], match[2], match[3], half=match[2] == "30")


def _time_range(match: Match[str]) -> str:
    # The original looks at the first time's minutes for both.
    half = match[2] == "30"
    first = _clock(match[1], match[2], match[3], half=half)
    return f"{first}至{_clock(match[4], match[5], match[6], half=half)}"


def _temperature(match: Match[str]) -> str:
    unit = "摄氏度" if match[3] == "摄氏度" else "度"
    return ("零下" if match[1] else "") + numbers.number(match[2]) + unit


def _power(match: Match[str]) -> str:
    return "的" + "".join(_POWERS[char] for char in match[0]) + "次方"


def _fraction(match: Match[str]) -> str:
    sign = "负" if match[1] else ""
    return f"{sign}{numbers.number(match[3])}分之{numbers.number(match[2])}"


def _percentage(match: Match[str]) -> str:
    return ("负" if match[1] else "") + "百分之" + numbers.number(match[2])


def _telephone(match: Match[str]) -> str:
    # Country code and area code are said apart.
    return "，".join(numbers.telephone(part) for part in re.split("[- ]", match[0].strip("+")))


def _number(match: Match[str]) -> str:
    digits = match[0]
    return "负" + numbers.number(digits[1:]) if digits.startswith("-") else numbers.number(digits)


def _range(match: Match[str]) -> str:
    return re.sub(_NUMBER, _number, match[1]) + "到" + re.sub(_NUMBER, _number, match[2])


def _version(match: Match[str]) -> str:
    return numbers.each_digit(match[0]).replace(".", "点")


def _counted(match: Match[str]) -> str:
    number = numbers.number(match[1])
    about = "多" if match[2] == "+" else match[2] or ""
    return ("两" if number == "二" else number) + about + match[3]


_HOUR, _MINUTE = r"([0-1]?[0-9]|2[0-3])", r"([0-5][0-9])"
_TIME = rf"{_HOUR}:{_MINUTE}(?::{_MINUTE})?"

_BEFORE_SUMS: list[Rule] = [
    (
        re.compile(
            r"([0-9]{4}|[0-9]{2})年(?:(0?[1-9]|1[0-2])月)?(?:(0?[1-9]|[12][0-9]|30|31)([日号]))?"
        ),
        _date,
    ),
    (re.compile(r"([0-9]{4})([- /.])(0[1-9]|1[012])\2(0[1-9]|[12][0-9]|3[01])"), _numeric_date),
    (re.compile(rf"{_TIME}[~-]{_TIME}"), _time_range),
    (re.compile(_TIME), _time),
    (re.compile(rf"((?:{_NUMBER})(?:{_RANGE_UNIT}))~((?:{_NUMBER})(?:{_RANGE_UNIT}))"), r"\1至\2"),
    (re.compile(r"(-?)([0-9]+(?:\.[0-9]+)?)(°C|℃|度|摄氏度)"), _temperature),
]
_SUM = re.compile(rf"({_OPERAND})([-+×÷=])({_OPERAND})")
_AFTER_SUMS: list[Rule] = [
    (re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹ˣʸⁿ]+"), _power),
    (re.compile(r"(-?)([0-9]+)/([0-9]+)"), _fraction),
    (re.compile(r"(-?)([0-9]+(?:\.[0-9]+)?)%"), _percentage),
    (
        re.compile(r"(?<![0-9])(?:\+?86 ?)?1(?:[38][0-9]|5[0-35-9]|7[678]|9[89])[0-9]{8}(?![0-9])"),
        _telephone,
    ),
    (
        re.compile(r"(?<![0-9])(?:0(?:10|2[1-3]|[3-9][0-9]{2})-?)?[1-9][0-9]{6,7}(?![0-9])"),
        _telephone,
    ),
    (re.compile(r"400-?[0-9]{3}-?[0-9]{4}"), _telephone),
    (re.compile(rf"({_NUMBER})[-~]({_NUMBER})"), _range),
    (re.compile(r"-[0-9]+"), _number),
    (re.compile(r"[0-9]+\.[0-9]+(?:\.[0-9]+)+"), _version),
    (re.compile(r"-?[0-9]+\.[0-9]+|\.[0-9]+"), _number),
    (re.compile(rf"([0-9]+)([多余几+])?({MEASURE})"), _counted),
    (re.compile(r"[0-9]{3,}"), lambda m: numbers.telephone(m[0])),
    (re.compile(_NUMBER), _number),
]
