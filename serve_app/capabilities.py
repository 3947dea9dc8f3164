"""What this installation can do: versions, the cluster, base models, back-ends, tools.

Nothing heavy is imported: packages are looked up, not loaded.
"""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.pretrained_bases import (
    BASE_MODELS,
    choose_base,
    has_bert,
    missing_files,
)
from ray_pipeline.core.resources import ClusterTotals, plan_workers
from ray_pipeline.core.step_names import StepName
from ray_pipeline.pipeline import STEPS
from ray_pipeline.text.chinese.g2pw import has_g2pw
from ray_pipeline.training.preflight import Room
from ray_pipeline.training.room import room_of_cards_here, room_on_cpu
from serve_app.settings import Settings

_PACKAGES = ("gpt-sovits-ray", "ray", "torch", "torchaudio", "transformers", "fastapi", "dbos")


def capabilities(settings: Settings) -> dict[str, Any]:
    """Everything that GET /api/v1/capabilities answers; call it inside the cluster."""
    return {
        "versions": versions(),
        "cluster": cluster(),
        "base_models": base_models(settings.models_dir),
        "auto_base_model": choose_base("auto", "auto", settings.models_dir).name,
        "back_ends": back_ends(settings.models_dir),
        "voices": {"zero_shot": zero_shot_bases(settings.models_dir)},
        "ffmpeg": ffmpeg_path() is not None,
        "limits": {"max_upload_mb": settings.max_upload_mb},
    }


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def cluster() -> dict[str, Any] | None:
    """CPUs, GPUs and nodes of the Ray cluster, and where its dashboard is; None outside one."""
    import ray

    if not ray.is_initialized():
        return None
    totals = ray.cluster_resources()
    return {
        "cpus": totals.get("CPU", 0),
        "gpus": totals.get("GPU", 0),
        "gpu_types": sorted(
            name.removeprefix("accelerator_type:")
            for name in totals
            if name.startswith("accelerator_type:")
        ),
        "nodes": sum(1 for node in ray.nodes() if node["Alive"]),
        "dashboard": _dashboard_url(),
    }


def room_of_worker(config: TaskConfig) -> Room | None:
    """The memory that a worker of this task's trainings would find, as far as this machine can
    tell: None where the cluster has GPUs and this machine none."""
    import ray

    found = ray.cluster_resources() if ray.is_initialized() else {}
    if found.get("GPU"):
        return room_of_cards_here()
    totals = ClusterTotals(found.get("CPU", os.cpu_count() or 1))
    request = STEPS[StepName.TRAIN_SOVITS].resources
    return room_on_cpu(plan_workers(request, config.num_workers, totals).num_workers)


def _dashboard_url() -> str | None:
    # As Ray's own clients find it. `get_dashboard_url` is for drivers: a worker, which a replica
    # is, always gets the default port from it, where another cluster's dashboard may be.
    from ray._private import ray_constants
    from ray.experimental.internal_kv import _internal_kv_get

    found = _internal_kv_get(
        ray_constants.DASHBOARD_ADDRESS, namespace=ray_constants.KV_NAMESPACE_DASHBOARD
    )
    return f"http://{found.decode()}" if found else None


def base_models(models_dir: Path) -> list[dict[str, Any]]:
    """Each base model in the order in which `auto` prefers them, with what is missing."""
    bert, g2pw = has_bert(models_dir), has_g2pw(models_dir)
    rows = []
    for name, row in BASE_MODELS.items():
        missing = missing_files(name, models_dir)
        rows.append(
            {
                "name": name,
                "present": not missing,
                "missing": missing,
                "chinese_bert": bert,
                "chinese_g2pw": g2pw,
                "needs_download": bool(row.files),
            }
        )
    return rows


def zero_shot_bases(models_dir: Path) -> list[str]:
    """The base models that imitate a recording without being trained, and are complete."""
    return [
        name
        for name, row in BASE_MODELS.items()
        if row.is_pretrained and not missing_files(name, models_dir)
    ]


def back_ends(models_dir: Path) -> list[dict[str, Any]]:
    """Denoisers and recognisers, ready or with the packages and files that they lack."""
    from ray_pipeline.asr.backends import BACKENDS
    from ray_pipeline.audio.denoising import DENOISERS, missing_for

    rows: list[tuple[StepName, str, list[str]]] = [
        (StepName.DENOISE_AUDIO, name, missing_for(name, models_dir)) for name in DENOISERS
    ]
    rows += [
        (StepName.ASR_TRANSCRIBE, row.name, row.missing(models_dir)) for row in BACKENDS.values()
    ]
    return [
        {"step": step.value, "name": name, "present": not missing, "missing": missing}
        for step, name, missing in rows
    ]


def ffmpeg_path() -> str | None:
    """The system's ffmpeg, or the one in the imageio-ffmpeg wheel."""
    found = shutil.which("ffmpeg")
    if found is None and find_spec("imageio_ffmpeg"):
        from imageio_ffmpeg import get_ffmpeg_exe

        found = get_ffmpeg_exe()
    return found
