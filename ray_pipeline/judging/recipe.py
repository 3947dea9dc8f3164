"""How checkpoints are listened to, as data. All numbers are ours: the original listens to none.

What a number weighs in the choice stands in `core.selection`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class JudgingRecipe:
    """Listening takes at most `share` of the training's time, and one checkpoint is listened to in
    any case. `most` checkpoints are, with `held_out` clips each (train_sovits) or one (train_gpt,
    beside the fixed sentences); a sample is cut off after `longest_seconds`. So the samples of a
    training take up at most most * held_out * (longest_seconds * 64 kB + a picture): 60 MB."""

    share: float
    most: int
    held_out: int
    usual_seconds: float
    longest_seconds: float
    compared_clips: int


# Three sentences of five seconds have some two hundred characters: one more wrong is half a
# percent. Twenty clips say what the speaker sounds like; more take time and change nothing.
JUDGING = JudgingRecipe(
    share=0.15,
    most=20,
    held_out=3,
    usual_seconds=5.0,
    longest_seconds=15.0,
    compared_clips=20,
)

# Plain words in whole sentences, no numbers or names: what is misheard is the voice's fault.
SENTENCES: Mapping[str, tuple[str, str]] = {
    "en": (
        "We walked along the river until the evening, and nobody said a word.",
        "Could you please bring me the other book from the table near the window?",
    ),
    "zh": (
        "我们沿着河边一直走到傍晚，谁也没有说话。",
        "请你把窗户旁边桌子上的那本书拿给我，好吗？",
    ),
    "ja": (
        "私たちは夕方まで川のそばを歩きましたが、誰も話しませんでした。",
        "窓のそばの机の上にある本を持ってきてもらえますか。",
    ),
    "ko": (
        "우리는 저녁까지 강을 따라 걸었고, 아무도 말을 하지 않았습니다.",
        "창문 옆 책상 위에 있는 책을 가져다 주시겠어요?",
    ),
    "yue": (
        "我哋沿住河邊一直行到傍晚，邊個都冇出聲。",
        "唔該你將窗口旁邊張枱上面嗰本書攞俾我，好唔好？",
    ),
}
