"""The import path of serve_config.yaml: `serve_app.app:build`."""

from __future__ import annotations

from typing import Any, cast

from ray.serve import Application, Deployment

from serve_app.ingress import Ingress
from serve_app.settings import load_settings


def build(args: dict[str, Any]) -> Application:
    """The application for `args`, the environment having the last word.

    Raises InvalidInput for settings that are wrong or unsafe.
    """
    settings = load_settings(args)
    deployment = cast(Deployment, Ingress)  # what the decorators make of the class
    return deployment.options(num_replicas=settings.replicas).bind(settings)
