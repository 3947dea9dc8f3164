"""Step 11. Needs the exported weights of both trainings. Makes output/<exp>_<number>.wav and a
JSON of facts beside it. The same text from the same files is not spoken again without force.

By default the newest weights speak a fixed sentence with the best clip as reference.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray_pipeline.core.errors import pipeline_error_in
from ray_pipeline.core.manifest import ClipEntry, Manifest, fingerprint
from ray_pipeline.core.options import TestInferenceOptions
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.workspace import Experiment, Workspace, atomic_write, sha256_of
from ray_pipeline.text.chinese.reading_models import ChineseModels, read_otherwise
from ray_pipeline.text.clip_reading import read_by_other_rules

if TYPE_CHECKING:
    from ray_pipeline.voice.recording import Order

_VERSION = "4"


def run(context: StepContext, options: TestInferenceOptions) -> Result:
    """Raises StepNotReady without weights, NotFound and InvalidInput for files named in vain,
    StepFailed when what comes out is silent or not a number."""
    from ray_pipeline.voice.order import make_order

    workspace = context.workspace
    order, warnings = make_order(context, options)
    wanted = _describe(order, workspace)
    models = ChineseModels.present(context.models_dir)
    warnings += read_otherwise(workspace, models, order.text, order.mode)
    warnings += read_by_other_rules(workspace, strict_compat=order.settings.strict_compat)
    key = fingerprint(version=_VERSION, **models.for_key(), **wanted)
    manifest = Manifest.load(workspace, context.step)
    manifest.options = options.model_dump()
    known = None if options.force else _find(manifest, key, workspace)
    if known is not None:
        context.progress.log(f"{known.name} says this already; nothing was done.")
        said = json.loads((workspace.root / known.details["facts"]).read_text("utf-8"))
        warnings += _remarks(said, context.experiment)
        return Result(summary={**known.details, "unchanged": True}, warnings=warnings)
    target = _next_output(workspace, context.config.exp_name)
    spoken = _speak(context, order, target)
    warnings += _remarks(spoken, context.experiment)
    facts = target.with_suffix(".json")
    content = {**spoken, **wanted, "warnings": warnings}
    atomic_write(facts, json.dumps(content, ensure_ascii=False, indent=1))
    outputs = [workspace.relative(path) for path in (target, facts)]
    summary = _summary(content, outputs)
    inputs = wanted["files"]
    manifest.add(ClipEntry(target.name, key, inputs=inputs, outputs=outputs, details=summary))
    manifest.save(workspace)
    return Result(summary=summary, warnings=warnings)


def _describe(order: Order, workspace: Workspace) -> dict[str, Any]:
    """The order as plain data; what has the same description sounds the same."""
    paths = (order.gpt_path, order.sovits_path, order.reference.wav_path)
    names = [workspace.relative(path) for path in paths]
    return {
        "text": order.text,
        "language": order.mode,
        "settings": order.settings.model_dump() | {"dictionary": dict(order.dictionary)},
        "gpt_model": names[0],
        "sovits_model": names[1],
        "ref_audio": names[2],
        "ref_text": order.reference.text,
        "ref_language": order.reference.language,
        "files": {name: sha256_of(path) for name, path in zip(names, paths, strict=True)},
    }


def _speak(context: StepContext, order: Order, target: Path) -> dict[str, Any]:
    """Speak in a process that holds a share of a GPU; without GPUs, in this one."""
    from ray_pipeline.voice.recording import speak_to_file

    progress = context.progress

    def tell(done: int, total: int) -> None:
        progress.advance(done, total, f"{done} of {total}")

    arguments = (order, context.models_dir, target, tell)
    plan = context.plan(1)
    if not plan.use_gpu:
        return speak_to_file(*arguments)
    import ray

    named = ray.remote(speak_to_file).options(name=str(context.step), **plan.ray_options())
    try:
        facts: dict[str, Any] = ray.get(named.remote(*arguments))
    except ray.exceptions.RayTaskError as error:
        raise pipeline_error_in(error) or error.cause or error from None
    return facts


def _remarks(facts: dict[str, Any], experiment: Experiment) -> list[str]:
    from ray_pipeline.text.unread import quote_some, unread_words
    from ray_pipeline.voice.spoken_rate import spoken_too_fast

    remarks = spoken_too_fast(facts["pieces"], experiment, facts["tokens_per_second"])
    if facts["left_out"]:
        remarks.append(
            f"{quote_some(facts['left_out'])} was left out: nothing of it can be read aloud as "
            "written. Set target_language to the language that it is written in."
        )
    for piece in facts["pieces"]:
        if not piece["ended"]:
            remarks.append(
                f"The voice found no end for {piece['text']!r} and was stopped after "
                f"{piece['seconds']:.0f} s."
            )
        elif piece.get("problem") and not any(repr(piece["text"].strip()) in r for r in remarks):
            remarks.append(f"In {piece['text'].strip()!r}: {piece['problem']} Try another seed.")
        if piece["unknown"]:
            words = quote_some(unread_words(piece["text"], piece["unknown"]))
            remarks.append(
                f"In {piece['text']!r}, {words} cannot be read aloud as written and was left out."
            )
    return remarks


def _find(manifest: Manifest, key: str, workspace: Workspace) -> ClipEntry | None:
    entries = manifest.clips.values()
    return next((e for e in entries if manifest.reusable(e.name, key, workspace)), None)


def _next_output(workspace: Workspace, exp_name: str) -> Path:
    numbered = re.compile(rf"{re.escape(exp_name)}_(\d+)\.(wav|json)")
    names = [path.name for path in workspace.output.glob("*")] if workspace.output.is_dir() else []
    taken = [int(match[1]) for name in names if (match := numbered.fullmatch(name))]
    return workspace.output / f"{exp_name}_{max(taken, default=0) + 1:03d}.wav"


def _summary(facts: dict[str, Any], outputs: list[str]) -> dict[str, Any]:
    names = (
        "seconds",
        "rms_dbfs",
        "peak_dbfs",
        "full_scale_share",
        "limit_tokens",
        "base_model",
        "device",
    )
    tokens = [piece["num_tokens"] for piece in facts["pieces"]]
    return {
        "file": outputs[0],
        "facts": outputs[1],
        "text": facts["text"],
        "seed": facts["settings"]["seed"],
        "ref_audio": facts["ref_audio"],
        "tokens": tokens,
        **{name: facts[name] for name in names},
    }
