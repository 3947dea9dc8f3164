"""What a checkpoint says: clips that were held out, again from their own tokens (train_sovits), or
two fixed sentences and one that was held out (train_gpt, with the chosen SoVITS)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ray_pipeline.audio.wav import duration_seconds
from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.errors import BadModelFile, InvalidInput
from ray_pipeline.core.options import TestInferenceOptions
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.speech import Reference
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.trainings import Trainings
from ray_pipeline.judging.recipe import JUDGING, SENTENCES
from ray_pipeline.text.pronunciations import own_pronunciations
from ray_pipeline.training.plan import TrainingPlan
from ray_pipeline.voice.choosing import choose
from ray_pipeline.voice.encoders import Encoders
from ray_pipeline.voice.order import candidates, usual_settings
from ray_pipeline.voice.speech import Piece
from ray_pipeline.voice.voice import check_sound, load_voice


@dataclass(frozen=True)
class Spoken:
    """`text` is empty where nobody wrote down what is said. `pieces` are those of a text that was
    spoken; of a clip's own tokens there are none. `wav` [N] at 32 kHz."""

    text: str
    language: str
    wav: Waveform
    pieces: Sequence[Piece] = ()


# What the weights in a file say.
Say = Callable[[Path], list[Spoken]]


def what_to_say(context: StepContext, plan: TrainingPlan, device: torch.device) -> Say | str:
    """Or a sentence on why nothing can be said. Raises BadModelFile where the fault is that of the
    sound which train_sovits chose, and of no checkpoint of this training."""
    clips = held_out_clips(plan)
    if plan.say_again is not None:
        return _again(context, plan, clips) if clips else "no clips were held out"
    return _speaking(context, plan, clips[:1], device)


def held_out_clips(plan: TrainingPlan) -> list[str]:
    """Those that are about as long as a sentence, the nearest first."""
    waves = plan.settings.experiment.wave_of
    names = sorted({item.name for item in plan.settings.held_out})
    seconds = {name: duration_seconds(waves(name)) for name in names if waves(name).is_file()}
    nearest = sorted(seconds, key=lambda name: abs(seconds[name] - JUDGING.usual_seconds))
    return nearest[: JUDGING.held_out]


def _again(context: StepContext, plan: TrainingPlan, clips: Sequence[str]) -> Say:
    say_again = plan.say_again
    assert say_again is not None

    def say(path: Path) -> list[Spoken]:
        waves = say_again(plan.settings, path, clips)
        return [
            Spoken(*_written(context, clip), wav) for clip, wav in zip(clips, waves, strict=True)
        ]

    return say


def _speaking(
    context: StepContext, plan: TrainingPlan, clips: Sequence[str], device: torch.device
) -> Say | str:
    settings = plan.settings
    sovits = Trainings(context.workspace).chosen_partner(StepName.TRAIN_SOVITS, settings.inputs)
    if sovits is None:
        return "train_sovits has not learned from the same features yet"
    _require_sound(sovits)
    used = candidates(context, names=settings.clip_names)
    if not used:
        return "no clip has a text to be the reference"
    reference = choose(used, settings.weights_folder / "samples" / "reference.wav").reference
    asked = context.config.language.removeprefix("all_").removeprefix("auto_")
    language = asked if asked in SENTENCES else reference.language
    sentences = [(text, language) for text in SENTENCES.get(language, ())]
    sentences += [(text, own) for text, own in (_written(context, clip) for clip in clips) if text]
    return _reading(context, sovits, reference, sentences, device)


def _require_sound(sovits: Path) -> None:
    try:
        check_sound(sovits)
    except BadModelFile as error:
        raise BadModelFile(
            f"the sound that train_sovits chose cannot be used. {error.message}",
            hint="Run train_sovits with force, then train_gpt again.",
        ) from error


def _reading(
    context: StepContext,
    sovits: Path,
    reference: Reference,
    sentences: Sequence[tuple[str, str]],
    device: torch.device,
) -> Say:
    options = TestInferenceOptions(seed=max(context.config.seed, 0))
    how = usual_settings(context, options)
    symbols = base_model(context.config.base_model).symbols
    dictionary = own_pronunciations(context.workspace, symbols)
    encoders = Encoders(context.models_dir, device)

    def say(path: Path) -> list[Spoken]:
        voice = load_voice(path, sovits, context.models_dir, device, encoders)
        said = []
        for text, language in sentences:
            try:
                speech = voice.speak(text, language, reference, how, dictionary=dictionary)
            except InvalidInput as error:  # of the sentence, not of the weights
                context.progress.log(f"{text!r} was not said: {error}")
                continue
            said.append(Spoken(text, language, speech.wav, speech.pieces))
        return said

    return say


def _written(context: StepContext, clip: str) -> tuple[str, str]:
    transcript = context.transcripts.get(clip)
    return (transcript.text, transcript.language) if transcript else ("", "")
