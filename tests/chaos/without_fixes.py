"""Takes out one fix after the other, in a copy of the project, and shows that its test fails.

    python -m tests.chaos.without_fixes --table FILE [FAULT …]

A test that passes with and without the fix proves nothing. Numbers are those of the faults found
by breaking the service in November 2026; each is in docs/measurements.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
_COPIED = ("ray_pipeline", "serve_app", "tests", "benchmarks", "tools", "examples")
_CPU_SECONDS = 120  # of processor time, which a busy machine does not stretch
_WAIT_SECONDS = 3600
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "COLUMNS": "500"}  # pytest cuts its summary to the width
_MEMORY_KB = 12_000_000  # of addresses; a bomb must not take the machine along


@dataclass(frozen=True)
class Fix:
    """`old` stands once in `file`; with `new` in its place the fix is out."""

    fault: str
    what: str
    file: str
    old: str
    new: str
    tests: str


FIXES = [
    Fix(
        "1", "reservations of dead trainings are given back",
        "ray_pipeline/coordinator/reservations.py",
        "abandoned = [each for each in reservations() if each.is_abandoned]", "abandoned = []",
        "tests/coordinator/test_reservations.py::"
        "test_groups_of_the_living_stay_and_those_of_the_dead_go_also_ones_that_still_wait",
    ),
    Fix(
        "2", "a job that no thread works on is taken up again",
        "ray_pipeline/coordinator/live_jobs.py",
        "if self._clock() - since < GRACE_SECONDS:", "if True:",
        "tests/coordinator/test_watching_over.py::"
        "test_a_job_whose_workflow_has_no_thread_is_not_cared_for",
    ),
    Fix(
        "3", "work waits for a database that is away",
        "ray_pipeline/coordinator/patience.py",
        "if not is_passing(error):", "if True:",
        "tests/coordinator/test_watching_over.py::"
        "test_what_passes_is_waited_for_and_all_else_is_raised",
    ),
    Fix(
        "3", "a database that is away is 503",
        "ray_pipeline/store/engine.py",
        "if isinstance(error, OperationalError | InterfaceError) or "
        "error.connection_invalidated:", "if False:",
        "tests/serve_app/test_tasks.py::"
        "test_a_database_that_is_away_is_503_with_a_time_to_come_again",
    ),
    Fix(
        "4", "reports are kept while nobody can store them",
        "ray_pipeline/coordinator/outbox.py",
        "if self._spool.is_empty and self._send([*told, *batch]):",
        "if self._send([*told, *batch]) or True:",
        "tests/coordinator/test_outbox.py::"
        "test_what_is_said_while_the_database_is_away_arrives_afterwards_in_order",
    ),
    Fix(
        "5", "each write checks the fence of the lease",
        "ray_pipeline/store/queries.py",
        "if session.scalars(query).one() != self._fence:", "if False:",
        "tests/store/test_lease.py::"
        "test_one_that_renews_no_more_is_replaced_and_can_write_no_more",
    ),
    Fix(
        "6", "each service has ports of its own",
        "serve_app/places.py",
        "return [listener.getsockname()[1] for listener in listeners]",
        "return [8404, 9101, 8500, 9500]",
        "tests/serve_app/test_places.py::"
        "test_two_services_on_one_machine_share_no_folder_and_no_port",
    ),
    Fix(
        "7", "a header has to be there within 20 s",
        "serve_app/haproxy.py",
        'f"    timeout http-request {HEADER_WITHIN_SECONDS}s\\n"',
        '"    timeout http-request 1h\\n"',
        "tests/serve_app/test_haproxy.py::"
        "test_unfinished_headers_are_given_up_and_the_service_answers_meanwhile",
    ),
    Fix(
        "7", "one address may hold 1,000 connections",
        "serve_app/haproxy.py",
        # The number itself is the test's own: it sets a smaller one.
        r'        f"    tcp-request connection reject if {{ sc_conn_cur(0) gt '
        r'{CONNECTIONS_A_CLIENT} }}\n"' + "\n", "",
        "tests/serve_app/test_haproxy.py::test_one_client_cannot_take_all_connections",
    ),
    Fix(
        "8", "what a pickle unfolds to is counted first",
        "ray_pipeline/weights/pickle_size.py",
        "if size > MAX_ITEMS:", "if False:",
        "tests/weights/test_bombs.py::"
        "test_a_pickle_that_unfolds_without_end_is_not_loaded",
    ),
    Fix(
        "9", "NUL in an id finds nothing",
        "ray_pipeline/store/task_rows.py",
        'known = "\\0" not in task_id', "known = True",
        "tests/store/test_store.py::"
        "test_nul_in_an_id_is_no_task_on_either_database",
    ),
    Fix(
        "10", "data and token are for their owner alone",
        "serve_app/places.py",
        "path.chmod(path.stat().st_mode & 0o777 & ~taken)", "path.stat()",
        "tests/serve_app/test_places.py::"
        "test_data_and_token_are_for_their_owner_alone_unless_said_otherwise",
    ),
    Fix(
        "11", "a task that could not be created leaves no folder",
        "ray_pipeline/coordinator/task_data.py",
        "            shutil.rmtree(workspace.root, ignore_errors=True)\n            raise",
        "            raise",
        "tests/coordinator/test_task_data.py::"
        "test_a_task_that_could_not_be_created_leaves_no_folder",
    ),
    Fix(
        "12", "statuses that are answered are described",
        "serve_app/routes/tasks.py",
        '@router.get("/tasks", responses=problem_responses(404))', '@router.get("/tasks")',
        "tests/serve_app/test_openapi.py::test_what_is_answered_is_described",
    ),
    Fix(
        "13", "exp_name counts bytes",
        "ray_pipeline/core/option_types.py",
        "num_bytes = len(name.encode())", "num_bytes = len(name)",
        "tests/core/test_options.py",
    ),
    Fix(
        "14", "members of a body are counted before they are judged",
        "serve_app/json_bodies.py",
        "        _require_few_members(found)\n", "",
        "tests/serve_app/test_http_rules.py::"
        "test_a_body_of_endless_fields_costs_little_and_is_answered_shortly",
    ),
    Fix(
        "15", "X-Content-Type-Options on every answer",
        "serve_app/errors.py",
        'NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}',
        "NO_SNIFFING: dict[str, str] = {}",
        "tests/serve_app/test_http_rules.py::test_no_answer_is_guessed_at",
    ),
    Fix(
        "16", "a float WAV holds no time",
        "ray_pipeline/audio/converting.py",
        "        clear_peak_time(partial)\n", "",
        "tests/audio/test_converting.py::"
        "test_equal_recordings_become_equal_files_whenever_they_are_converted",
    ),
    Fix(
        "17", "errors name the file that users know",
        "ray_pipeline/core/workspace.py",
        "        _name_instead(error, partial, path)\n", "",
        "tests/core/test_workspace.py::"
        "test_an_error_while_a_file_is_written_names_the_file_that_the_user_knows",
    ),
    Fix(
        "18", "who watches is woken without a question to the database each",
        "ray_pipeline/coordinator/watch.py",
        "waiter.newest = max(waiter.newest, newest)", "waiter.newest = 0",
        "tests/coordinator/test_watch.py::"
        "test_hundreds_are_woken_by_one_event_and_ask_the_database_no_more",
    ),
    Fix(
        "19", "a request with a known key is not done again",
        "serve_app/idempotency.py",
        "if before is not None:", "if False:",
        "tests/serve_app/test_idempotency.py::test_a_task_is_created_once_for_a_key",
    ),
    Fix(
        "20", "a checkpoint is written under a temporary name",
        "ray_pipeline/weights/archive.py",
        'with atomic_path(path, durable=True) as partial, partial.open("wb") as file:',
        'path.parent.mkdir(parents=True, exist_ok=True)\n    with path.open("wb") as file:',
        "tests/training/test_stopped_writing.py",
    ),
    Fix(
        "20", "links are mended where an attempt was stopped at them",
        "ray_pipeline/training/training_run.py",
        "            self._writer.link()  # also if an attempt was stopped at the last "
        "epoch's links\n", "            pass\n",
        "tests/training/test_stopped_writing.py",
    ),
]  # fmt: skip


def try_without(fix: Fix, copy: Path) -> tuple[str, str, float]:
    """(`passed` or `failed`, the first line that says how, seconds) of the test without the fix."""
    path = copy / fix.file
    text = path.read_text("utf-8")
    assert text.count(fix.old) == 1, f"{fix.file} has changed: find {fix.old!r} anew"
    path.write_text(text.replace(fix.old, fix.new), "utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=line", "-p", "no:cacheprovider",
               *fix.tests.split()]  # fmt: skip
    started = time.monotonic()
    try:
        ended = subprocess.run(
            ["bash", "-c", f'ulimit -v {_MEMORY_KB} -t {_CPU_SECONDS}; exec "$@"', "-", *command],
            cwd=copy, env={**os.environ, "PYTHONPATH": str(copy), **_ENVIRONMENT},
            capture_output=True, text=True, check=False, timeout=_WAIT_SECONDS,
        )  # fmt: skip
    finally:
        path.write_text(text, "utf-8")
    seconds = time.monotonic() - started
    if ended.returncode == 0:
        return "passed", "", seconds
    if ended.returncode < 0:
        return "failed", f"stopped after {_CPU_SECONDS} s of processor time", seconds
    return "failed", _how(ended.stdout + ended.stderr), seconds


def _how(output: str) -> str:
    """The test and its error, as pytest's summary has them."""
    lines = output.splitlines()
    summary = next((line for line in lines if line.startswith(("FAILED tests", "ERROR tests"))), "")
    name, _, reason = summary.partition(" - ")
    return f"`{name.rpartition('::')[2]}`: {reason[:160] or lines[-1][:160]}"


def table(rows: list[tuple[Fix, str, str, float]]) -> str:
    lines = [
        "| fault | the fix that was taken out | its tests | without it | how |",
        "| --- | --- | --- | --- | --- |",
    ]
    for fix, outcome, how, _ in rows:
        tests = fix.tests.partition("::")[0]
        told = "**passed**" if outcome == "passed" else "failed"
        how = how.replace("|", "/")
        lines.append(f"| {fix.fault} | {fix.what} | `{tests}` | {told} | {how} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("faults", nargs="*", help="numbers; all by default")
    parser.add_argument("--table", type=Path, required=True, help="the file to write")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in _COPIED:
            shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("__pyc*"))
        for name in ("pyproject.toml", "serve_config.yaml"):
            shutil.copy(PROJECT / name, copy)
        for fix in FIXES:
            if asked.faults and fix.fault not in asked.faults:
                continue
            row = (fix, *try_without(fix, copy))
            print(f"{fix.fault} {fix.what}: {row[1]} in {row[3]:.0f} s: {row[2]}", flush=True)
            rows.append(row)
            asked.table.write_text(table(rows))
    sys.exit(0 if all(outcome == "failed" for _, outcome, _, _ in rows) else 1)


if __name__ == "__main__":
    main()
