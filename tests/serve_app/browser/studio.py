"""A service with voices in it, as browser tests need them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

import httpx

from ray_pipeline.coordinator.outbox import Report
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import EventKind, Transcript
from ray_pipeline.core.workspace import Workspace
from serve_app.client import Client
from tests.coordinator.sliced_recording import FIRST, SECOND, THIRD, write_sliced
from tests.serve_app.local_coordinator import LocalCoordinator
from tests.serve_app.speech_task import CLIPS, transcribe, write_clips

Serve = Callable[[int], AbstractContextManager[str]]
_FEATURES = [step for step in StepName if step.value.startswith("extract")]


class Studio:
    """`coordinator` plays the worker's part: nobody runs what is planned."""

    def __init__(self, url: str, coordinator: LocalCoordinator, serve: Serve | None = None) -> None:
        self.url = url
        self.coordinator = coordinator
        self._serve = serve
        self._served: AbstractContextManager[str] | None = None

    def start(self) -> None:
        assert self._serve is not None
        self._served = self._serve(urlsplit(self.url).port or 0 if self.url else 0)
        self.url = self._served.__enter__()

    def stop(self) -> None:
        if self._served is not None:
            self._served.__exit__(None, None, None)
        self._served = None

    @property
    def client(self) -> Client:
        return Client(self.url)

    def at(self, task: str, section: str = "") -> str:
        return f"{self.url}/#/voice/{task}" + (f"/{section}" if section else "")

    def workspace(self, task: str) -> Workspace:
        return Workspace(self.coordinator._parts.settings.tasks_dir / task)

    def new(self, name: str = "Anna, calm", base: str = "mini") -> str:
        with self.client as client:
            return client.create(name, {"language": "en", "base_model": base}).task_id

    def with_recording(self, name: str = "Anna, calm", base: str = "mini") -> str:
        task = self.new(name, base)
        answer = httpx.post(
            f"{self.url}/api/v1/task/{task}/files/upload", files={"file": ("a.wav", b"RIFF....")}
        )
        assert answer.status_code == 200
        return task

    def prepared(self, name: str = "Anna, calm", base: str = "mini") -> str:
        """A voice after steps 1 to 4, with three clips that a recogniser wrote."""
        task = self.with_recording(name, base)
        write_clips(self.workspace(task).root.parent.parent, task)
        transcribe(self.coordinator, task)
        return task

    def sliced(self) -> str:
        """A voice whose three clips lie in one recording, each with a text of two words."""
        task = self.with_recording()
        write_sliced(self.workspace(task))
        self.coordinator.do(task, StepName.CONVERT_AUDIO)
        self.coordinator.do(task, StepName.SLICE_AUDIO)
        heard = [
            Transcript(clip=clip, text=text, language="en", source="whisper")
            for clip, text in ((FIRST, "One two."), (SECOND, "Three four."), (THIRD, "Five six."))
        ]
        self.coordinator.do(task, StepName.ASR_TRANSCRIBE, transcripts=heard)
        return task

    def trained(self, name: str = "Anna, calm") -> str:
        """A voice that was trained twice and has spoken once."""
        task = self.prepared(name)
        for step in _FEATURES:
            self.coordinator.do(task, step)
        for _ in range(2):
            self.train(task)
        self.coordinator.do(task, "train_gpt")
        output = self.workspace(task).output
        output.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.workspace(task).sliced / CLIPS[0], output / "me_001.wav")
        facts = {
            "text": "Good morning, everyone.",
            "language": "en",
            "seconds": 3.2,
            "base_model": "mini",
            "sovits_model": "SoVITS_weights_mini/me_e13_s320.safetensors",
            "gpt_model": "GPT_weights_mini/me-e4.safetensors",
            "settings": {"seed": 1234, "speed": 1.0},
            "warnings": [],
        }
        (output / "me_001.json").write_text(json.dumps(facts), "utf-8")
        said = {"file": "output/me_001.wav", "text": facts["text"], "seed": 1234}
        self.coordinator.do(task, "test_inference", summary=said)
        for name in ("me_001.wav", "me_001.json"):
            self.coordinator.tasks.register_file(task, f"output/{name}")
        return task

    def train(self, task: str, epochs: int = 12) -> None:
        self.coordinator.plan(task, "train_sovits")
        run = self.coordinator.begin(task)
        told = [
            Report(
                kind=EventKind.METRIC,
                data={
                    "values": {"sovits/loss_mel": 1 / epoch, "learning_rate": 1e-4 / epoch},
                    "epoch": epoch,
                    "step": 25 * epoch,
                },
            )
            for epoch in range(1, epochs + 1)
        ]
        assert self.coordinator._attempts.record(task, run.step, run.attempt, told)
        self.coordinator.end(run)

    def many(self, clips: int = 500, events: int = 10_000) -> str:
        """A voice with many clips and a long training behind it."""
        task = self.prepared()
        heard = [
            Transcript(clip=f"{number:04}.wav", text=f"Sentence number {number}.", language="en")
            for number in range(clips)
        ]
        self.coordinator.do(task, "asr_transcribe", transcripts=heard)
        for step in _FEATURES:
            self.coordinator.do(task, step)
        self.train(task, events)
        return task
