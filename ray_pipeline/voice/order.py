"""What test_inference is to speak, with which weights and which reference: the task's files and
the user's options become one `Order`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from pathlib import Path

from ray_pipeline.audio.wav import duration_seconds
from ray_pipeline.core.errors import NotFound, StepNotReady
from ray_pipeline.core.languages import LANGUAGES, guess_language
from ray_pipeline.core.options import TestInferenceOptions
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.speech import NUM_SEEDS, Delivery, Reference, SpeechSettings
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.trainings import Trainings
from ray_pipeline.core.workspace import Workspace, is_partial
from ray_pipeline.text import supported_languages
from ray_pipeline.text.clip_reading import clips_read_strictly
from ray_pipeline.text.pronunciations import own_pronunciations
from ray_pipeline.voice.choosing import Candidate, Choice, choose
from ray_pipeline.voice.recording import Order
from ray_pipeline.voice.voice import Family, family_of

DEFAULT_TEXTS = {
    "en": "This voice was made from a few minutes of speech, and it reads whatever you write.",
    "zh": "这个声音是用几分钟的录音训练出来的，你写什么，它就读什么。",
    "ja": "この声は数分の録音から作られました。書いた文章を何でも読みます。",
    "ko": "이 목소리는 몇 분의 녹음으로 만들어졌고, 쓰는 대로 읽습니다.",
    "yue": "呢把聲係用幾分鐘嘅錄音訓練出嚟嘅，你寫咩，佢就讀咩。",
}

_TRUST_OF_USER = 1.0
_TRUST_UNKNOWN = 0.5


def make_order(context: StepContext, options: TestInferenceOptions) -> tuple[Order, list[str]]:
    """What to speak with what, and what the user should know about the choice.

    Raises StepNotReady without weights, NotFound and InvalidInput for files named in vain.
    """
    warnings: list[str] = []
    base = base_model(context.config.base_model)
    version = base.version
    workspace, exp_name = context.workspace, context.config.exp_name
    gpt_folder, sovits_folder = workspace.gpt_weights(version), workspace.sovits_weights(version)
    family = family_of(version)
    gpt = _named(context, options.gpt_model) or chosen_weights(
        gpt_folder, exp_name, family.gpt_suffix, StepName.TRAIN_GPT
    )
    sovits = _named(context, options.sovits_model) or chosen_weights(
        sovits_folder, exp_name, family.sovits_suffix, StepName.TRAIN_SOVITS
    )
    warnings += _without_meaning(options, family, version)
    reference, remarks = _reference(context, options)
    warnings += [] if "ref_audio" in family.without_meaning else remarks
    text, mode = _target(options, context.config.language, reference)
    order = Order(
        gpt_path=gpt,
        sovits_path=sovits,
        reference=reference,
        text=text,
        mode=mode,
        settings=usual_settings(context, options),
        dictionary=own_pronunciations(workspace, base.symbols),
    )
    return order, warnings


def usual_settings(context: StepContext, options: TestInferenceOptions) -> SpeechSettings:
    """What was not asked for is the task's; a text is read as the clips were."""
    seed = context.config.seed if options.seed is None else options.seed
    strict = options.strict_compat
    if strict is None:
        strict = clips_read_strictly(context.workspace)
    if strict is None:
        strict = context.config.strict_compat
    return SpeechSettings(
        **options.model_dump(include=set(Delivery.model_fields)),
        seed=secrets.randbelow(NUM_SEEDS) if seed == -1 else seed,
        strict_compat=strict,
    )


def _without_meaning(options: TestInferenceOptions, family: Family, version: str) -> list[str]:
    """A sentence on the options that were set and change nothing for such a voice."""
    defaults = TestInferenceOptions()
    names = [
        name for name in family.without_meaning if getattr(options, name) != getattr(defaults, name)
    ]
    if not names:
        return []
    verb = "mean" if len(names) > 1 else "means"
    return [f"{', '.join(names)} {verb} nothing to a voice of the base {version}: left aside."]


def _target(
    options: TestInferenceOptions, task_language: str, reference: Reference
) -> tuple[str, str]:
    """What to say, and how it is to be read. A task in `auto` says nothing about one text, so
    its language is guessed; a request for `auto` means that each word is looked at."""
    asked: str = options.target_language or task_language
    if options.target_text:
        guessed = asked == "auto" and options.target_language is None
        return options.target_text, guess_language(options.target_text) if guessed else asked
    spoken = asked.removeprefix("all_").removeprefix("auto_")
    spoken = reference.language if spoken == "auto" else spoken
    if spoken not in LANGUAGES:
        spoken = guess_language(reference.text)
    return DEFAULT_TEXTS[spoken], spoken


def chosen_weights(folder: Path, exp_name: str, suffix: str, made_by: StepName) -> Path:
    """The weights that are the voice: the chosen checkpoint of the training that is published, or,
    in a task that an older program trained, the last exported file. `folder` is the task's.

    Raises StepNotReady when there are none.
    """
    chosen = Trainings(Workspace(folder.parent)).chosen_file(made_by)
    if chosen is not None and chosen.suffix == suffix and chosen.is_file():
        return chosen
    return newest_weights(folder, exp_name, suffix, made_by)


def newest_weights(folder: Path, exp_name: str, suffix: str, made_by: StepName) -> Path:
    """The last exported file of the experiment, `<exp>-e15.ckpt` or `<exp>_e8_s96.pth`.

    Raises StepNotReady when there is none.
    """
    mine = re.compile(rf"{re.escape(exp_name)}[-_]e(\d+)(?:_s(\d+))?{re.escape(suffix)}")
    exports = []
    for path in folder.glob(f"*{suffix}") if folder.is_dir() else ():
        match = mine.fullmatch(path.name)
        if match and not is_partial(path):
            epoch, step = int(match[1]), int(match[2] or 0)
            exports.append((path.stat().st_mtime_ns, epoch, step, path))
    if not exports:
        raise StepNotReady(
            f"There are no trained weights in {folder.name}.",
            hint=f"Run {made_by.value} first, or name a file of the task.",
            missing=[made_by.value],
        )
    return max(exports)[-1]


def _named(context: StepContext, name: str | None) -> Path | None:
    return None if name is None else context.workspace.find(name, context.config.exp_name)


def _reference(context: StepContext, options: TestInferenceOptions) -> tuple[Reference, list[str]]:
    """Also for a voice that imitates nobody: its language is that of the fixed sentence."""
    warnings: list[str] = []
    if options.ref_audio is None:
        choice = _choose(context)
        path, text = choice.reference.wav_path, choice.reference.text
        language = choice.reference.language
        if choice.warning:
            warnings.append(choice.warning)
    else:
        path = _reference_file(context, options.ref_audio)
        known = context.transcripts.get(path.name)
        text, language = (known.text, known.language) if known else ("", "")
    text = text if options.ref_text is None else options.ref_text
    language = options.ref_language or language or context.config.language
    if language == "auto" and options.ref_language is None:
        language = guess_language(text)
    if not re.search(r"\w", text):
        text = ""  # marks alone say nothing
        warnings.append(
            "What is said in the reference is not known, so only its sound is imitated. "
            "Give ref_text."
        )
    return Reference(path, text, language), warnings


def _reference_file(context: StepContext, name: str) -> Path:
    """The bare name of a clip or an upload is enough; anything else is named as downloads are."""
    if name in context.transcripts:
        path = _clip_path(context, name)
        if path is not None:
            return path
    try:
        return context.workspace.find(name, context.config.exp_name)
    except NotFound:
        uploaded = context.workspace.input_audio / name
        if uploaded.name == name and uploaded.is_file():
            return uploaded
        raise


def candidates(context: StepContext, names: Collection[str] | None = None) -> list[Candidate]:
    """The clips that can be the reference, of all or of these."""
    clips = []
    for name, transcript in sorted(context.transcripts.items()):
        if names is not None and name not in names:
            continue
        path = _clip_path(context, name)
        if path is None or not transcript.include or not transcript.text.strip():
            continue
        if transcript.language in supported_languages():
            seconds = duration_seconds(path)
            clips.append(
                Candidate(path, transcript.text, transcript.language, seconds, _trust(transcript))
            )
    return clips


def _choose(context: StepContext) -> Choice:
    clips = candidates(context)
    if not clips:
        raise NotFound(
            "The task has no transcribed clip that could serve as reference.",
            hint="Name one with ref_audio, and say what it says with ref_text.",
        )
    made = context.workspace.output / f"{context.config.exp_name}_reference.wav"
    return choose(clips, made)


def _clip_path(context: StepContext, name: str) -> Path | None:
    folders = (context.experiment.waves, context.workspace.denoised, context.workspace.sliced)
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _trust(transcript: Transcript) -> float:
    if transcript.source == "user":
        return _TRUST_OF_USER
    return _TRUST_UNKNOWN if transcript.confidence is None else transcript.confidence
