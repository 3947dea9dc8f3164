"""Starts a train loop on Ray Train workers and brings home what they report.

Runs inside the step's actor. A run is known by its name and storage path: started again with
the same two, after a crash of a worker, of the step or of the whole cluster, it goes on from
its last checkpoint. Each epoch is told to `progress` once, however often it had to be done.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ray_pipeline.core.errors import PipelineError, StepFailed, pipeline_error_in
from ray_pipeline.core.progress import Progress
from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.training.worker import RayWorker, TrainWorker

if TYPE_CHECKING:
    from ray_pipeline.training.reports import TrainingHistory

_MAX_FAILURES = 2
LEDGER_NAME = "epochs.jsonl"

# Large blocks stay with the process instead of being mapped and unmapped at every step, which
# cost a fifth of the time on long clips.
WORKER_ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(1 << 26),
    # Threads that wait give their core away: spinning ones starve on a busy machine.
    "OMP_WAIT_POLICY": "PASSIVE",
}

Settings = TypeVar("Settings")


def train(
    loop: Callable[[Settings, TrainWorker], None],
    settings: Settings,
    *,
    plan: WorkerPlan,
    run_name: str,
    storage_path: Path,
    progress: Progress,
    elastic: bool = False,
) -> TrainingHistory:
    """Run `loop(settings, worker)` on every worker of the plan and wait for the end; if `elastic`
    on as many of them as there is room for, from one on, whenever that changes.

    `storage_path` is absolute and seen by all nodes. Raises the loop's own PipelineError at
    once, or StepFailed after the third failure of a worker.
    """
    # Read once, when Ray Train starts its controller: how soon a report is seen.
    os.environ["RAY_TRAIN_HEALTH_CHECK_INTERVAL_S"] = "0.2"
    from ray.train.torch import TorchTrainer
    from ray.train.v2.api.config import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer
    from ray.train.v2.api.exceptions import TrainingFailedError

    from ray_pipeline.training.reports import EpochLedger, ForwardReports

    run_folder = storage_path / run_name
    run_folder.mkdir(parents=True, exist_ok=True)
    ledger = EpochLedger(run_folder / LEDGER_NAME)
    forward = ForwardReports(progress, ledger)
    forward.tell_again()
    is_alone = plan.num_workers == 1  # it needs no process group of torch's
    trainer = (DataParallelTrainer if is_alone else TorchTrainer)(
        _run_worker,
        train_loop_config={
            "loop": loop,
            "settings": settings,
            "run_folder": str(run_folder),
        },
        scaling_config=ScalingConfig(
            num_workers=(1, plan.num_workers) if elastic and not is_alone else plan.num_workers,
            use_gpu=plan.use_gpu,
            resources_per_worker=plan.ray_resources(),
        ),
        run_config=RunConfig(  # type: ignore[arg-type]
            name=run_name,
            storage_path=str(storage_path),
            callbacks=[forward],
            failure_config=FailureConfig(max_failures=_MAX_FAILURES),
            checkpoint_config=CheckpointConfig(num_to_keep=2),
            worker_runtime_env={"env_vars": WORKER_ENVIRONMENT},
        ),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        raise _explain(error) from error
    return ledger.history()


def _run_worker(config: dict[str, Any]) -> None:
    """What Ray calls in each worker process."""
    import torch

    from ray_pipeline.training.arithmetic import allow_tensor_float

    torch.set_num_threads(_threads_of_a_worker())
    allow_tensor_float()
    config["loop"](config["settings"], RayWorker(Path(config["run_folder"])))


def _threads_of_a_worker() -> int:
    """The node's CPUs, shared with the other workers of the run on it. Those that Ray counts: in
    a container it sees the CPUs that the container may use, the system shows all."""
    import ray
    import ray.train

    here = ray.get_runtime_context().get_node_id()
    resources = next(node["Resources"] for node in ray.nodes() if node["NodeID"] == here)
    num_workers = ray.train.get_context().get_local_world_size()
    return max(1, int(resources.get("CPU", 1)) // num_workers)


def _explain(error: Exception) -> PipelineError:
    causes = getattr(error, "worker_failures", {})
    refusal = getattr(error, "controller_failure", None)  # raised by ForwardReports
    for cause in [*causes.values(), refusal, error]:
        expected = pipeline_error_in(cause)
        if expected is not None:
            return expected
    first = next(iter(causes.values()), error)
    text = str(first).strip().splitlines()[-1] if str(first).strip() else type(first).__name__
    if "out of memory" in str(first).lower():
        return StepFailed(
            "The training ran out of memory.", hint="Lower batch_size and run the step again."
        )
    return StepFailed(
        f"The training stopped after {_MAX_FAILURES + 1} failures: {text}",
        hint="Run the step again: it goes on from the last checkpoint. The log says more.",
    )
