from datetime import UTC, datetime, timedelta

import pytest

from ray_pipeline.core.errors import Conflict, InvalidInput
from ray_pipeline.core.task import KeptAnswer
from ray_pipeline.store import Store

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
ANSWER = KeptAnswer(status=202, body="{}")


def test_an_answer_is_given_again_for_a_day(store: Store) -> None:
    kept = store.kept_answers
    assert kept.begin("key 1", "a", now=NOW) is None
    kept.finish("key 1", ANSWER)
    assert kept.begin("key 1", "a", now=NOW + timedelta(hours=23)) == ANSWER
    assert kept.begin("key 1", "b", now=NOW + timedelta(hours=25)) is None


def test_another_request_with_the_key_is_refused_and_a_running_one_waited_for(
    store: Store,
) -> None:
    kept = store.kept_answers
    kept.begin("key 2", "a", now=NOW)
    with pytest.raises(InvalidInput, match="another request"):
        kept.begin("key 2", "b", now=NOW)
    with pytest.raises(Conflict, match="under way") as caught:
        kept.begin("key 2", "a", now=NOW + timedelta(minutes=1))
    assert caught.value.as_dict()["in_flight"] is True
    # Its process died: nobody waits for it for ever.
    assert kept.begin("key 2", "a", now=NOW + timedelta(minutes=6)) is None


def test_what_was_given_up_may_be_tried_again_and_what_was_done_stays(store: Store) -> None:
    kept = store.kept_answers
    kept.begin("key 3", "a", now=NOW)
    kept.give_up("key 3")
    assert kept.begin("key 3", "b", now=NOW) is None
    kept.finish("key 3", ANSWER)
    kept.give_up("key 3")
    assert kept.begin("key 3", "b", now=NOW) == ANSWER
