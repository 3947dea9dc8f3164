"""One attempt, from its turn to its recorded end: taken up where it is, or started."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayActorError

from ray_pipeline.coordinator.actor_progress import ActorProgress
from ray_pipeline.coordinator.attempts import Attempts
from ray_pipeline.coordinator.gate import Demand, Gate, demand_of
from ray_pipeline.coordinator.ledger import Ledger
from ray_pipeline.coordinator.reservations import release_abandoned, reservations, worker_id
from ray_pipeline.coordinator.step_actor import (
    Assignment,
    actor_name,
    end_step_actor,
    find_step_actor,
    start_step_actor,
)
from ray_pipeline.core.errors import InvalidInput, NotFound, VoiceDisabled
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.task import RunState, StepRun

_GONE_TIMEOUT_SECONDS = 10.0


class Attendant:
    """Every call may be repeated: each first looks what became of the attempt."""

    def __init__(self, ledger: Ledger, attempts: Attempts) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self.gate = Gate()

    def attend(self, run: StepRun) -> None:
        """Bring the attempt to its end; also one that runs already, or whose process is gone."""
        name = name_of(run)
        actor = find_step_actor(name)
        if run.state is RunState.RUNNING:
            if actor is None:
                self._attempts.interrupt(run, "its process was gone when the service came back")
                return
            self.gate.hold(run.run_id, self._demand(run))
        elif not self._enter(run):
            return
        try:
            self._work(run, name, actor)
        finally:
            self.gate.leave(run.run_id)

    def _work(self, run: StepRun, name: str, actor: Any | None) -> None:
        if run.state is RunState.QUEUED and self._attempts.start(run) is None:
            return
        try:
            actor = actor or start_step_actor(self._assignment(run))
            if self._is_over(run):
                # Cancelled before there was a process to end. It has its name by now, so a
                # cancelling that comes later finds it.
                end_step_actor(name)
                return
            actor.run.remote()
            # A plain future: `ray.get` is made for threads that are not beside an event loop.
            end = actor.end.remote().future().result()
        except RayActorError:
            # Cancelled (then this attempt is over already), or dead by itself.
            self._attempts.interrupt(run, "its process died")
            return
        # Only then: until it is written down, the actor is the only one who knows how it ended.
        self._attempts.finish(run, end)
        end_step_actor(name)

    def _enter(self, run: StepRun) -> bool:
        job = self._ledger.store.get_job(run.job_id)
        return self.gate.enter(
            run.run_id,
            job.number if job else 0,
            self._demand(run),
            cluster_totals,
            on_wait=lambda: self._attempts.waits(run, "waiting for other work to finish"),
            is_cancelled=lambda: self._is_over(run),
        )

    def _is_over(self, run: StepRun) -> bool:
        try:
            return self._ledger.store.get_run(run.run_id).state.is_over
        except NotFound:
            return True  # the task was deleted

    def _demand(self, run: StepRun) -> Demand:
        config = self._ledger.store.get_task(run.task_id).config
        return demand_of(self._ledger.row(run.step), config.num_workers, cluster_totals())

    def _assignment(self, run: StepRun) -> Assignment:
        store, settings = self._ledger.store, self._ledger.settings
        config = store.get_task(run.task_id).config
        base_model = store.base_model(run.task_id)
        row = self._ledger.row(run.step)
        start = None
        with suppress(NotFound, VoiceDisabled, InvalidInput):  # the step says what is missing
            start = self._ledger.start_weights(run.step, run.params, str(base_model))
        workspace = self._ledger.workspace(run.task_id)
        context = StepContext(
            task_id=run.task_id,
            run_id=run.run_id,
            step=run.step,
            attempt=run.attempt,
            config=config.model_copy(update={"base_model": base_model}),
            workspace=workspace,
            models_dir=settings.models_dir,
            cluster=cluster_totals(),
            progress=ActorProgress(run.task_id, run.step.value, run.attempt, workspace.scratch),
            transcripts={line.clip: line for line in store.transcripts(run.task_id)},
            hand_cuts=store.hand_cuts(run.task_id),
            worker=row.resources,
            start_weights=start,
        )
        return Assignment(context, row.function, run.params, row.trains)

    # -- ending

    def end(self, runs: list[StepRun]) -> None:
        """End the processes of these runs; returns when they are gone and what they had reserved
        is free, or after 10 s (what is left then, the next look finds)."""
        actors = {name_of(run): find_step_actor(name_of(run)) for run in runs}
        workers = {worker_id(actor) for actor in actors.values() if actor is not None}
        for name in actors:
            end_step_actor(name)
        self.gate.wake()
        deadline = time.monotonic() + _GONE_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            release_abandoned()
            left = any(each.owner in workers for each in reservations())
            if not left and not any(find_step_actor(name) for name in actors):
                return
            threading.Event().wait(0.1)

    def end_orphans(self) -> None:
        """End step actors whose attempt is over: the coordinator died or gave up before it
        could."""
        self._end_all_but({name_of(run) for run in self._ledger.store.open_runs()})
        release_abandoned()

    def end_all(self) -> None:
        """End every step that runs in this cluster."""
        self._end_all_but(set())

    def _end_all_but(self, wanted: set[str]) -> None:
        for entry in ray.util.list_named_actors(all_namespaces=True):
            if entry["name"].startswith("step:") and entry["name"] not in wanted:
                end_step_actor(entry["name"])


def name_of(run: StepRun) -> str:
    return actor_name(run.task_id, run.step.value, run.attempt)


def cluster_totals() -> ClusterTotals:
    resources = ray.cluster_resources()
    return ClusterTotals(cpus=resources.get("CPU", 1.0), gpus=resources.get("GPU", 0.0))
