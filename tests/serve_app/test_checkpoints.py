"""The leaderboard of a task's trainings, by HTTP, client and command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ray_pipeline.core.selection import Checkpoint, Sample
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.core.trainings import Trainings
from ray_pipeline.core.workspace import Workspace, atomic_write
from serve_app import cli
from serve_app.client import Client

SCORES = {StepName.TRAIN_GPT: "gpt/held_out_loss", StepName.TRAIN_SOVITS: "sovits/held_out_mel"}


def train(
    trainings: Trainings, step: StepName, run: str, scores: list[float], *, finished: bool = True
) -> None:
    kind = "GPT" if step is StepName.TRAIN_GPT else "SoVITS"
    folder = trainings.folder(step, run)
    rows = []
    for epoch, score in enumerate(scores, 1):
        name = f"voice-e{epoch}.ckpt"
        atomic_write(folder / name, b"weights")
        rows.append(
            Checkpoint(epoch=epoch, step=epoch, file=name, size=7, validation={SCORES[step]: score})
        )
    table = TrainingTable(
        step=step,
        run=run,
        inputs="same",
        held_out=("a.wav",),
        shown_in=f"{kind}_weights_nano",
        pattern="voice-e*.ckpt",
        finished=finished,
        checkpoints=tuple(rows),
    )
    table.save(folder)
    if finished:
        trainings.offer(table)


@pytest.fixture
def trained(tmp_path: Path, task_id: str) -> Trainings:
    trainings = Trainings(Workspace(tmp_path / "api_tasks" / task_id))
    train(trainings, StepName.TRAIN_SOVITS, "a-1", [0.9, 0.5, 0.8])
    train(trainings, StepName.TRAIN_GPT, "b-1", [3.0, 2.0])
    train(trainings, StepName.TRAIN_GPT, "c-2", [1.0], finished=False)
    return trainings


def test_before_the_first_training_there_is_nothing(client: TestClient, task_id: str) -> None:
    answer = client.get(f"/api/v1/task/{task_id}/checkpoints")
    assert answer.json() == {"gpt_model": None, "sovits_model": None, "trainings": []}
    assert client.get("/api/v1/task/none/checkpoints").status_code == 404


def test_the_leaderboard_says_what_is_chosen_and_why(
    client: TestClient, task_id: str, trained: Trainings
) -> None:
    answer = client.get(f"/api/v1/task/{task_id}/checkpoints").json()
    assert answer["gpt_model"] == "GPT_weights_nano/voice-e2.ckpt"
    assert answer["sovits_model"] == "SoVITS_weights_nano/voice-e2.ckpt"
    rows = [(row["run"], row["is_voice"], row["finished"]) for row in answer["trainings"]]
    assert rows == [("a-1", True, True), ("b-1", True, True), ("c-2", False, False)]
    sovits = answer["trainings"][0]
    assert [row["chosen"] for row in sovits["checkpoints"]] == [False, True, False]
    assert [row["score"] for row in sovits["checkpoints"]] == [0.9, 0.5, 0.8]
    assert "least sovits/held_out_mel" in sovits["reason"]
    assert "risen since epoch 2" in sovits["warning"]
    assert [row["rank"] for row in sovits["checkpoints"]] == [3, 1, 2]
    cancelled = answer["trainings"][2]["checkpoints"][0]
    assert cancelled["file"] == ".trainings/train_gpt/c-2/voice-e1.ckpt"
    for file in (cancelled["file"], sovits["checkpoints"][0]["file"]):
        url = f"/api/v1/task/{task_id}/files/download/{file}"
        assert client.get(url).content == b"weights"


def test_what_a_checkpoint_said_can_be_downloaded(
    client: TestClient, task_id: str, trained: Trainings
) -> None:
    folder = trained.folder(StepName.TRAIN_GPT, "b-1")
    table = TrainingTable.load(folder)
    assert table is not None
    first, second = table.checkpoints
    sample = Sample(
        file="samples/a b-1.wav", picture="samples/a b-1.png", text="Hello.", language="en"
    )
    atomic_write(folder / sample.file, b"sound")
    atomic_write(folder / sample.picture, b"picture")
    first = replace(first, judged={"cer": 0.0, "likeness": 0.9}, samples=(sample,))
    second = replace(second, problem="It is silent (-90 dBFS).")
    replace(table, checkpoints=(first, second)).save(folder)

    training = client.get(f"/api/v1/task/{task_id}/checkpoints").json()["trainings"][1]
    good, broken = training["checkpoints"]
    assert (good["rank"], good["chosen"], good["judged"]["likeness"]) == (1, True, 0.9)
    assert (broken["rank"], broken["score"], broken["problem"]) == (2, None, second.problem)
    [said] = good["samples"]
    assert (said["text"], said["heard"]) == ("Hello.", None)
    assert client.get(said["url"]).content == b"sound"
    assert client.get(said["picture_url"]).content == b"picture"


def test_the_command_shows_the_leaderboard(
    client: TestClient, task_id: str, trained: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object, **__: object) -> Client:
        return Client(http=TestClient(client.app, base_url=client.base_url))

    monkeypatch.setattr(cli, "Client", connect)
    runner = CliRunner()
    shown = runner.invoke(cli.app, ["checkpoints", task_id], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    assert "train_gpt c-2: is not the voice, not finished" in shown.output
    assert "Epoch 2 has the least gpt/held_out_loss" in shown.output
    assert "gpt_model: GPT_weights_nano/voice-e2.ckpt" in shown.output
    as_json = runner.invoke(cli.app, ["checkpoints", task_id, "--json"])
    assert json.loads(as_json.output)["trainings"][0]["run"] == "a-1"
