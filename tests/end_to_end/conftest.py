import pytest

from tests.end_to_end.service import PROJECT, RunningService, processes_with_mark
from tests.older_client import TrainingClient

SPEECH = PROJECT / "tests/data/speech_en"


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """One service for all end-to-end tests, which one of them kills and starts again; nothing of
    it may be left afterwards."""
    service = RunningService(tmp_path_factory.mktemp("service"))
    service.start()
    yield service
    mark = service.mark()
    service.stop()
    assert processes_with_mark(mark) == []


@pytest.fixture
def client(service):
    return TrainingClient(f"{service.url}/api/v1")


@pytest.fixture(scope="session")
def uploads():
    """Audio files of one speaker, and a `.list` with what is said in them."""
    return [*sorted(SPEECH.glob("*.flac")), SPEECH / "transcripts.list"]
