"""What a user may set: the configuration of a task and the parameters of each step.

All of it is checked here, when the request arrives. A wrong value raises InvalidInput that
names the field; nothing below this module checks again.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.languages import LanguageMode, TaskLanguage
from ray_pipeline.core.option_types import (
    USUAL_BATCH,
    BaseModelName,
    BatchSize,
    GpuNumbers,
    Precision,
    Seed,
    Threshold,
    VoiceName,
)
from ray_pipeline.core.speech import NUM_SEEDS, Delivery
from ray_pipeline.core.step_names import StepName


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TaskConfig(Options):
    """The `config` of a task; every field has a default."""

    exp_name: VoiceName = "my_speaker"
    language: TaskLanguage = "zh"
    batch_size: BatchSize = USUAL_BATCH
    epochs_s2: int = Field(50, ge=1, le=1000, description="epochs of the SoVITS training")
    epochs_s1: int = Field(15, ge=1, le=1000, description="epochs of the GPT training")
    gpu_id: GpuNumbers = Field("0", description='one worker a number: "0-1-2" asks for three')
    base_model: BaseModelName = "auto"
    seed: Seed = Field(1234, ge=0, lt=NUM_SEEDS, description="-1: one is drawn")
    strict_compat: StrictBool = Field(
        False,
        description="read texts as GPT-SoVITS does, mistakes included, and train on all clips",
    )

    @property
    def num_workers(self) -> int:
        """How many workers `gpu_id` asks for."""
        return len(set(self.gpu_id.split("-")))


class StepOptions(Options):
    """What every step takes: `enabled: false` skips it, `force` computes everything anew."""

    enabled: StrictBool = True
    force: StrictBool = False


class ConvertAudioOptions(StepOptions):
    time_limit_seconds: float = Field(600, gt=0, le=7200, description="for one file")
    min_seconds: float = Field(0.6, ge=0.1, le=60, description="shorter files are set aside")


class SliceAudioOptions(StepOptions):
    """The original's slicer. Times in milliseconds, `threshold` in dB of full scale; "auto"
    finds one for each recording; the result says which."""

    threshold: Threshold = Field(-34, ge=-100, lt=0)
    min_length: int = Field(4000, ge=1, le=600_000)
    min_interval: int = Field(300, ge=1, le=60_000)
    hop_size: int = Field(10, ge=1, le=1000)
    max_sil_kept: int = Field(500, ge=0, le=60_000)
    max: float = Field(0.9, gt=0, le=1, validation_alias=AliasChoices("max", "_max"))
    alpha: float = Field(0.25, ge=0, le=1)
    num_processes: int = Field(4, ge=1, le=64)
    max_seconds: float = Field(
        38, ge=5, le=54, description="longer clips are split; SoVITS leaves out those over 38 s"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min_length >= self.min_interval >= self.hop_size:
            raise ValueError("min_length >= min_interval >= hop_size must hold")
        if self.max_sil_kept < self.hop_size:
            raise ValueError("max_sil_kept must be at least hop_size")
        return self


class DenoiseAudioOptions(StepOptions):
    backend: Literal["auto", "deepfilternet", "frcrn"] = "auto"
    precision: Precision = "float32"
    attenuation_limit: float = Field(
        100, ge=0, le=100, description="take away at most so many dB of noise; 100: all of it"
    )


class AsrTranscribeOptions(StepOptions):
    backend: Literal["auto", "funasr", "fun-asr-nano", "whisper"] = "auto"
    precision: Precision | None = Field(
        None, description="default: what suits the model and the device; else the nearest it can"
    )
    language: TaskLanguage | None = Field(None, description="default: the task's language")


class ExtractTextFeaturesOptions(StepOptions):
    pass


class ExtractAudioFeaturesOptions(StepOptions):
    pass


class ExtractSpeakerVectorsOptions(StepOptions):
    pass


class ExtractSemanticFeaturesOptions(StepOptions):
    pass


class TrainOptions(StepOptions):
    """Defaults come from the task's config."""

    epochs: int | None = Field(None, ge=1, le=1000)
    batch_size: BatchSize | None = None
    max_steps: int | None = Field(None, ge=1, description="stop after so many optimiser steps")
    save_every_epochs: int = Field(1, ge=1, description="export weights every so many epochs")
    keep_gb: float = Field(
        3, ge=0, description="exported weights that are kept of a training, in GB, spread over it"
    )
    keep_exports: int | None = Field(
        None, ge=1, description="at most so many; the first, the last and the best in any case"
    )
    checkpoint_minutes: float = Field(
        5, gt=0, le=1440, description="a checkpoint at least so often, also inside an epoch"
    )
    held_out_clips: int | None = Field(
        None,
        ge=0,
        le=200,
        description="clips to judge by instead of learning from them; default: 5 %, none of fewer "
        "than 10 and none under strict_compat",
    )
    micro_batch_size: int | None = Field(
        None,
        ge=1,
        le=256,
        description="so many clips in memory at a time; their gradients are summed up, so a step "
        "learns from batch_size clips as before",
    )
    if_grad_ckpt: StrictBool = Field(
        False,
        description="gradient checkpointing: less memory, slower steps, the same numbers",
    )
    elastic: StrictBool = Field(
        False,
        description="with several workers (gpu_id): go on with those there is room for, one at "
        "least, when a node goes, and with more when one comes",
    )
    start_from: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="begin with the weights of another voice instead of the base model's: a kept "
        "voice (`anna`, `anna@2`), the id of a task, or one of its exports (`<task id>/<file>`)",
    )


class TrainSovitsOptions(TrainOptions):
    text_low_lr_rate: float = Field(
        0.4,
        ge=0,
        le=1,
        description="the learning rate of the text encoder, as a share of the others'; 0: it is "
        "frozen. GPT-SoVITS's page allows 0.2 to 0.6",
    )


class TrainGptOptions(TrainOptions):
    if_dpo: StrictBool = Field(
        False,
        description="learn, too, that the clips are likelier than copies with stretches repeated "
        "or left out; twice the work for a clip, so steps take half of batch_size",
    )


class TestInferenceOptions(StepOptions, Delivery):
    """Files are named within the task, never as paths of the server."""

    gpt_model: str | None = None
    sovits_model: str | None = None
    ref_audio: str | None = None
    ref_text: str | None = Field(None, max_length=1000)
    ref_language: LanguageMode | None = None
    target_text: str | None = Field(None, min_length=1, max_length=5000)
    target_language: LanguageMode | None = None
    seed: int | None = Field(
        None, ge=-1, lt=NUM_SEEDS, description="default: the task's; -1: another one each time"
    )
    strict_compat: StrictBool | None = Field(
        None, description="default: as the clips of the voice were read"
    )

    __test__ = False  # pytest would take the name for a test class


OPTIONS: dict[StepName, type[StepOptions]] = {
    StepName.CONVERT_AUDIO: ConvertAudioOptions,
    StepName.SLICE_AUDIO: SliceAudioOptions,
    StepName.DENOISE_AUDIO: DenoiseAudioOptions,
    StepName.ASR_TRANSCRIBE: AsrTranscribeOptions,
    StepName.EXTRACT_TEXT_FEATURES: ExtractTextFeaturesOptions,
    StepName.EXTRACT_AUDIO_FEATURES: ExtractAudioFeaturesOptions,
    StepName.EXTRACT_SPEAKER_VECTORS: ExtractSpeakerVectorsOptions,
    StepName.EXTRACT_SEMANTIC_FEATURES: ExtractSemanticFeaturesOptions,
    StepName.TRAIN_SOVITS: TrainSovitsOptions,
    StepName.TRAIN_GPT: TrainGptOptions,
    StepName.TEST_INFERENCE: TestInferenceOptions,
}

# The older service documented the slicer's parameters with every name shifted by one place.
# Read by position, its values are the original's arguments; the last two are the share of the
# files a process takes, which here is `num_processes`.
_SHIFTED_SLICE_NAMES: dict[str, str | None] = {
    "min_length": "threshold",
    "min_interval": "min_length",
    "hop_size": "min_interval",
    "max_sil_kept": "hop_size",
    "_max": "max_sil_kept",
    "alpha": "max",
    "n_parts": "alpha",
    "is_speech": None,
    "num_processes": "num_processes",
}


def parse_task_config(config: dict[str, Any]) -> TaskConfig:
    """Raises InvalidInput whose `field` names the place, such as `config.batch_size`."""
    try:
        return TaskConfig.model_validate(config)
    except ValidationError as error:
        raise _invalid("config", error) from None


def parse_options(step: StepName, params: dict[str, Any]) -> tuple[StepOptions, list[str]]:
    """The step's options, and warnings about what was understood differently than written.

    Raises InvalidInput whose `field` names the place, such as `params.threshold`.
    """
    warnings: list[str] = []
    if step is StepName.SLICE_AUDIO and _has_shifted_names(params):
        params = _unshift(params)
        warnings.append(
            "These parameters have the older service's names, each shifted by one place "
            "(a negative min_length can mean nothing else). They were read by position, as "
            + ", ".join(f"{name}={value}" for name, value in params.items())
            + "."
        )
    try:
        return OPTIONS[step].model_validate(params), warnings
    except ValidationError as error:
        raise _invalid("params", error) from None


def _has_shifted_names(params: dict[str, Any]) -> bool:
    value = params.get("min_length")
    return isinstance(value, int | float) and value < 0


def _unshift(params: dict[str, Any]) -> dict[str, Any]:
    true_names = {name: _SHIFTED_SLICE_NAMES.get(name, name) for name in params}
    return {true: params[name] for name, true in true_names.items() if true is not None}


def _invalid(where: str, error: ValidationError) -> InvalidInput:
    problems = []
    for item in error.errors():
        place = ".".join([where, *(str(part) for part in item["loc"])])
        problems.append((place, item["msg"].removeprefix("Value error, ")))
    sentence = "; ".join(f"{place}: {message}" for place, message in problems)
    return InvalidInput(
        f"{sentence}.",
        hint="GET /docs lists every field with its limits.",
        field=problems[0][0],
        fields=[place for place, _ in problems],
    )
