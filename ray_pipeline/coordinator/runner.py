"""The durable workflow: a job's steps, in order, each finished step never run again.

DBOS remembers which steps of a job are done and takes unfinished jobs up after a crash. It
runs a step at least once, so each first looks what became of it: finished (recorded), still
alive (its actor), or gone (a new attempt).
"""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import ray
from dbos import DBOS, DBOSConfiguredInstance, SetWorkflowID, WorkflowStatus
from ray.exceptions import RayActorError
from sqlalchemy import make_url

from ray_pipeline.coordinator.actor_progress import ActorProgress
from ray_pipeline.coordinator.attempts import Attempts, Turn
from ray_pipeline.coordinator.gate import Gate, demand_of
from ray_pipeline.coordinator.interface import Cancellation, PlannedJob
from ray_pipeline.coordinator.ledger import Ledger
from ray_pipeline.coordinator.step_actor import (
    Assignment,
    actor_name,
    end_step_actor,
    find_step_actor,
    start_step_actor,
)
from ray_pipeline.core.errors import NotFound
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.task import RunState, StepRun

# DBOS recovers only workflows of the same version. Raise it when the order of calls in
# `run_job` changes; jobs of an older version are then queued anew at start (`_adopt`).
WORKFLOW_VERSION = "1"
_QUEUE = "gsv_jobs"
_ACTIVE = ("PENDING", "ENQUEUED")  # DBOS's words
_GONE_TIMEOUT_SECONDS = 10.0
_LOOK_SECONDS = 5.0

_log = logging.getLogger(__name__)


@DBOS.dbos_class()
class JobRunner(DBOSConfiguredInstance):
    """Lives in the coordinator's process; DBOS calls it from threads of its own."""

    def __init__(self, ledger: Ledger, attempts: Attempts) -> None:
        super().__init__("coordinator")
        self._ledger = ledger
        self._attempts = attempts
        self._gate = Gate()

    # -- the coordinator's side

    def launch(self) -> None:
        """Start DBOS; unfinished jobs go on by themselves from here."""
        settings = self._ledger.settings
        DBOS(
            config={
                "name": "gsv",
                "system_database_url": _system_database(settings.database_url),
                "executor_id": "coordinator",
                "application_version": WORKFLOW_VERSION,
                "log_level": "WARNING",
                "run_admin_server": False,  # type: ignore[typeddict-unknown-key]
            }
        )
        DBOS.launch()
        limit = settings.max_jobs or max(2, round(2 * cluster_totals().cpus))
        DBOS.register_queue(
            _QUEUE,
            worker_concurrency=limit,
            polling_interval_sec=0.1,
            on_conflict="always_update",
        )
        self._end_orphans()
        self._adopt_all()
        threading.Thread(target=self._look_after_jobs, daemon=True).start()

    def enqueue(self, job: PlannedJob) -> None:
        """Hand a planned job to DBOS. The job's id is the workflow's, so twice is as once."""
        self._enqueue(job.job_id, job.job_id)

    def stop(self, cancellation: Cancellation) -> None:
        """End the processes of cancelled runs; returns when they are gone, or after 10 s."""
        for status in DBOS.list_workflows(workflow_id_prefix=str(cancellation.job_id)):
            if status.status in _ACTIVE:
                DBOS.cancel_workflow(status.workflow_id)
        self._gate.wake()
        names = [actor_name(r.task_id, r.step.value, r.attempt) for r in cancellation.runs]
        for name in names:
            end_step_actor(name)
        deadline = time.monotonic() + _GONE_TIMEOUT_SECONDS
        while time.monotonic() < deadline and any(find_step_actor(name) for name in names):
            threading.Event().wait(0.05)

    def health(self) -> dict[str, Any]:
        running, waiting = self._gate.counts()
        try:
            database = self._ledger.store.is_reachable()
        except Exception as error:
            # Whatever the driver says, health is an answer and not an error.
            database = False
            reason = type(error).__name__
        else:
            reason = ""
        return {
            "ok": database,
            "database": "reachable" if database else f"not reachable ({reason})",
            "steps_running": running,
            "steps_waiting": waiting,
            "process_id": os.getpid(),
        }

    # -- the workflow

    @DBOS.workflow(max_recovery_attempts=None)
    def run_job(self, job_id: str) -> None:
        job = self._ledger.store.get_job(job_id)
        try:
            for position in range(len(job.steps) if job else 0):
                if not self.do_step(job_id, position):
                    return
        except Exception as error:
            # A fault of ours or of the database: better a failed task than one that never ends.
            self._attempts.give_up(job_id, type(error).__name__, traceback.format_exc())
            self._end_orphans()
        self._attempts.close(job_id)

    @DBOS.step(retries_allowed=True, max_attempts=5)
    def do_step(self, job_id: str, position: int) -> bool:
        """Bring one step of a job to its end; False if the job ends with it."""
        try:
            turn, run = self._attempts.next_turn(job_id, position)
            while turn is Turn.RUN and run is not None:
                self._attend(run)
                turn, run = self._attempts.next_turn(job_id, position)
        except NotFound:
            return False  # the task was deleted meanwhile
        return turn is Turn.GO_ON

    def _attend(self, run: StepRun) -> None:
        """One attempt: taken up where it is, or started when there is room."""
        name = actor_name(run.task_id, run.step.value, run.attempt)
        actor = find_step_actor(name)
        if run.state is RunState.RUNNING:
            if actor is None:
                self._attempts.interrupt(run, "its process was gone when the service came back")
                return
            self._gate.hold(run.run_id, self._demand(run))
        elif not self._enter(run):
            return
        try:
            self._work(run, name, actor)
        finally:
            self._gate.leave(run.run_id)

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
        self._attempts.finish(run, end)
        end_step_actor(name)

    def _enter(self, run: StepRun) -> bool:
        job = self._ledger.store.get_job(run.job_id)
        return self._gate.enter(
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

    def _demand(self, run: StepRun) -> Any:
        config = self._ledger.store.get_task(run.task_id).config
        return demand_of(self._ledger.row(run.step), config.num_workers, cluster_totals())

    def _assignment(self, run: StepRun) -> Assignment:
        store, settings = self._ledger.store, self._ledger.settings
        config = store.get_task(run.task_id).config
        base_model = store.base_model(run.task_id)
        row = self._ledger.row(run.step)
        context = StepContext(
            task_id=run.task_id,
            run_id=run.run_id,
            step=run.step,
            attempt=run.attempt,
            config=config.model_copy(update={"base_model": base_model}),
            workspace=self._ledger.workspace(run.task_id),
            models_dir=settings.models_dir,
            cluster=cluster_totals(),
            progress=ActorProgress(run.task_id, run.step.value, run.attempt),
            transcripts={line.clip: line for line in store.transcripts(run.task_id)},
            worker=row.resources,
        )
        return Assignment(context, row.function, run.params, row.trains)

    # -- starting, ending, adopting

    def _enqueue(self, job_id: str, workflow_id: str) -> None:
        with SetWorkflowID(workflow_id):
            DBOS.enqueue_workflow(_QUEUE, self.run_job, job_id)

    def _look_after_jobs(self) -> None:
        """A job can lose its workflow while the coordinator lives: the disk was full when its
        end was to be written, or the database away when it was to be handed over."""
        while True:
            time.sleep(_LOOK_SECONDS)
            try:
                self._adopt_all()
            except Exception:
                # Whatever is wrong with the database now, the next look comes soon.
                _log.exception("the jobs could not be looked after")

    def _adopt_all(self) -> None:
        # One question for all: a look at the workflows of a job reads the whole table.
        active = DBOS.list_workflows(status=list(_ACTIVE), load_input=False, load_output=False)
        cared_for = {_job_of(each.workflow_id) for each in active if _is_ours(each)}
        for job in self._ledger.store.open_jobs():
            if job.job_id not in cared_for:
                self._adopt(job.job_id)

    def _adopt(self, job_id: str) -> None:
        """Make sure that a job which is not over has a workflow that goes on."""
        known = DBOS.list_workflows(workflow_id_prefix=job_id)
        for status in known:
            if status.status in _ACTIVE:
                if _is_ours(status):
                    return
                DBOS.cancel_workflow(status.workflow_id)
        # Never handed over, or ended without our noticing, or of an older version.
        self._enqueue(job_id, f"{job_id}:{len(known)}" if known else job_id)

    def _end_orphans(self) -> None:
        """End step actors whose attempt is over: the coordinator died or gave up before it
        could."""
        wanted = {
            actor_name(run.task_id, run.step.value, run.attempt)
            for run in self._ledger.store.open_runs()
        }
        for entry in ray.util.list_named_actors(all_namespaces=True):
            if entry["name"].startswith("step:") and entry["name"] not in wanted:
                end_step_actor(entry["name"])


def _job_of(workflow_id: str) -> str:
    """A job's second workflow is `JOB:1`, its third `JOB:2`."""
    return workflow_id.partition(":")[0]


def _is_ours(workflow: WorkflowStatus) -> bool:
    return workflow.app_version in (None, WORKFLOW_VERSION)


def cluster_totals() -> ClusterTotals:
    resources = ray.cluster_resources()
    return ClusterTotals(cpus=resources.get("CPU", 1.0), gpus=resources.get("GPU", 0.0))


def _system_database(url: str) -> str:
    """DBOS keeps its tables beside ours."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return f"sqlite:///{Path(str(parsed.database)).absolute()}"
    return parsed.set(drivername="postgresql").render_as_string(hide_password=False)
