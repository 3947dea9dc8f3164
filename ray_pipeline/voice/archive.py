"""A trained voice as one file to take along: weights, reference, and what is known of them.

    voice.json                     what is in here: name, base, settings, every file with its sha256
    README.md                      the same for people, and how to speak with it
    GPT_weights_…/<exp>-e15.ckpt   as the original writes and reads it
    SoVITS_weights_…/<exp>_e8_s96.pth
    reference/<clip>.wav, .txt     what the voice imitates, and what is said in it
    sample/<exp>_001.wav, .json    what it said last, and how
    report.json                    the data doctor's report on the recordings, if there is one

The voice is the one that test_inference spoke with last. Knows no torch: files are only copied.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ray_pipeline.core.errors import StepNotReady
from ray_pipeline.core.manifest import fingerprint
from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace, atomic_path, sha256_of
from ray_pipeline.quality.data_report import report_path

FORMAT_NAME = "gpt-sovits-ray voice"
FORMAT = 1
MANIFEST = "voice.json"
GPT_ROLE, SOVITS_ROLE = "GPT weights", "SoVITS weights"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # equal voices make equal archives


@dataclass(frozen=True)
class Member:
    """One file of an archive: bytes, or a file of the task. `role` says what it is."""

    name: str
    role: str
    content: bytes | Path

    @property
    def size(self) -> int:
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)


def pack_voice(workspace: Workspace, config: TaskConfig, spoken: dict[str, Any] | None) -> Path:
    """The archive, made anew if anything in it has changed. `spoken` is the result of the last
    test_inference that was completed.

    Raises StepNotReady when nothing has been spoken yet, or one of its files is gone.
    """
    if spoken is None:
        raise _not_spoken("The voice has not spoken yet, so it has no reference.")
    try:
        members = _members(workspace, config, spoken)
    except FileNotFoundError as error:
        missing = Path(error.filename or "a file").name
        raise _not_spoken(f"{missing}, which the voice spoke with, is gone.") from None
    target = workspace.scratch / "voice" / f"{fingerprint(manifest=_digests(members))}.zip"
    if not target.exists():
        for older in target.parent.glob("*.zip"):
            older.unlink(missing_ok=True)
        write_archive(target, members)
    return target


def _not_spoken(sentence: str) -> StepNotReady:
    step = StepName.TEST_INFERENCE.value
    return StepNotReady(sentence, hint=f"Run {step} first.", missing=[step])


def _members(workspace: Workspace, config: TaskConfig, spoken: dict[str, Any]) -> list[Member]:
    facts_path = workspace.resolve(spoken["facts"])
    facts: dict[str, Any] = json.loads(facts_path.read_text("utf-8"))
    reference = workspace.resolve(facts["ref_audio"])
    sample = workspace.resolve(spoken["file"])
    report = report_path(workspace)
    members = [
        Member(_weights_name(facts["gpt_model"]), GPT_ROLE, _there(workspace, facts["gpt_model"])),
        Member(
            _weights_name(facts["sovits_model"]),
            SOVITS_ROLE,
            _there(workspace, facts["sovits_model"]),
        ),
        Member(f"reference/{reference.name}", "reference", _there(workspace, facts["ref_audio"])),
        Member(
            f"reference/{reference.stem}.txt",
            "what is said in the reference",
            facts["ref_text"].encode(),
        ),
        Member(f"sample/{sample.name}", "what the voice said last", sample),
        Member(f"sample/{facts_path.name}", "how it said it", facts_path),
    ]
    if report.is_file():
        members.append(Member("report.json", "report on the recordings", report))
    members.append(Member("README.md", "for people", _readme(config, facts, members).encode()))
    described = json.dumps(_manifest(config, facts, members), ensure_ascii=False, indent=1)
    return [Member(MANIFEST, "manifest", described.encode()), *members]


def _there(workspace: Workspace, name: str) -> Path:
    path = workspace.resolve(name)
    path.stat()  # raises FileNotFoundError now, and not when half of the archive is written
    return path


def _weights_name(name: str) -> str:
    """Where the original has it; an uploaded file is put into a folder of its own."""
    path = PurePosixPath(name)
    return name if "_weights" in path.parts[0] else f"weights/{path.name}"


def _manifest(config: TaskConfig, facts: dict[str, Any], members: list[Member]) -> dict[str, Any]:
    reference = {
        "audio": f"reference/{Path(facts['ref_audio']).name}",
        "text": facts["ref_text"],
        "language": facts["ref_language"],
    }
    voice = {
        "name": config.exp_name,
        "base_model": facts["base_model"],
        "language": config.language,
        "reference": reference,
        "settings": facts.get("settings", {}),
    }
    return describe(voice, members)


def describe(voice: dict[str, Any], members: list[Member]) -> dict[str, Any]:
    """What voice.json says: `voice`, and every other file with its size and SHA-256."""
    digests = _digests(members)
    return {
        "format": FORMAT_NAME,
        "format_version": FORMAT,
        **voice,
        "files": [
            {"name": member.name, "what": member.role, "size": member.size, "sha256": digest}
            for member, digest in zip(members, digests.values(), strict=True)
        ],
    }


def _digests(members: list[Member]) -> dict[str, str]:
    return {member.name: _sha256(member.content) for member in members}


def _sha256(content: bytes | Path) -> str:
    import hashlib

    return sha256_of(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()


def _readme(config: TaskConfig, facts: dict[str, Any], members: list[Member]) -> str:
    gpt, sovits, reference = (member.name for member in members[:3])
    return "\n".join(_readme_lines(config.exp_name, facts, gpt, sovits, reference))


def _readme_lines(
    name: str, facts: dict[str, Any], gpt: str, sovits: str, reference: str
) -> Iterator[str]:
    yield f"# {name}"
    yield ""
    yield f"A GPT-SoVITS voice, trained from the base model {facts['base_model']}."
    yield ""
    yield f"- GPT weights: `{gpt}`"
    yield f"- SoVITS weights: `{sovits}`"
    yield f"- reference: `{reference}` ({facts['ref_language']}): {facts['ref_text']}"
    yield ""
    yield "Keep it in this service by its name: `gsv voices import NAME THIS.zip`. Or create a task"
    yield "of the same base model, upload both weights and the reference, and run test_inference"
    yield "with"
    yield ""
    options = {
        "gpt_model": PurePosixPath(gpt).name,
        "sovits_model": PurePosixPath(sovits).name,
        "ref_audio": PurePosixPath(reference).name,
        "ref_text": facts["ref_text"],
        "ref_language": facts["ref_language"],
        "target_text": facts["text"],
        "target_language": facts["language"],
    }
    yield "```json"
    yield json.dumps({"params": options}, ensure_ascii=False, indent=1)
    yield "```"
    yield ""
    if base_model(facts["base_model"]).is_pretrained:
        yield "In GPT-SoVITS: put the two weights into its folders of the same names, and choose"
        yield "them and the reference on its inference page."
    else:
        yield f"The base {facts['base_model']} exists in this service only; GPT-SoVITS cannot read "
        yield "these weights."
    yield ""
    yield "`voice.json` has the size and the SHA-256 of every file. Speak with somebody's voice"
    yield "only with their consent."
    yield ""


def write_archive(target: Path, members: list[Member]) -> None:
    with atomic_path(target) as partial, zipfile.ZipFile(partial, "w") as archive:
        for member in members:
            info = zipfile.ZipInfo(member.name, _EPOCH)
            info.external_attr = 0o644 << 16
            if isinstance(member.content, bytes):
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, member.content)
                continue
            info.file_size = member.size  # decides whether the entry needs 64-bit sizes
            with member.content.open("rb") as source, archive.open(info, "w") as entry:
                while chunk := source.read(1 << 20):
                    entry.write(chunk)
