"""The folder of one task: which file lies where, and how files are written.

Every arrow between two steps is a file in here. All paths come from this module, all
writes are atomic (a reader sees the old file or the new one, never half of one), and a name
that came from outside never leads out of the folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ray_pipeline.core.blanks import one_line
from ray_pipeline.core.errors import InvalidInput, NotFound, PipelineError, StorageFull
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.stop_points import pass_by

_SMALLEST_ROOM = 1_000_000  # bytes; a disk with less is as good as full
_MAX_NAME_BYTES = 180  # file systems allow 255; slices append 26 bytes, feature files a suffix
_LONGEST_PART, _LONGEST_PATH = 255, 4000  # bytes; what Linux's file systems take
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]')
PARTIAL_PREFIX = ".partial-"
_DELETED_PREFIX = ".deleted-"


def tasks_folder(data_dir: Path) -> Path:
    """One folder a task lies in it."""
    return data_dir / "api_tasks"


@dataclass(frozen=True)
class Experiment:
    """The original's `logs/<experiment>` folder: features of the clips, checkpoints of both
    trainings. A clip's files carry its name, which ends in .wav."""

    folder: Path

    @property
    def phones_table(self) -> Path:
        """A row a clip: name, phones, phones a character, text."""
        return self.folder / "2-name2text.txt"

    @property
    def bert(self) -> Path:
        return self.folder / "3-bert"

    @property
    def content(self) -> Path:
        return self.folder / "4-cnhubert"

    @property
    def waves(self) -> Path:
        return self.folder / "5-wav32k"

    @property
    def semantic_table(self) -> Path:
        """A row a clip: name, semantic tokens."""
        return self.folder / "6-name2semantic.tsv"

    @property
    def speaker_vectors(self) -> Path:
        return self.folder / "7-sv_cn"

    @property
    def codebook(self) -> Path:
        """Ours: what made the tokens, for a base whose generator brings none."""
        return self.folder / "codebook.safetensors"

    def bert_of(self, clip: str) -> Path:
        return self.bert / f"{clip}.pt"

    def content_of(self, clip: str) -> Path:
        return self.content / f"{clip}.pt"

    def wave_of(self, clip: str) -> Path:
        return self.waves / clip

    def speaker_vector_of(self, clip: str) -> Path:
        return self.speaker_vectors / f"{clip}.pt"

    def sovits_logs(self, version: str) -> Path:
        """Curves and the G_ and D_ checkpoints."""
        return self.folder / f"logs_s2_{version}"

    def gpt_logs(self, version: str) -> Path:
        return self.folder / f"logs_s1_{version}"

    def gpt_checkpoints(self, version: str) -> Path:
        return self.gpt_logs(version) / "ckpt"


@dataclass(frozen=True)
class Workspace:
    """`root` is absolute and seen by every node under the same path."""

    root: Path

    # -- folders, in the order in which the steps fill them
    @property
    def input_audio(self) -> Path:
        return self.root / "input_audio"

    @property
    def converted_wav(self) -> Path:
        return self.root / "converted_wav"

    @property
    def sliced(self) -> Path:
        return self.root / "sliced"

    @property
    def denoised(self) -> Path:
        return self.root / "denoised"

    @property
    def transcripts(self) -> Path:
        return self.root / "transcripts"

    @property
    def output(self) -> Path:
        return self.root / "output"

    @property
    def scratch(self) -> Path:
        """For what a step needs only while it runs, such as Ray Train's bookkeeping."""
        return self.root / ".scratch"

    @property
    def trainings(self) -> Path:
        """A folder a training: `trainings.py`."""
        return self.root / ".trainings"

    @property
    def published_path(self) -> Path:
        """Which trainings are the voice."""
        return self.root / "published.json"

    def experiment(self, exp_name: str) -> Experiment:
        return Experiment(self.root / "experiments" / exp_name)

    def sovits_weights(self, version: str) -> Path:
        return self.root / _versioned("SoVITS_weights", version)

    def gpt_weights(self, version: str) -> Path:
        return self.root / _versioned("GPT_weights", version)

    # -- single files
    def manifest_path(self, step: StepName) -> Path:
        return self.root / "manifests" / f"{step.value}.json"

    def list_path(self, exp_name: str) -> Path:
        return self.transcripts / f"{exp_name}.list"

    @property
    def log_path(self) -> Path:
        return self.root / "training.log"

    @property
    def config_path(self) -> Path:
        return self.root / "task_config.json"

    @property
    def sovits_config_path(self) -> Path:
        return self.root / "config_s2.json"

    @property
    def gpt_config_path(self) -> Path:
        return self.root / "config_s1.yaml"

    # -- making, naming, finding
    def create(self) -> None:
        for folder in (self.input_audio, self.output):
            folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def deleting(self) -> Iterator[None]:
        """The folder is out of the way inside of the block and gone after it; if the block
        raises, it is back. Moving is quick, however much there is to remove."""
        aside = self.root.with_name(f"{_DELETED_PREFIX}{self.root.name}")
        if self.root.exists():
            self.root.replace(aside)
        try:
            yield
        except BaseException:
            if aside.exists():
                aside.replace(self.root)
            raise
        shutil.rmtree(aside, ignore_errors=True)

    def relative(self, path: Path) -> str:
        """The name that clients see: relative to the task, with `/`."""
        return path.relative_to(self.root).as_posix()

    def resolve(self, name: str) -> Path:
        """The path of a name relative to the task.

        Raises InvalidInput for a name that is absolute or leads out of the folder, by `..`
        or by a link, and NotFound for one that is longer than any file's.
        """
        pure = PurePosixPath(name.replace("\\", "/"))
        if not name or "\x00" in name or pure.is_absolute() or ".." in pure.parts:
            raise _outside(name)
        path = self.root / pure
        if any(len(os.fsencode(part)) > _LONGEST_PART for part in pure.parts) or (
            len(os.fsencode(path)) > _LONGEST_PATH
        ):
            raise _absent(name)
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise _outside(name)
        return path

    def find(self, name: str, exp_name: str) -> Path:
        """A file that a client asks for: a path below the task, or a bare name looked for in
        output/, the experiment folder, the exported weights, the task folder and the uploads, in
        this order.

        Raises NotFound, or InvalidInput as `resolve` does.
        """
        direct = self.resolve(name)
        if "/" in name.replace("\\", "/"):
            candidates = [direct]
        else:
            weights = sorted(self.root.glob("*_weights*"))
            folders = [
                self.output,
                self.experiment(exp_name).folder,
                *weights,
                self.root,
                self.input_audio,
            ]
            candidates = [folder / name for folder in folders]
        for path in candidates:
            if path.is_file() and path.resolve().is_relative_to(self.root.resolve()):
                return path
        raise _absent(name)


def _absent(name: str) -> NotFound:
    shown = name if len(name) <= _LONGEST_PART else f"{name[:_LONGEST_PART]}…"
    return NotFound(
        f"The task has no file {shown!r}.",
        hint="GET /api/v1/task/{task_id}/files lists what there is.",
    )


def _versioned(folder: str, version: str) -> str:
    return folder if version == "v1" else f"{folder}_{version}"


def _outside(name: str) -> InvalidInput:
    return InvalidInput(
        f"The file name {name!r} does not name a file of the task.",
        hint="Use a name relative to the task's folder, such as output/voice.wav.",
        field="filename",
    )


def safe_file_name(raw: str) -> str:
    """A name that is harmless on every file system and still the user's own.

    Folders are cut off, control and reserved characters become `_`, blanks of any kind a space,
    the text is NFC, and an over-long name keeps its suffix. Raises InvalidInput when nothing is
    left.
    """
    name = one_line(unicodedata.normalize("NFC", raw.replace("\\", "/")).split("/")[-1])
    name = _FORBIDDEN.sub("_", name.encode("utf-8", "replace").decode("utf-8"))
    name = name.strip().strip(".").strip()
    if not name.strip("_"):
        raise InvalidInput(
            f"{raw!r} cannot be used as a file name.",
            hint="Give the file a name, such as speech.wav.",
            field="file",
        )
    suffix = PurePosixPath(name).suffix
    suffix = suffix if len(suffix.encode()) <= 16 else ""
    stem = name.removesuffix(suffix)
    room = _MAX_NAME_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + suffix


def finish_deletions(tasks_dir: Path) -> None:
    """Remove what a process that died in `Workspace.deleting` left."""
    for folder in tasks_dir.glob(f"{_DELETED_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def atomic_path(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yields a temporary path in the same folder that becomes `path` when the block ends well.

    `durable` also waits until the bytes are on the disk; for checkpoints and manifests.
    The temporary name keeps the suffix, because some writers choose their format by it.
    Raises StorageFull when the block failed and the disk is full, whatever the error: libraries
    have their own for it. What was at `path` before is still there then. Any other error that
    comes out of the block names `path` instead of the temporary one: users know no other.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{PARTIAL_PREFIX}{uuid.uuid4().hex}{path.suffix}")
    try:
        yield partial
        if durable:
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
        pass_by("written", path.name)
        partial.replace(path)
        pass_by("renamed", path.name)
    except Exception as error:
        _name_instead(error, partial, path)
        if isinstance(error, PipelineError):
            raise
        full = StorageFull.of(error) or (StorageFull.said() if _is_full(partial) else None)
        if full is None:
            raise
        raise full from error
    finally:
        partial.unlink(missing_ok=True)


def _is_full(unfinished: Path) -> bool:
    """Whether a file that could not be finished can take no more: asked by writing to it, since
    a quota and a disk shared with others show in no number of bytes. soundfile and torch say
    nothing of it in their errors."""
    try:
        with unfinished.open("ab", buffering=0) as file:
            file.write(b"\0" * _SMALLEST_ROOM)
            os.fsync(file.fileno())
    except OSError as error:
        return StorageFull.of(error) is not None
    return False


def _name_instead(error: Exception, partial: Path, path: Path) -> None:
    """Put `path` where an error says `partial`: in its arguments, and in whatever text it keeps
    for its message (errors of the project, of soundfile, of the operating system)."""

    def renamed(value: Any) -> Any:
        if isinstance(value, Path) and value == partial:
            return path
        return value.replace(partial.name, path.name) if isinstance(value, str) else value

    error.args = tuple(renamed(argument) for argument in error.args)
    for name, value in list(vars(error).items()):
        setattr(error, name, renamed(value))
    if isinstance(error, OSError):
        error.filename, error.filename2 = renamed(error.filename), renamed(error.filename2)


def atomic_write(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Write a whole small file; text is UTF-8."""
    with atomic_path(path, durable=durable) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def is_partial(path: Path) -> bool:
    """Whether a file is the unfinished half of an atomic write, left by a killed process."""
    return path.name.startswith(PARTIAL_PREFIX)


def remove_partials(folder: Path) -> None:
    """Remove what killed processes left of files in `folder`, where nobody writes now."""
    for path in folder.glob(f"{PARTIAL_PREFIX}*"):
        path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
