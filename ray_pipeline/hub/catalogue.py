"""Everything that `gsv models pull` can fetch: the files, where they are published, the licences.

Which files a base model needs is said in `base.py`, which folders a recogniser looks for in
`asr/`; here stands where each comes from. Sizes are the published ones or, where only the
number of values is known, about right: they are shown and used to look for room on the disk.
A `sha256` is given where at least two independent public records of the release agree on it;
such a file is then the same from whichever source it came. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.pretrained_bases import (
    BASE_MODELS,
    BERT_FILES,
    BERT_FOLDER,
    HUBERT_FOLDER,
    SPEAKER_ENCODER_FILE,
    is_present,
)

MB = 1_000_000


class Source(StrEnum):
    huggingface = "huggingface"
    modelscope = "modelscope"


@dataclass(frozen=True)
class Repository:
    """A repository on one hub; `prefix` is the folder in it where our paths begin."""

    id: str
    revision: str
    prefix: str = ""


@dataclass(frozen=True)
class Known:
    """What is known of a published file before any hub is asked."""

    size: int
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """Files of one repository. `folder`, relative to the models folder, is where its root goes.

    `files` have to be there for the part to be complete. With `whole`, all other files of the
    repository are fetched too, but for examples, pictures and read-mes.
    """

    folder: str = ""
    files: tuple[str, ...]
    sources: Mapping[Source, Repository]
    licence: str
    about_bytes: int = 0
    whole: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """`files` relative to the models folder."""
        return tuple(self.path(file) for file in self.files)

    def path(self, file: str) -> str:
        return f"{self.folder}/{file}" if self.folder else file


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that can be pulled. An entry without parts (nano) needs no file. `companions` are
    entries that it works without and that most people want with it."""

    name: str
    kind: str
    parts: tuple[Part, ...] = field(default=())
    companions: tuple[str, ...] = ()

    @property
    def sources(self) -> list[Source]:
        """Where all of it can be had, in order of preference."""
        return [source for source in Source if all(source in part.sources for part in self.parts)]

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(path for part in self.parts for path in part.paths)

    @property
    def licences(self) -> str:
        return ", ".join(dict.fromkeys(part.licence for part in self.parts)) or "none needed"

    @property
    def about_bytes(self) -> int:
        return sum(
            part.about_bytes or sum(KNOWN[path].size for path in part.paths if path in KNOWN)
            for part in self.parts
        )

    def missing(self, models_dir: Path) -> list[str]:
        return [path for path in self.paths if not is_present(path, models_dir)]


_BERT_WEIGHTS = f"{BERT_FOLDER}/pytorch_model.bin"
_HUBERT_WEIGHTS = f"{HUBERT_FOLDER}/pytorch_model.bin"

KNOWN: Mapping[str, Known] = {
    "s1v3.ckpt": Known(
        155_284_856, "87133414860ea14ff6620c483a3db5ed07b44be42e2c3fcdad65523a729a745a"
    ),
    "v2Pro/s2Gv2ProPlus.pth": Known(
        200_125_741, "d42a22bbbf65fb2bbdd45ad6a66841156977db45c7aabe0a6992ff378d9c7d3b"
    ),
    "v2Pro/s2Dv2ProPlus.pth": Known(
        126_432_639, "635cd84bf6f7f9b8d41c88c7106f81d782c794c61f931845214ea037b0c5bef2"
    ),
    "v2Pro/s2Gv2Pro.pth": Known(
        162_303_657, "0f8ead815234365edf045c6d86370ed6e4f440e8195be77ff0ea72684ad406a5"
    ),
    "v2Pro/s2Dv2Pro.pth": Known(126 * MB),
    "gsv-v2final-pretrained/s2G2333k.pth": Known(
        106 * MB, "924fdccaa3c574bf139c25c9759aa1ed3b3f99e19a7c529ee996c2bc17663695"
    ),
    "gsv-v2final-pretrained/s2D2333k.pth": Known(94 * MB),
    "gsv-v2final-pretrained/s1bert25hz-5kh-longer-epoch=12-step=369668.ckpt": Known(
        155 * MB, "732f94e63b148066e24c7f9d2637f3374083e637635f07fbdb695dee20ddbe1f"
    ),
    "s2G488k.pth": Known(106 * MB),
    "s2D488k.pth": Known(94 * MB),
    "s1bert25hz-2kh-longer-epoch=68e-step=50232.ckpt": Known(155 * MB),
    SPEAKER_ENCODER_FILE: Known(
        107_528_697, "4f5a0bf73c61eb41b174e1bb54e7ee3c83233892be8e0af1f187024e8e581a35"
    ),
    f"{HUBERT_FOLDER}/config.json": Known(1_449),
    _HUBERT_WEIGHTS: Known(
        188_811_417, "24164f129c66499d1346e2aa55f183250c223161ec2770c0da3d3b08cf432d3c"
    ),
    f"{BERT_FOLDER}/config.json": Known(963),
    f"{BERT_FOLDER}/tokenizer.json": Known(268_962),
    _BERT_WEIGHTS: Known(
        651_225_145, "e53a693acc59ace251d143d068096ae0d7b79e4b1b503fa84c9dcf576448c1d8"
    ),
}

# The revision is the one that the checksums above were recorded for.
_PRETRAINED = {
    Source.huggingface: Repository("lj1995/GPT-SoVITS", "336b2ec4e8d4ac74740798dd40af44e74659ecaf"),
    Source.modelscope: Repository("XXXXRT/GPT-SoVITS-Pretrained", "master", "pretrained_models/"),
}


def _pretrained(files: tuple[str, ...]) -> tuple[Part, ...]:
    """The files of a base model, each kind under its own licence."""
    kinds = {
        "MIT (GPT-SoVITS)": lambda file: not file.startswith((HUBERT_FOLDER, BERT_FOLDER, "sv/")),
        "MIT (TencentGameMate chinese-hubert-base)": lambda file: file.startswith(HUBERT_FOLDER),
        "Apache-2.0 (3D-Speaker ERes2NetV2)": lambda file: file.startswith("sv/"),
        "Apache-2.0 (HFL chinese-roberta-wwm-ext-large)": lambda file: file.startswith(BERT_FOLDER),
    }
    by_licence = {licence: tuple(filter(chosen, files)) for licence, chosen in kinds.items()}
    return tuple(
        Part(files=chosen, sources=_PRETRAINED, licence=licence)
        for licence, chosen in by_licence.items()
        if chosen
    )


def _modelscope(id: str, **more: Repository) -> Mapping[Source, Repository]:
    """Published by its authors on ModelScope, and elsewhere as `more` says."""
    others = {Source(name): repository for name, repository in more.items()}
    return {**others, Source.modelscope: Repository(id, "master")}


def _whisper(size: str, owner: str, about_bytes: int) -> Part:
    folder = f"faster-whisper-{size}"
    return Part(
        folder=f"asr/{folder}",
        files=("model.bin", "config.json", "tokenizer.json"),
        sources={
            Source.huggingface: Repository(f"{owner}/{folder}", "main"),
            Source.modelscope: Repository("XXXXRT/faster-whisper", "master", f"{folder}/"),
        },
        licence="MIT (OpenAI Whisper)",
        about_bytes=about_bytes,
        whole=True,
    )


def _transformers_whisper(size: str, about_bytes: int) -> Part:
    """The same model as its authors publish it, without the float32 copies in the repository."""
    return Part(
        folder=f"asr/whisper-{size}",
        files=(
            "model.safetensors",
            "config.json",
            "generation_config.json",
            "preprocessor_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "normalizer.json",
            "vocab.json",
            "merges.txt",
        ),
        sources={Source.huggingface: Repository(f"openai/whisper-{size}", "main")},
        licence="MIT (OpenAI Whisper)",
        about_bytes=about_bytes,
    )


_FUN_ASR_NANO = Part(
    folder="asr/Fun-ASR-Nano-2512-hf",
    files=("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"),
    sources={Source.huggingface: Repository("FunAudioLLM/Fun-ASR-Nano-2512-hf", "main")},
    licence="Apache-2.0",
    about_bytes=2_000 * MB,
    whole=True,
)
_VAD = Part(
    folder="asr/speech_fsmn_vad_zh-cn-16k-common-pytorch",
    files=("model.pt", "config.yaml"),
    sources=_modelscope(
        "iic/speech_fsmn_vad_zh-cn-16k-common-pytorch",
        huggingface=Repository("funasr/fsmn-vad", "main"),
    ),
    licence="FunASR Model License",
    about_bytes=2 * MB,
    whole=True,
)
_SENSE_VOICE = Part(
    folder="asr/SenseVoiceSmall",
    files=("model.pt", "config.yaml"),
    sources=_modelscope(
        "iic/SenseVoiceSmall", huggingface=Repository("FunAudioLLM/SenseVoiceSmall", "main")
    ),
    licence="FunASR Model License",
    about_bytes=937 * MB,
    whole=True,
)
_PARAFORMER = Part(
    folder="asr/speech_paraformer-large_asr_nat-zh-cn-16k-common-vocab8404-pytorch",
    files=("model.pt", "config.yaml"),
    sources=_modelscope("iic/speech_paraformer-large_asr_nat-zh-cn-16k-common-vocab8404-pytorch"),
    licence="FunASR Model License",
    about_bytes=880 * MB,
    whole=True,
)
_PUNCTUATION = Part(
    folder="asr/punc_ct-transformer_zh-cn-common-vocab272727-pytorch",
    files=("model.pt", "config.yaml"),
    sources=_modelscope("iic/punc_ct-transformer_zh-cn-common-vocab272727-pytorch"),
    licence="FunASR Model License",
    about_bytes=290 * MB,
    whole=True,
)
_FRCRN = Part(
    folder="denoise/speech_frcrn_ans_cirm_16k",
    files=("pytorch_model.bin", "configuration.json"),
    sources=_modelscope("damo/speech_frcrn_ans_cirm_16k"),
    licence="Apache-2.0",
    about_bytes=58 * MB,
    whole=True,
)

_ENTRIES = (
    *(
        Entry(
            name=name,
            kind="base model",
            parts=_pretrained(row.files),
            # Without it, Chinese is trained on zeros in place of its features.
            companions=("bert",) if row.is_pretrained else (),
        )
        for name, row in BASE_MODELS.items()
    ),
    Entry(name="bert", kind="text encoder (Chinese)", parts=_pretrained(BERT_FILES)),
    Entry(name="sensevoice", kind="recogniser", parts=(_SENSE_VOICE, _VAD)),
    Entry(name="paraformer", kind="recogniser (Mandarin)", parts=(_PARAFORMER, _VAD, _PUNCTUATION)),
    Entry(
        name="whisper-large-v3",
        kind="recogniser",
        parts=(_whisper("large-v3", "Systran", 3_090 * MB),),
    ),
    Entry(
        name="whisper-large-v3-turbo",
        kind="recogniser",
        parts=(_whisper("large-v3-turbo", "mobiuslabsgmbh", 1_620 * MB),),
    ),
    Entry(
        name="whisper-large-v3-hf",
        kind="recogniser",
        parts=(_transformers_whisper("large-v3", 3_090 * MB),),
    ),
    Entry(
        name="whisper-large-v3-turbo-hf",
        kind="recogniser",
        parts=(_transformers_whisper("large-v3-turbo", 1_620 * MB),),
    ),
    Entry(name="fun-asr-nano", kind="recogniser (zh, en, ja)", parts=(_FUN_ASR_NANO,)),
    Entry(name="frcrn", kind="denoiser", parts=(_FRCRN,)),
)

CATALOGUE: Mapping[str, Entry] = {row.name: row for row in _ENTRIES}

# The ids that GPT-SoVITS itself uses name the same things.
_BY_HUB_ID = {
    repository.id.lower(): row
    for row in reversed(_ENTRIES)
    if row.parts and row.kind != "base model" and row.name != "bert"
    for repository in row.parts[0].sources.values()
    if not repository.prefix
}


def entry(name: str) -> Entry:
    """The row of a name, or of the hub id of a recogniser such as iic/SenseVoiceSmall.

    Raises InvalidInput, with the names there are.
    """
    row = CATALOGUE.get(name) or _BY_HUB_ID.get(name.lower())
    if row is None:
        raise InvalidInput(
            f"There is nothing called {name!r} to pull.", hint=f"Use one of {', '.join(CATALOGUE)}."
        )
    return row


def with_companions(name: str) -> list[Entry]:
    """The row of a name and those that are pulled with it unless somebody says otherwise.

    Raises InvalidInput as `entry` does.
    """
    row = entry(name)
    return [row, *(CATALOGUE[companion] for companion in row.companions)]
