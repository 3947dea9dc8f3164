import json
import os
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ray_pipeline.core.task import EventKind
from serve_app import cli, cli_common, cli_service, daemon
from tests.serve_app.local_coordinator import LocalCoordinator

pytestmark = pytest.mark.slow


def gsv(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["--url", url, *arguments], env={"COLUMNS": "160"})


def test_help_comes_at_once_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from serve_app import cli; "
        "heavy = {'torch', 'ray', 'fastapi', 'sqlalchemy', 'transformers'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    answer = CliRunner().invoke(cli.app, ["--help"])
    for command in ("create", "upload", "run", "watch", "logs", "download", "cancel", "list",
                    "config", "doctor", "status", "models", "start", "stop", "text", "report",
                    "clip", "transcripts"):  # fmt: skip
        assert command in answer.output


def test_a_task_from_creation_to_download(
    url: str, tmp_path: Path, coordinator: LocalCoordinator
) -> None:
    task = gsv(url, "create", "a voice", "-s", "language=en", "-s", "base_model=nano")
    assert "base model nano: " in task.stderr
    task_id = task.stdout.strip()
    (tmp_path / "one.wav").write_bytes(b"sound")
    assert "one.wav" in gsv(url, "upload", task_id, str(tmp_path / "one.wav")).output

    def work() -> None:
        while not coordinator.store.open_runs():
            time.sleep(0.02)
        run = coordinator.begin(task_id)
        coordinator.report(run, EventKind.WARNING, message="one file was set aside")
        coordinator.report(run, EventKind.METRIC, values={"a/loss": 2.0}, epoch=1, step=None)
        coordinator.end(run)

    worker = threading.Thread(target=work)
    worker.start()
    ran = gsv(url, "run", task_id, "--to", "convert_audio")
    worker.join()
    assert ran.exit_code == 0, ran.output
    assert "one file was set aside" in ran.output
    assert "completed" in ran.output
    assert task_id in gsv(url, "list").output
    assert "Completed." in gsv(url, "logs", task_id, "--step", "convert_audio").output
    assert "input_audio/one.wav" in gsv(url, "files", task_id).output
    back = gsv(url, "download", task_id, "input_audio/one.wav", "--to", str(tmp_path / "back"))
    assert back.exit_code == 0, back.output
    assert (tmp_path / "back" / "one.wav").read_bytes() == b"sound"
    assert gsv(url, "download", task_id).exit_code == 1
    assert "Nothing was running" in gsv(url, "cancel", task_id).output
    assert "deleted" in gsv(url, "delete", task_id, "--yes").output


def test_brackets_in_names_and_sentences_are_shown_and_no_markup(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task_id = gsv(url, "create", "mine [/red]", "-s", "base_model=nano").stdout.strip()
    assert "mine [/red]" in gsv(url, "list").output
    (tmp_path / "one [live].wav").write_bytes(b"sound")
    assert (
        "→ one [live].wav" in gsv(url, "upload", task_id, str(tmp_path / "one [live].wav")).output
    )
    assert "input_audio/one [live].wav" in gsv(url, "files", task_id).output
    monkeypatch.setattr(sys, "argv", ["gsv", "--url", url, "download", task_id, "none[/b].wav"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "none[/b].wav" in capsys.readouterr().err


def test_a_failed_run_ends_with_its_sentence_and_status_1(
    url: str, tmp_path: Path, coordinator: LocalCoordinator
) -> None:
    task_id = gsv(url, "create", "a voice", "-s", "base_model=nano").stdout.strip()
    (tmp_path / "one.wav").write_bytes(b"sound")
    gsv(url, "upload", task_id, str(tmp_path / "one.wav"))
    coordinator.do(task_id, "convert_audio", error={"code": "x", "message": "Nothing usable."})
    watched = gsv(url, "watch", task_id)
    assert watched.exit_code == 1
    assert "Nothing usable." in watched.output


def test_a_refusal_is_a_sentence_on_stderr_not_a_traceback() -> None:
    environment = {**os.environ, "GSV_URL": "http://127.0.0.1:9"}
    code = "import sys; sys.argv = ['gsv', 'list']; from serve_app.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_terminal_a_run_is_a_line_a_step_and_one_for_each_tenth(
    url: str, tmp_path: Path, coordinator: LocalCoordinator
) -> None:
    task_id = gsv(url, "create", "a voice", "-s", "base_model=nano").stdout.strip()
    (tmp_path / "one.wav").write_bytes(b"sound")
    gsv(url, "upload", task_id, str(tmp_path / "one.wav"))
    coordinator.plan(task_id, "convert_audio")
    run = coordinator.begin(task_id)
    data = {"total": 100, "message": "one.wav"}

    def work() -> None:
        for done in range(101):
            coordinator.report(run, EventKind.PROGRESS, done=done, fraction=done / 100, **data)
        coordinator.end(run)

    worker = threading.Thread(target=work)
    worker.start()
    lines = gsv(url, "watch", task_id).output.splitlines()
    worker.join()
    said = [line.partition(" convert_audio: ")[2] for line in lines]
    tenths = [int(line.split(" %")[0]) for line in said if " % " in line]
    # Of what was reported before anybody watched, only the newest is kept.
    assert tenths == sorted(set(tenths))
    assert tenths[-1] == 100
    assert len(tenths) <= 11
    assert {"queued", "running", "completed"} <= set(said)


def test_programs_read_json_and_names_stay_in_one_piece_in_a_pipe(
    url: str, tmp_path: Path, coordinator: LocalCoordinator
) -> None:
    created = json.loads(gsv(url, "create", "a voice", "-s", "base_model=nano", "--json").stdout)
    task_id = created["task_id"]
    name = "a rather long name of a recording " * 4 + ".wav"
    (tmp_path / name).write_bytes(b"sound")
    gsv(url, "upload", task_id, str(tmp_path / name))
    narrow = CliRunner().invoke(cli.app, ["--url", url, "files", task_id], env={"COLUMNS": "40"})
    assert name in narrow.output
    assert json.loads(gsv(url, "list", "--json").output)[0]["task_id"] == task_id
    files = json.loads(gsv(url, "files", task_id, "--json").output)
    assert f"input_audio/{name}" in [file["name"] for file in files]
    coordinator.do(task_id, "convert_audio")
    watched = [
        json.loads(line) for line in gsv(url, "watch", task_id, "--json").output.splitlines()
    ]
    assert watched[-1]["status"] == "completed"
    assert {event["kind"] for event in watched[:-1]} >= {"state"}
    assert "removed" in gsv(url, "remove", task_id, f"input_audio/{name}").output


def test_a_new_run_is_followed_from_its_own_first_event(
    url: str, tmp_path: Path, coordinator: LocalCoordinator
) -> None:
    task_id = gsv(url, "create", "a voice", "-s", "base_model=nano").stdout.strip()
    (tmp_path / "one.wav").write_bytes(b"sound")
    gsv(url, "upload", task_id, str(tmp_path / "one.wav"))
    coordinator.do(task_id, "convert_audio", error={"code": "x", "message": "The first try."})

    def work() -> None:
        while not coordinator.store.open_runs():
            time.sleep(0.02)
        coordinator.end(coordinator.begin(task_id))

    worker = threading.Thread(target=work)
    worker.start()
    ran = gsv(url, "run", task_id, "--to", "convert_audio", "--json")
    worker.join()
    assert "The first try." not in ran.output
    assert json.loads(ran.output.splitlines()[0])["steps"] == ["convert_audio"]


def test_the_version_is_told_and_shells_can_complete() -> None:
    told = CliRunner().invoke(cli.app, ["--version"])
    assert (told.exit_code, told.output) == (0, f"gsv {version('gpt-sovits-ray')}\n")
    assert "--install-completion" in CliRunner().invoke(cli.app, ["--help"]).output


def test_the_status_of_a_stopped_service_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    daemon.Service(pid=1, mark="long gone", url="http://127.0.0.1:9").save()
    status = CliRunner().invoke(cli.app, ["status"])
    assert status.exit_code == 1
    assert status.stderr.splitlines() == [
        "The service that was started from this folder does not run any more.",
        "Start one with: gsv start --daemon (or make serve).",
    ]
    plain = CliRunner().invoke(cli.app, ["status", "--json"])
    assert json.loads(plain.stdout)["running"] is False


def test_what_serve_status_cannot_say_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    traceback = "Traceback (most recent call last):\n  File x\nConnectionError: no cluster\n" * 5
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr=traceback)
    monkeypatch.setattr(cli_service, "_serve_status", lambda arguments: failed)
    status = CliRunner().invoke(cli.app, ["status"])
    assert status.exit_code == 1
    assert "Traceback" not in status.output
    assert "No service answers at Ray's usual address." in status.stderr
    assert "ConnectionError: no cluster" in status.stderr


def test_assignments_read_values_as_a_person_means_them() -> None:
    pairs = ["batch_size=4", "gpu_id=0", "exp_name=12", "language=en", "flag=true", "text=a=b"]
    assert cli_common.assignments(pairs) == {
        "batch_size": 4,
        "gpu_id": "0",
        "exp_name": "12",
        "language": "en",
        "flag": True,
        "text": "a=b",
    }
    assert cli_common.by_step({"train_gpt.epochs": 3}) == {"train_gpt": {"epochs": 3}}


def test_config_prints_the_settings_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GSV_API_KEY", "0123456789abcdef0123")
    answer = CliRunner().invoke(cli.app, ["config"])
    assert '"port": 8000' in answer.output
    assert "0123456789abcdef" not in answer.output


def test_doctor_and_models_list_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    doctor = CliRunner().invoke(cli.app, ["doctor"], env={"COLUMNS": "160"})
    assert "ffmpeg" in doctor.output
    assert "base model nano" in doctor.output
    assert "Chinese: BERT" in doctor.output
    assert "Chinese: G2PW" in doctor.output
    models = CliRunner().invoke(cli.app, ["models", "list"], env={"COLUMNS": "160"})
    assert "v2ProPlus" in models.output
    assert models.exit_code == 0
