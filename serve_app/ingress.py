"""The Serve deployment around the FastAPI app; nothing else."""

from __future__ import annotations

import logging
import os

from fastapi import FastAPI
from ray import serve
from ray.serve.handle import DeploymentHandle

from ray_pipeline.coordinator.launch import ensure_coordinator
from ray_pipeline.coordinator.remote import RemoteCoordinator
from ray_pipeline.coordinator.settings import CoordinatorSettings
from ray_pipeline.store import Store
from serve_app.apart import run_in_cluster
from serve_app.api import make_app
from serve_app.load_limits import PLACES
from serve_app.report_desk import ReportDesk, diagnose_in_cluster
from serve_app.settings import Settings
from serve_app.speech.remote import RemoteSpeaker
from serve_app.weights_check import check_weights_in_cluster


@serve.deployment(
    name="Api",
    # Every open stream, WebSocket and upload holds one; Serve's default is 5.
    max_ongoing_requests=PLACES,
    graceful_shutdown_timeout_s=10,
    # Requests wait for disk and database; a CPU reserved here would be one less for the steps.
    ray_actor_options={"num_cpus": 0},
)
@serve.ingress()
class Ingress:
    """The app is built in the replica, so nothing of it has to be pickled."""

    def __init__(self, settings: Settings, voices: DeploymentHandle) -> None:
        logging.getLogger("serve_app").setLevel(settings.log_level)
        self._settings = with_proxy_limit(settings)
        self._speaker = RemoteSpeaker(voices)
        self._coordinator = RemoteCoordinator(ensure_coordinator(coordinator_settings(settings)))

    def __serve_build_asgi_app__(self) -> FastAPI:
        store = Store(self._settings.effective_database_url)
        reports = ReportDesk(diagnose_in_cluster)
        return make_app(
            self._settings,
            store,
            self._coordinator,
            reports,
            check_weights_in_cluster,
            run_in_cluster,
            self._speaker,
            serve_names_requests=True,
        )


# Without HAProxy, Serve's proxy holds a whole body in memory, and the replica once more.
BUFFERED_UPLOAD_MB = 64


def with_proxy_limit(settings: Settings) -> Settings:
    """The settings, with the upload limit that the proxy in front allows."""
    if os.environ.get("RAY_SERVE_ENABLE_HA_PROXY") == "1":
        return settings
    limit = min(settings.max_upload_mb, BUFFERED_UPLOAD_MB)
    return settings.model_copy(update={"max_upload_mb": limit})


def coordinator_settings(settings: Settings) -> CoordinatorSettings:
    return CoordinatorSettings(
        data_dir=settings.data_dir,
        models_dir=settings.models_dir,
        database_url=settings.effective_database_url,
        max_jobs=settings.max_parallel_tasks,
    )
