"""Ten thousand calls that schemathesis makes up: no 5xx, no answer that the description does not
know. The coordinator is the real one; nothing runs what it plans.

GSV_CHAOS_CALLS asks for fewer, GSV_CHAOS_SEED (0, 1, 2 …) for others.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.local_server import serving
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.store import Store, upgrade
from serve_app.api import make_app
from serve_app.client import Client
from serve_app.settings import Settings
from tests.chaos.calling import Findings, call_each, call_in_sequence
from tests.chaos.databases import new_database
from tests.chaos.meant_calls import call_as_meant, of_speaking, on_a_task, on_books, on_voices
from tests.coordinator.sliced_recording import FIRST, SECOND, THIRD, write_sliced
from tests.end_to_end.service import RunningService
from tests.library.voice_files import mini_pair
from tests.serve_app.local_coordinator import LocalCoordinator, coordinator_settings
from tests.serve_app.speech.through_serve import keep_voices
from tests.serve_app.speech_task import transcribe, write_clips

# Half of them to each route in turn, half in sequences.
CALLS = int(os.environ.get("GSV_CHAOS_CALLS", "10000"))
FIRST_SEED = 1000 * int(os.environ.get("GSV_CHAOS_SEED", "0"))
_A_ROUTE_OF_TEN_THOUSAND = 90


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_made_up_call_is_answered_with_what_is_not_described(
    database: str, tmp_path: Path
) -> None:
    findings = Findings()
    with new_database(database) as url:
        planned = coordinator_settings(tmp_path, url)
        upgrade(planned.database_url)
        store = Store(planned.database_url)
        coordinator = LocalCoordinator(store, planned)
        settings = Settings(data_dir=tmp_path, models_dir=tmp_path / "models")
        with serving(make_app(settings, store, coordinator)) as address:
            with Client(address) as client:
                created = client.create("a voice", {"language": "en", "base_model": "nano"})
                (tmp_path / "talk.wav").write_bytes(b"RIFF and so on")
                client.upload(created.task_id, [tmp_path / "talk.wav"])
                write_clips(tmp_path, created.task_id)
                transcribe(coordinator, created.task_id)
                clips = [row.clip for row in client.transcripts(created.task_id)]
                client.import_voice("amy", mini_pair(tmp_path / "weights"))
                client.put_voice_alias("narrator", "amy")
                cut = client.create("a cut voice", {"language": "en", "base_model": "nano"})
                client.upload(cut.task_id, [tmp_path / "talk.wav"])
                write_sliced(Workspace(tmp_path / "api_tasks" / cut.task_id))
                transcribe(coordinator, cut.task_id, [FIRST, SECOND, THIRD])
            known = {
                "task_id": [created.task_id], "clip": clips, "filename": ["talk.wav"],
                "voice": ["amy"], "number": [1], "name": ["narrator"], "model": ["amy"],
                "mood": ["default"],
            }  # fmt: skip
            meant = [*on_a_task(cut.task_id), *on_voices(tmp_path / "ben")]
            refused = call_as_meant(address, findings, meant)
            call_each(
                address,
                findings,
                max(2, _A_ROUTE_OF_TEN_THOUSAND * CALLS // 10_000),
                known,
                FIRST_SEED,
            )
            call_in_sequence(address, findings, CALLS - findings.calls, FIRST_SEED)
        store.close()
    print(f"\n{database}: {findings.calls} calls, {dict(findings.statuses)}")
    print("never done:", [name for name, times in findings.done.items() if not times])
    assert findings.wrong == {}
    assert refused == {}
    assert findings.calls >= CALLS


def test_no_made_up_call_through_serve_is_answered_with_what_is_not_described(
    tmp_path: Path,
) -> None:
    service, findings = RunningService(tmp_path), Findings()
    service.start()
    try:
        keep_voices(service, tmp_path)
        refused = call_as_meant(
            service.url, findings, [*of_speaking("anna"), *on_books(service.url, "anna")]
        )
        call_each(service.url, findings, 2, {"voice": ["anna"]})
        call_in_sequence(service.url, findings, 200)
    finally:
        service.stop()
    print(f"\nthrough Serve: {findings.calls} calls, {dict(findings.statuses)}")
    print("never done:", [name for name, times in findings.done.items() if not times])
    assert findings.wrong == {}
    assert refused == {}
