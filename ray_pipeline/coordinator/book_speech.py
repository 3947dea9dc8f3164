"""The blocks of books, spoken by the service's engines: the Serve deployment `Voices`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from ray_pipeline.core.errors import Busy, Unavailable, pipeline_error_in
from ray_pipeline.speaking.order import Part, SpeechOrder

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentResponseGenerator

DEPLOYMENT, APPLICATION = "Voices", "gsv"


def speak_by_serve(order: SpeechOrder) -> Iterator[Part]:
    """Raises as the engine does, and Unavailable where it is away or dies: who asks again gets the
    same from the beginning."""
    from ray import serve
    from ray.exceptions import ActorDiedError, ActorUnavailableError, RayError, TaskCancelledError
    from ray.serve.exceptions import (
        BackPressureError,
        DeploymentUnavailableError,
        RayServeException,
    )

    away = (ActorDiedError, ActorUnavailableError, DeploymentUnavailableError, TaskCancelledError)
    stream: DeploymentResponseGenerator[Part] | None = None
    try:
        handle = serve.get_deployment_handle(DEPLOYMENT, APPLICATION)
        answer = handle.options(method_name="speak", stream=True).remote(order)
        stream = cast("DeploymentResponseGenerator[Part]", answer)
        yield from stream
    except BackPressureError as error:
        raise Busy("More speech is asked for than can wait.") from error
    except (*away, RayServeException) as error:
        raise Unavailable("What speaks does not answer now.") from error
    except RayError as error:
        raise pipeline_error_in(error) or error.__cause__ or error from None
    finally:
        if stream is not None:
            stream.cancel()
