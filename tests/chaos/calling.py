"""Calls made up by schemathesis from the API's own description, and what was wrong with the
answers: a status, a type or a body that the description does not know, or a 5xx."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.failures import FailureGroup

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# A stream ends only with its client; what asks hubs for models leaves this machine.
LEFT_OUT = ["/api/v1/task/{task_id}/events/stream", "/api/v1/models/{name}/pull"]
_TIMEOUT_SECONDS = 120
_NO_SHRINKING = settings(
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Findings:
    """`statuses` counts all answers, `done` those of each operation that did what was asked for;
    `wrong` has one curl command a kind of fault."""

    calls: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)

    def look_at(self, case: Case, response: Any) -> None:
        self.calls += 1
        self.statuses[response.status_code] += 1
        self.done[f"{case.method} {case.path}"] += response.status_code < 300
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                name = f"{case.method} {case.path}: {response.status_code} {failure.title}"
                said = f"{failure.message[:500]}\n{case.as_curl_command()[:1000]}"
                self.wrong.setdefault(name, f"{said}\n{response.text[:500]}")
        if self.calls % 1000 == 0:
            print(
                f"{self.calls} calls, {dict(self.statuses)}, wrong: {list(self.wrong)}", flush=True
            )


def schema_of(url: str) -> Any:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    for path in LEFT_OUT:
        schema = schema.exclude(path=path)
    return schema


def call_in_sequence(url: str, findings: Findings, calls: int, first_seed: int = 0) -> None:
    """At least so many calls, in sequences of up to 20: what one answer names (a task, a file, a
    clip) is asked for by the next."""
    wanted = findings.calls + calls
    machine = schema_of(url).as_state_machine()

    class Looking(machine):  # type: ignore[misc, valid-type]
        def call(self, case: Case, **options: Any) -> Any:
            return super().call(case, timeout=_TIMEOUT_SECONDS, **options)

        def validate_response(self, response: Any, case: Case, **_: Any) -> None:
            findings.look_at(case, response)

    number = first_seed
    while findings.calls < wanted:
        number += 1
        seed(number)(Looking)
        Looking.run(settings=settings(_NO_SHRINKING, max_examples=25, stateful_step_count=20))


def call_each(
    url: str, findings: Findings, calls: int, known: dict[str, list[str]], first_seed: int = 0
) -> None:
    """So many calls of each route, half of them as described and half not. `known` has values for
    path parameters that lead somewhere; three calls of four take one."""
    chance = random.Random(first_seed)

    def call(case: Case) -> None:
        for name in sorted(set(case.path_parameters or ()) & set(known)):
            if chance.random() < 0.75:
                case.path_parameters[name] = chance.choice(known[name])
        findings.look_at(case, case.call(timeout=_TIMEOUT_SECONDS))

    operations = [result.ok() for result in schema_of(url).get_all_operations()]
    operations.sort(key=lambda each: each.method == "delete")  # last: all others need what is there
    for number, operation in enumerate(operations, first_seed):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.NEGATIVE and not _can_be_wrong(operation):
                continue
            made_up = given(operation.as_strategy(generation_mode=mode))(call)
            settings(_NO_SHRINKING, max_examples=calls // 2)(seed(number)(made_up))()


def _can_be_wrong(operation: Any) -> bool:
    """Whether the route takes anything at all."""
    return bool(operation.path_parameters or operation.query or operation.body)
