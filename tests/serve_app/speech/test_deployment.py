from __future__ import annotations

import pytest
from pydantic import ValidationError

from serve_app.app import build
from serve_app.settings import Settings
from serve_app.speech.deployment import options


def test_by_itself_there_is_one_engine_which_takes_nothing_from_trainings() -> None:
    chosen = options(Settings())
    assert chosen["num_replicas"] == 1
    assert chosen["ray_actor_options"] == {"num_cpus": 0, "num_gpus": 0}
    # The engine is the one that refuses, with a time to come again.
    assert chosen["max_ongoing_requests"] > Settings().speech_max_requests


def test_engines_come_and_go_with_the_load_if_the_operator_wishes() -> None:
    settings = Settings(speech_min_replicas=0, speech_max_replicas=3, speech_gpus=0.25)
    chosen = options(settings)
    assert "num_replicas" not in chosen
    scaling = chosen["autoscaling_config"]
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (0, 3)
    assert chosen["ray_actor_options"]["num_gpus"] == 0.25
    with pytest.raises(ValidationError, match="must not be above"):
        Settings(speech_min_replicas=2, speech_max_replicas=1)


def test_the_application_has_an_engine_apart_from_what_speaks_http() -> None:
    bound = build({"speech_max_replicas": 2})._bound_deployment
    assert bound.name == "Api"
    (_, voices) = bound.init_args
    assert voices._bound_deployment.name == "Voices"
