"""How well a voice made from the base model mini is understood, and how like its speaker it is.

    python -m benchmarks.mini_voice lj --data ../shared/data/speech_en --work /tmp/mini
    python -m benchmarks.mini_voice man --data <folder of one speaker> --hear --work /tmp/mini
    python -m benchmarks.mini_voice zh --language zh --data ../shared/data/speech_zh --work /tmp/m

Fine-tunes the shipped base on the first clips of the folder (with `metadata.jsonl`: `file`,
`text`; or --hear: Whisper writes the texts), speaks twenty sentences, and lets Whisper base and
Resemblyzer judge them; the speaker's recordings that were not trained on are the yardstick. Needs
tools/mini/requirements.txt. Prints one line of JSON a voice, and keeps the sounds in --work.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch

from ray_pipeline.models.mini.alignment import Aligner
from ray_pipeline.models.mini.config import SAMPLE_RATE
from ray_pipeline.models.mini.files import Base, load_base, shipped_base
from ray_pipeline.models.mini.sound import Sound, analyse
from ray_pipeline.models.mini.voice import MiniVoice
from ray_pipeline.text import phonemize
from ray_pipeline.training.mini.data import MiniClip
from ray_pipeline.training.mini.fine_tune import (
    TuningData,
    tune_acoustic,
    tune_durations,
    tune_vocoder,
)
from ray_pipeline.training.mini.recipe import FINE_TUNING
from ray_pipeline.training.mini.teachers import for_language, load_teachers, shipped_teachers
from tools.mini.judge import ErrorRate, Listener, VoiceJudge, mean_voice

ENGLISH = (
    "The weather will be fine tomorrow, with a little wind from the west.",
    "Please leave a message after the tone and we will call you back.",
    "She bought three apples and a loaf of bread at the market.",
    "Our meeting has been moved to Thursday afternoon at four.",
    "Nobody expected the old bridge to last another winter.",
    "The children were playing in the garden until it got dark.",
    "I would like a cup of coffee and a glass of water, please.",
    "He found the keys under the sofa after looking everywhere else.",
    "The train to London leaves from platform two in ten minutes.",
    "Can you tell me how to get to the nearest hospital?",
    "They painted the kitchen yellow and the bathroom light blue.",
    "My brother works as a teacher in a small village near the sea.",
    "We should finish this project before the end of the month.",
    "The museum is closed on Mondays, but it is free on Sundays.",
    "A strong storm damaged several houses along the coast last night.",
    "What time does the library open on Saturday morning?",
    "The doctor said that he needs more sleep and less sugar.",
    "Her new book about birds became popular very quickly.",
    "Turn left at the church and then go straight for half a mile.",
    "It was the first time that I had ever seen snow.",
)
MANDARIN = (
    "明天天气晴朗，适合带孩子去公园散步。",
    "请在听到提示音以后留言，我们会尽快回复。",
    "她在市场上买了苹果、面包和一瓶牛奶。",
    "今天下午的会议改到星期四上午举行。",
    "谁也没有想到这座旧桥还能再用十年。",
    "孩子们在院子里一直玩到天黑才回家。",
    "我想喝一杯热咖啡，再要一块蛋糕，谢谢。",
    "他找了很久，最后在沙发下面发现了钥匙。",
    "开往上海的火车将在十分钟以后出发。",
    "请问去最近的医院应该怎么走？",
    "他们把厨房刷成了黄色，把卧室刷成了蓝色。",
    "我哥哥在海边的一所小学当老师。",
    "这个项目必须在月底之前全部完成。",
    "博物馆星期一不开门，周末可以免费参观。",
    "昨天夜里的大雨冲坏了山下的公路。",
    "图书馆星期六早上几点钟开始开放？",
    "医生说他需要多睡觉，少吃甜的东西。",
    "这本介绍鸟类的新书很快就受到了欢迎。",
    "前面路口向左转，然后一直走就能看见银行。",
    "这是我第一次亲眼看见这么大的雪。",
)
SENTENCES = {"en": ENGLISH, "zh": MANDARIN}
_UNSEEN_RECORDINGS = 12
_LONGEST_SECONDS = 12.0


@dataclass(frozen=True)
class Recording:
    name: str
    text: str
    wav: np.ndarray
    sound: Sound


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voice", help="a name for the result")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--language", choices=tuple(SENTENCES), default="en")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=180.0, help="to train on")
    parser.add_argument("--hear", action="store_true", help="let Whisper write the texts")
    parser.add_argument("--others", type=Path, nargs="*", default=[], help="sounds of others")
    parser.add_argument("--base", type=Path, help="a base file instead of the shipped one")
    parser.add_argument("--teachers", type=Path, help="teacher clips instead of the shipped ones")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    print(json.dumps(measure(arguments)), flush=True)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    listener, judge = Listener(arguments.work / "whisper"), VoiceJudge()
    train, unseen = _split(_recordings(arguments, listener), arguments.seconds)
    base = shipped_base() if arguments.base is None else load_base(arguments.base)
    language = arguments.language
    teachers = load_teachers(arguments.teachers) if arguments.teachers else shipped_teachers()
    started = time.process_time()
    voice, costs = fine_tune(base, train, language, teachers, arguments.seed)
    training_seconds = time.process_time() - started
    said, heard = _speak(voice, listener, arguments)
    yardstick = ErrorRate()
    for one in unseen:
        yardstick.add(one.text, listener.hear(one.wav, SAMPLE_RATE, language), language)
    return {
        "voice": arguments.voice,
        "language": language,
        "seed": arguments.seed,
        "trained_on_seconds": round(sum(len(one.wav) for one in train) / SAMPLE_RATE, 1),
        "fine_tuning_cpu_seconds": round(training_seconds, 1),
        "alignment_cost_mean": round(float(np.mean(costs)), 2),
        "cer_percent": round(heard.percent, 1),
        "recordings_cer_percent": round(yardstick.percent, 1),
        **_likeness(judge, said, train, unseen, arguments.others),
        "real_time_factor": round(_real_time_factor(voice, language), 3),
    }


def fine_tune(
    base: Base, recordings: list[Recording], language: str, teachers: Any, seed: int
) -> tuple[MiniVoice, list[float]]:
    """The recipe from recordings with texts to a voice; the costs of aligning them. One clip in
    ten is held out."""
    speaker = np.mean([one.sound.speaker for one in recordings], axis=0)
    aligner = Aligner(base.durations, base.synthesizer)
    clips, costs = [], []
    for one in recordings:
        aligned = aligner(phonemize(one.text, language).ids, one.sound)
        clips.append(MiniClip.of(one.name, one.sound, aligned.tokens, speaker))
        costs.append(aligned.cost)
    num_held_out = max(1, len(clips) // 10)
    data = TuningData(
        clips=clips[num_held_out:],
        held_out=clips[:num_held_out],
        teachers=for_language(teachers, language),
        seed=seed,
    )
    base.synthesizer.speaker.copy_(torch.from_numpy(speaker))
    for tune, network, recipe in (
        (tune_durations, base.durations, FINE_TUNING.durations),
        (tune_acoustic, base.synthesizer.acoustic, FINE_TUNING.acoustic),
        (tune_vocoder, base.synthesizer, FINE_TUNING.vocoder),
    ):
        tuning = tune(network, data, recipe)  # type: ignore[operator]
        while not tuning.finished:
            numbers = tuning.step()
            if "held_out" in numbers:
                rounded = {name: round(number, 3) for name, number in numbers.items()}
                print(tune.__name__, tuning.steps_done, rounded, flush=True)
        tuning.finish()
    return MiniVoice(base.durations, base.synthesizer, base.synthesizer.speaker), costs


def _recordings(arguments: argparse.Namespace, listener: Listener) -> list[Recording]:
    if arguments.hear:
        named = {path.name: "" for path in sorted(arguments.data.rglob("*.flac"))}
        paths = {path.name: path for path in arguments.data.rglob("*.flac")}
    else:
        lines = (arguments.data / "metadata.jsonl").read_text("utf-8").splitlines()
        named = {entry["file"]: entry["text"] for entry in map(json.loads, lines)}
        paths = {name: arguments.data / name for name in named}
    found = []
    for name, text in named.items():
        wav, rate = soundfile.read(paths[name], dtype="float32")
        wav = soxr.resample(wav, rate, SAMPLE_RATE).astype(np.float32)
        if len(wav) > _LONGEST_SECONDS * SAMPLE_RATE:
            continue
        text = text or listener.hear(wav, SAMPLE_RATE, arguments.language)
        found.append(Recording(name, text, wav, analyse(wav)))
    return found


def _split(recordings: list[Recording], seconds: float) -> tuple[list[Recording], list[Recording]]:
    """The last ones are kept unseen, of the others the first `seconds` are trained on."""
    unseen = recordings[-min(_UNSEEN_RECORDINGS, len(recordings) // 4) :]
    train, total = [], 0.0
    for one in recordings[: -len(unseen)]:
        if total < seconds:
            train.append(one)
            total += len(one.wav) / SAMPLE_RATE
    return train, unseen


def _speak(
    voice: MiniVoice, listener: Listener, arguments: argparse.Namespace
) -> tuple[list[np.ndarray], ErrorRate]:
    folder = arguments.work / arguments.voice
    folder.mkdir(parents=True, exist_ok=True)
    said, heard, language = [], ErrorRate(), arguments.language
    for number, text in enumerate(SENTENCES[language]):
        wav = voice.speak(phonemize(text, language).ids, language, seed=arguments.seed)
        soundfile.write(folder / f"{number:02d}.wav", wav, SAMPLE_RATE)
        heard.add(text, listener.hear(wav, SAMPLE_RATE, language), language)
        said.append(wav)
    for pair in heard.texts:
        print(*pair, sep="\n    ", flush=True)
    return said, heard


def _likeness(
    judge: VoiceJudge,
    said: list[np.ndarray],
    train: list[Recording],
    unseen: list[Recording],
    others: list[Path],
) -> dict[str, float]:
    """Cosines with the mean of the unseen recordings, and with each of the others."""
    of_unseen = [judge.embed(one.wav, SAMPLE_RATE) for one in unseen]
    speaker = mean_voice(of_unseen)
    embedded = [judge.embed(wav, SAMPLE_RATE) for wav in said]
    strangers = [judge.embed(*soundfile.read(path, dtype="float32")) for path in others]
    likeness = [float(one @ speaker) for one in embedded]
    of_train = [judge.embed(one.wav, SAMPLE_RATE) for one in train[:_UNSEEN_RECORDINGS]]
    result = {
        "similarity_mean": round(float(np.mean(likeness)), 3),
        "similarity_least": round(min(likeness), 3),
        "recordings_similarity": round(float(np.mean([one @ speaker for one in of_train])), 3),
    }
    if strangers:
        nearest = np.max([[one @ other for other in strangers] for one in embedded], axis=1)
        result["similarity_nearest_other"] = round(float(nearest.mean()), 3)
    return result


def _real_time_factor(voice: MiniVoice, language: str) -> float:
    phones = phonemize(SENTENCES[language][0], language).ids
    started = time.process_time()
    total = sum(len(voice.speak(phones, language, seed=seed)) for seed in range(5))
    return (time.process_time() - started) / (total / SAMPLE_RATE)


if __name__ == "__main__":
    main()
