"""The pretrained models a voice can start from: what each is made of and where its files lie.

One row a base model. The row decides everything that differs between them: the version that
goes into the exported files, the symbol table, both encoders and their widths, the codebook.
`mini` comes with the package; `nano` starts from nothing; neither needs a file there. Imports
no torch: the service reads this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ray_pipeline.core.errors import BackendMissing, InvalidInput
from ray_pipeline.core.languages import LANGUAGES

HUBERT_FOLDER = "chinese-hubert-base"
BERT_FOLDER = "chinese-roberta-wwm-ext-large"
SPEAKER_ENCODER_FILE = "sv/pretrained_eres2netv2w24s4ep4.ckpt"

_HUBERT_FILES = (f"{HUBERT_FOLDER}/config.json", f"{HUBERT_FOLDER}/pytorch_model.bin")

# Only Chinese text is read with it, so it is not among the files of any base model.
BERT_FILES = (
    f"{BERT_FOLDER}/config.json",
    f"{BERT_FOLDER}/tokenizer.json",
    f"{BERT_FOLDER}/pytorch_model.bin",
)


# Which networks a base is made of, and so how it is trained and spoken with.
BaseFamily = Literal["gpt_sovits", "mini"]


@dataclass(frozen=True, kw_only=True)
class PretrainedBase:
    """One base model. Paths are relative to the models folder, which is laid out as the
    original's `GPT_SoVITS/pretrained_models/`.

    `version` names the configuration of both networks and the folders of exported weights;
    `symbols` the phone table; `ssl_dim` the width of the content features (50 Hz);
    `speaker_dim` the length of the speaker vector, None where the version has none; `languages`
    what it can learn to speak.
    """

    name: str
    version: str
    family: BaseFamily = "gpt_sovits"
    symbols: Literal["v1", "v2"] = "v2"
    content_encoder: Literal["hubert", "nano", "mini"] = "hubert"
    ssl_dim: int = 768
    speaker_encoder: Literal["eres2net", "nano", "mini"] | None = None
    speaker_dim: int | None = None
    codebook_size: int = 1024
    generator: str | None = None
    discriminator: str | None = None
    gpt: str | None = None
    languages: tuple[str, ...] = LANGUAGES

    @property
    def tokens_are_phones(self) -> bool:
        """Whether semantic tokens come from the text as well as from the sound."""
        return self.family == "mini"

    @property
    def imitates_recordings(self) -> bool:
        """Whether a voice speaks as in the recording that it is given; else only as the person
        that it was trained on."""
        return self.family == "gpt_sovits"

    @property
    def uses_bert(self) -> bool:
        """Whether Chinese is learned with the features of the Chinese text model."""
        return self.family == "gpt_sovits"

    @property
    def is_pretrained(self) -> bool:
        """Whether it is one of GPT-SoVITS's own, so that its voices are read there too,
        and one can be the start of another: all have its codebook (nano fits one to each)."""
        return self.generator is not None

    @property
    def files(self) -> tuple[str, ...]:
        """Everything that has to lie in the models folder, relative to it."""
        weights = (self.generator, self.discriminator, self.gpt)
        hubert = _HUBERT_FILES if self.content_encoder == "hubert" else ()
        speaker = (SPEAKER_ENCODER_FILE,) if self.speaker_encoder == "eres2net" else ()
        return (*(path for path in weights if path), *hubert, *speaker)


# The order is the preference of "auto", which takes nano last: it is there for tests of the loops.
_ROWS = (
    PretrainedBase(
        name="v2ProPlus",
        version="v2ProPlus",
        speaker_encoder="eres2net",
        speaker_dim=20480,
        generator="v2Pro/s2Gv2ProPlus.pth",
        discriminator="v2Pro/s2Dv2ProPlus.pth",
        gpt="s1v3.ckpt",
    ),
    PretrainedBase(
        name="v2Pro",
        version="v2Pro",
        speaker_encoder="eres2net",
        speaker_dim=20480,
        generator="v2Pro/s2Gv2Pro.pth",
        discriminator="v2Pro/s2Dv2Pro.pth",
        gpt="s1v3.ckpt",
    ),
    PretrainedBase(
        name="v2",
        version="v2",
        generator="gsv-v2final-pretrained/s2G2333k.pth",
        discriminator="gsv-v2final-pretrained/s2D2333k.pth",
        gpt="gsv-v2final-pretrained/s1bert25hz-5kh-longer-epoch=12-step=369668.ckpt",
    ),
    PretrainedBase(
        name="v1",
        version="v1",
        symbols="v1",
        generator="s2G488k.pth",
        discriminator="s2D488k.pth",
        gpt="s1bert25hz-2kh-longer-epoch=68e-step=50232.ckpt",
    ),
    PretrainedBase(
        name="nano",
        version="nano",
        content_encoder="nano",
        ssl_dim=80,
        speaker_encoder="nano",
        speaker_dim=160,
        codebook_size=512,
    ),
    # Comes with the project, as part of the package.
    PretrainedBase(
        name="mini",
        version="mini",
        family="mini",
        content_encoder="mini",
        ssl_dim=81,
        speaker_encoder="mini",
        speaker_dim=162,
        languages=("en", "zh"),
    ),
)

BASE_MODELS: dict[str, PretrainedBase] = {row.name: row for row in _ROWS}


def base_model(name: str) -> PretrainedBase:
    """The row of `name`. Raises InvalidInput for a name that is not in the table."""
    try:
        return BASE_MODELS[name]
    except KeyError:
        raise InvalidInput(
            f"There is no base model {name!r}.",
            hint=f"Use auto or one of {', '.join(BASE_MODELS)}.",
            field="config.base_model",
        ) from None


def missing_files(name: str, models_dir: Path) -> list[str]:
    """Files of the base model that are not in the models folder, relative to it."""
    return [path for path in base_model(name).files if not is_present(path, models_dir)]


def has_bert(models_dir: Path) -> bool:
    """Whether the Chinese text model is complete."""
    return all(is_present(path, models_dir) for path in BERT_FILES)


def what_training_lacks(name: str, language: str, models_dir: Path) -> list[str]:
    """Sentences on what a training of this base model would go without; empty where all is there.

    Such a training works, so nothing refuses it. `language` is a clip's code.
    """
    if language != "zh" or not base_model(name).uses_bert or has_bert(models_dir):
        return []
    return [
        "Chinese is trained without BERT features, because the model is not in the models folder; "
        "zeros stand in for them. Run `gsv models pull bert` before, for a better voice."
    ]


def is_present(file: str, models_dir: Path) -> bool:
    """Whether a file of the table lies in the models folder; the hub's newer spelling of
    library weights, `model.safetensors`, is as good as `pytorch_model.bin`."""
    path = models_dir / file
    newer = path.with_name("model.safetensors")
    return path.is_file() or (path.name == "pytorch_model.bin" and newer.is_file())


@dataclass(frozen=True)
class BaseChoice:
    """The base model of a task, and why, as a sentence."""

    name: str
    reason: str


def choose_base(wanted: str, language: str, models_dir: Path) -> BaseChoice:
    """The base model to use: `wanted` itself, or for "auto" the best that is complete and speaks
    `language` (a clip's code, or "auto").

    Raises BackendMissing, with the `missing` files, when a named one is not complete, and
    InvalidInput when it cannot speak the language.
    """
    if wanted != "auto":
        require_files(wanted, models_dir)
        speaks = base_model(wanted).languages
        if language not in (*speaks, "auto"):
            raise InvalidInput(
                f"The base model {wanted} does not speak {language}, only {', '.join(speaks)}.",
                hint="Take another base model, such as v2ProPlus (`gsv models pull v2ProPlus`).",
                field="config.base_model",
            )
        return BaseChoice(wanted, f"{wanted} was asked for.")
    for row in _ROWS:
        if row.is_pretrained and not missing_files(row.name, models_dir):
            return BaseChoice(row.name, f"{row.name} is the best whose files are complete.")
    mini = base_model("mini")
    if language == "auto" or language in mini.languages:
        return BaseChoice(
            mini.name,
            "None of the large base models is in the models folder, so mini is used, which comes "
            "with the project: it is understood, but sounds plain. For a better voice run "
            "`gsv models pull v2ProPlus` and create the task again.",
        )
    return BaseChoice(
        "nano",
        "None of the large base models is in the models folder, and mini, which comes with the "
        f"project, does not speak {language}. So nano is used, whose voice nobody understands. For "
        "a real one run `gsv models pull v2ProPlus` and create the task again.",
    )


def require_files(name: str, models_dir: Path) -> None:
    """Raises BackendMissing, with the `missing` files, when the base model is not complete."""
    missing = missing_files(name, models_dir)
    if missing:
        raise BackendMissing(
            f"The base model {name} is not complete: {len(missing)} files are missing, "
            f"among them {missing[0]}.",
            hint=f"Run `gsv models pull {name}`, or use the base model mini.",
            missing=missing,
        )
