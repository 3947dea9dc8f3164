import pickle

import pytest

from ray_pipeline.core.errors import (
    NothingUsable,
    PipelineError,
    StepFailed,
    StepNotReady,
    all_error_types,
)


def test_an_error_keeps_every_field_across_processes():
    error = StepNotReady("Not yet.", hint="Run it.", task="t", step="s", missing=["slice_audio"])
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is StepNotReady
    assert copy.as_dict() == error.as_dict()
    assert copy.extra == {"missing": ["slice_audio"]}


def test_absent_fields_are_left_out():
    assert StepFailed("Broken.").as_dict() == {"code": "step_failed", "message": "Broken."}


def test_a_reason_comes_with_its_numbers_and_survives_the_journey():
    error = StepFailed("Too short.", clip="a.wav", reason="too_short", seconds=0.2, least=1)
    copy = pickle.loads(pickle.dumps(error))
    assert copy.facts == {"reason": "too_short", "seconds": 0.2, "least": 1}
    assert StepFailed("Broken.", more=1).facts == {}


def test_codes_are_unique_and_the_tree_is_whole():
    kinds = all_error_types()
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert kinds[0] is PipelineError
    assert NothingUsable in kinds


@pytest.mark.parametrize("kind", all_error_types())
def test_an_error_reads_as_a_sentence_and_what_to_do(kind):
    assert str(kind("It is so.", hint="Do this.")) == "It is so. Do this."
