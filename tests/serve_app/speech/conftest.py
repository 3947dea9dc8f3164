"""The API with a voice of mini that nobody trained, and an engine in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from benchmarks.local_server import serving
from ray_pipeline.core.voices import KeptReference, VoiceAlias, VoiceRecord, VoiceVersion
from ray_pipeline.library.files import FileStore, files_folder
from ray_pipeline.speaking.order import VoiceFiles
from ray_pipeline.store import Store
from tests.serve_app.conftest import MakeClient
from tests.serve_app.local_coordinator import LocalCoordinator
from tests.speaking.conftest import REFERENCES, mini_files

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def mini(tmp_path_factory: pytest.TempPathFactory) -> VoiceFiles:
    return mini_files(tmp_path_factory.mktemp("mini"), 0)


def keep(
    store: Store, data_dir: Path, name: str, files: VoiceFiles, base: str = "mini"
) -> VoiceRecord:
    """The voice with two recordings, and `speaker` as another name of it."""
    library = FileStore(files_folder(data_dir))
    moods = zip(("default", "calm"), REFERENCES, strict=True)
    version = VoiceVersion(
        voice_id=f"id-{name}",
        number=1,
        base_model=base,
        gpt=library.keep(files.gpt_path),
        sovits=library.keep(files.sovits_path),
        references=tuple(
            KeptReference(mood=mood, audio=library.keep(one.wav_path), text=one.text, language="en")
            for mood, one in moods
        ),
        settings={"pause_seconds": 0.1},
        created_at=NOW,
    )
    record = VoiceRecord(
        voice_id=f"id-{name}", name=name, language="en", current=1, created_at=NOW, updated_at=NOW
    )
    return store.add_voice(record, version)


@pytest.fixture
def anna(coordinator: LocalCoordinator, tmp_path: Path, mini: VoiceFiles) -> VoiceRecord:
    record = keep(coordinator.store, tmp_path, "anna", mini)
    coordinator.store.put_alias(VoiceAlias(name="speaker", voice_id=record.voice_id))
    return record


MakeUrl = Callable[..., tuple[str, FastAPI]]


@pytest.fixture
def serve(make_client: MakeClient) -> Iterator[MakeUrl]:
    """Behind real HTTP, with these settings."""
    with ExitStack() as opened:

        def start(**settings: Any) -> tuple[str, FastAPI]:
            app = make_client(**settings).app
            assert isinstance(app, FastAPI)
            opened.callback(app.state.speech.speaker.close)
            return opened.enter_context(serving(app)), app

        yield start


@pytest.fixture
def speech_url(serve: MakeUrl, anna: VoiceRecord) -> str:
    return serve()[0]
