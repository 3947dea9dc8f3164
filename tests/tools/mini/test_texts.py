from itertools import islice

from tools.mini.texts import line_of, lines, rare_first


def test_of_several_mandarin_lines_the_one_with_sounds_not_yet_said_is_taken() -> None:
    usual, rare = line_of("你好你好", "zh"), line_of("女儿穷", "zh")
    drawn = iter([usual] * 11 + [rare])

    assert [line.text for line in islice(rare_first(drawn), 2)] == ["你好你好", "女儿穷"]


def test_a_seed_gives_the_same_mandarin_lines() -> None:
    sentences = ["今天天气很好。", "他去上海了。", "我们明天见。", "这是一本书。"]

    first, again = (
        [line.text for line in islice(lines(sentences, "zh", seed=3), 4)] for _ in range(2)
    )

    assert first == again
