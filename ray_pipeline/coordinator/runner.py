"""The durable workflow: a job's steps, in order, each finished step never run again.

DBOS remembers which steps of a job are done and takes unfinished jobs up after a crash. It
runs a step at least once, so each first looks what became of it: finished (recorded), still
alive (its actor), or gone (a new attempt). `docs/decisions/0011-…` says what is kept where.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ray
from dbos import DBOS, DBOSConfiguredInstance, SetWorkflowID
from sqlalchemy import make_url

from ray_pipeline.coordinator.attempts import Attempts, Turn
from ray_pipeline.coordinator.attending import Attendant, cluster_totals
from ray_pipeline.coordinator.interface import PlannedJob
from ray_pipeline.coordinator.ledger import Ledger
from ray_pipeline.coordinator.live_jobs import LiveJobs
from ray_pipeline.coordinator.patience import insist, is_passing
from ray_pipeline.coordinator.reservations import release_abandoned
from ray_pipeline.coordinator.starving import StarvingTrainings
from ray_pipeline.coordinator.task_data import TaskData
from ray_pipeline.core.errors import NotFound
from ray_pipeline.core.task import StepRun

# DBOS recovers only workflows of the same version. Raise it when the order of calls in
# `run_job` changes; jobs of an older version are then queued anew at start (`_adopt`).
WORKFLOW_VERSION = "1"
_QUEUE = "gsv_jobs"
_ACTIVE = ("PENDING", "ENQUEUED")  # DBOS's words
_LOOK_SECONDS = 5.0

_log = logging.getLogger(__name__)


@DBOS.dbos_class()
class JobRunner(DBOSConfiguredInstance):
    """Lives in the coordinator's process; DBOS calls it from threads of its own."""

    def __init__(self, ledger: Ledger, attempts: Attempts) -> None:
        super().__init__("coordinator")
        self._ledger = ledger
        self._attempts = attempts
        self._attendant = Attendant(ledger, attempts)
        self._live = LiveJobs()
        self._starving = StarvingTrainings(ledger, attempts)
        self._closing = threading.Event()

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
        self._attendant.end_orphans()
        self._adopt_all()
        threading.Thread(target=self._look_after_jobs, daemon=True, name="look").start()

    def close(self) -> None:
        """Look after nothing any more; what runs goes on."""
        self._closing.set()
        DBOS.destroy()

    def enqueue(self, job: PlannedJob) -> None:
        """Hand a planned job to DBOS. The job's id is the workflow's, so twice is as once."""
        try:
            self._enqueue(job.job_id, job.job_id)
        except Exception:
            # It is planned, and that is what was asked for; the next look hands it over.
            _log.exception("job %s could not be handed over yet", job.job_id)

    def go_on(self, job_id: str) -> None:
        """Hand a job over that was paused."""
        try:
            self._adopt(job_id)
        except Exception:
            _log.exception("job %s could not be handed over yet", job_id)  # the next look does it

    def stop(self, job_id: str | None, runs: list[StepRun]) -> None:
        """End the processes of runs that are over; returns when they are gone, or after 10 s."""
        self._attendant.end(runs)
        # The run is over in our tables, so its workflow ends at its next step in any case.
        try:
            for status in DBOS.list_workflows(workflow_id_prefix=str(job_id)):
                if status.status in _ACTIVE:
                    DBOS.cancel_workflow(status.workflow_id)
        except Exception:
            _log.exception("the workflow of job %s was not cancelled", job_id)

    def end_all_steps(self) -> None:
        self._attendant.end_all()

    def health(self) -> dict[str, Any]:
        """`degraded` says in a sentence what is wrong although requests are answered."""
        running, waiting = self._attendant.gate.counts()
        try:
            database, reason = self._ledger.store.is_reachable(), ""
        except Exception as error:
            # Whatever the driver says, health is an answer and not an error.
            database, reason = False, type(error.__cause__ or error).__name__
        free, starving = ray.available_resources(), self._starving.count
        totals = cluster_totals()
        return {
            "ok": database,
            "degraded": f"{starving} training(s) wait for workers" if starving else "",
            "database": "reachable" if database else f"not reachable ({reason})",
            "steps_running": running,
            "steps_waiting": waiting,
            "trainings_without_workers": starving,
            "cpus": totals.cpus,
            "cpus_free": round(free.get("CPU", 0.0), 2),
            "gpus": totals.gpus,
            "gpus_free": round(free.get("GPU", 0.0), 2),
            "process_id": os.getpid(),
        }

    # -- the workflow

    @DBOS.workflow(max_recovery_attempts=None)
    def run_job(self, job_id: str) -> None:
        with self._live.working_on(job_id) as is_first:
            if is_first:
                self._run_job(job_id)

    def _run_job(self, job_id: str) -> None:
        job = insist(lambda: self._ledger.store.get_job(job_id), job_id)
        try:
            for position in range(len(job.steps) if job else 0):
                if not self.do_step(job_id, position):
                    return
        except Exception as error:
            if is_passing(error) or _is_dbos_own(error):
                # DBOS could not write down that a step is done. A new workflow for the job is
                # made once it can be (`_adopt_all`), and passes over what is done.
                raise
            # A fault of ours: better a failed task than one that never ends.
            kind, trace = type(error).__name__, traceback.format_exc()
            insist(lambda: self._attempts.give_up(job_id, kind, trace), job_id)
            self._attendant.end_orphans()
        insist(lambda: self._attempts.close(job_id), job_id)

    @DBOS.step()
    def do_step(self, job_id: str, position: int) -> bool:
        """Bring one step of a job to its end; False if the job ends with it."""
        return insist(lambda: self._do_step(job_id, position), job_id)

    def _do_step(self, job_id: str, position: int) -> bool:
        try:
            turn, run = self._attempts.next_turn(job_id, position)
            while turn is Turn.RUN and run is not None:
                self._attendant.attend(run)
                turn, run = self._attempts.next_turn(job_id, position)
        except NotFound:
            return False  # the task was deleted meanwhile
        return turn is Turn.GO_ON

    # -- looking after

    def _enqueue(self, job_id: str, workflow_id: str) -> None:
        with SetWorkflowID(workflow_id):
            DBOS.enqueue_workflow(_QUEUE, self.run_job, job_id)

    def _look_after_jobs(self) -> None:
        """A job can lose its workflow while the coordinator lives: the disk was full when its
        end was to be written, or the database away when it was to be handed over. A training
        can lose, or never get, its workers."""
        while not self._closing.wait(_LOOK_SECONDS):
            for look in (self._adopt_all, self._release, self._starving.look, self._delete_due):
                try:
                    look()
                except Exception:
                    # Whatever is wrong with the database now, the next look comes soon.
                    _log.exception("the jobs could not be looked after")

    def _delete_due(self) -> None:
        TaskData(self._ledger).delete_due(datetime.now(UTC))

    def _release(self) -> None:
        for each in release_abandoned():
            _log.warning("freed %g CPUs and %g GPUs of a dead training", each.cpus, each.gpus)

    def _adopt_all(self) -> None:
        # One question for all: a look at the workflows of a job reads the whole table.
        active = DBOS.list_workflows(status=list(_ACTIVE), load_input=False, load_output=False)
        queued = {_job_of(each.workflow_id) for each in active if _is_ours(each, "ENQUEUED")}
        begun = {_job_of(each.workflow_id) for each in active if _is_ours(each, "PENDING")}
        paused = self._ledger.store.paused_jobs()
        for job in self._ledger.store.open_jobs():
            if job.job_id in queued | paused or self._live.is_cared_for(
                job.job_id, is_begun=job.job_id in begun
            ):
                continue
            self._adopt(job.job_id)

    def _adopt(self, job_id: str) -> None:
        """Make sure that a job which is not over has a workflow that goes on."""
        known = DBOS.list_workflows(workflow_id_prefix=job_id)
        for status in known:
            if status.status in _ACTIVE:
                DBOS.cancel_workflow(status.workflow_id)
        # Never handed over, or ended without our noticing, or of an older version.
        self._enqueue(job_id, f"{job_id}:{len(known)}" if known else job_id)


def _job_of(workflow_id: str) -> str:
    """A job's second workflow is `JOB:1`, its third `JOB:2`."""
    return workflow_id.partition(":")[0]


def _is_ours(workflow: Any, status: str) -> bool:
    return workflow.status == status and workflow.app_version in (None, WORKFLOW_VERSION)


def _is_dbos_own(error: Exception) -> bool:
    """Whether DBOS failed, not what it called: our own errors never are of the driver's kinds."""
    return type(error).__module__.split(".")[0] in ("sqlalchemy", "dbos", "sqlite3", "psycopg")


def _system_database(url: str) -> str:
    """DBOS keeps its tables beside ours."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return f"sqlite:///{Path(str(parsed.database)).absolute()}"
    return parsed.set(drivername="postgresql").render_as_string(hide_password=False)
