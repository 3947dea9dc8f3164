"""The import path of serve_config.yaml: `serve_app.app:build`."""

from __future__ import annotations

from typing import Any, cast

from ray.serve import Application, Deployment

from serve_app.ingress import Ingress
from serve_app.settings import load_settings
from serve_app.speech.deployment import Voices, options


def build(args: dict[str, Any]) -> Application:
    """The application for `args`, the environment having the last word.

    Raises InvalidInput for settings that are wrong or unsafe.
    """
    settings = load_settings(args)
    # What the decorators make of the classes.
    ingress, speaking = cast(Deployment, Ingress), cast(Deployment, Voices)
    voices = speaking.options(**options(settings)).bind(settings)
    return ingress.options(num_replicas=settings.replicas).bind(settings, voices)
