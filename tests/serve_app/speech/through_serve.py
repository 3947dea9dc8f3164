"""Voices that a running service speaks with, put into its library from outside."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

from ray_pipeline.audio.wav import read_mono
from ray_pipeline.models.encoders import codebook
from ray_pipeline.models.encoders.content import NanoContentEncoder
from ray_pipeline.speaking.order import VoiceFiles
from ray_pipeline.store import Store
from ray_pipeline.voice.untrained import save_untrained_voice
from tests.end_to_end.service import RunningService, processes_with_mark
from tests.serve_app.speech.conftest import keep
from tests.speaking.conftest import REFERENCES, mini_files


def keep_voices(service: RunningService, folder: Path) -> None:
    """`anna` of mini, which is quick, and `slow` of nano, whose sentences take a second."""
    store = Store(f"sqlite:///{service.data_dir / 'gsv.sqlite3'}")
    for name in ("mini", "nano"):
        (folder / name).mkdir()
    wav, rate = read_mono(REFERENCES[0].wav_path)
    fitted = codebook.fit([NanoContentEncoder()(wav, rate)[0]], seed=0)
    nano = VoiceFiles("nano", *save_untrained_voice(folder / "nano", codebook=fitted, seed=0))
    try:
        keep(store, service.data_dir, "anna", mini_files(folder / "mini", 0))
        keep(store, service.data_dir, "slow", nano, base="nano")
    finally:
        store.close()


def engines(service: RunningService) -> list[psutil.Process]:
    """The processes of the deployment `Voices`."""
    found = []
    for process in processes_with_mark(service.mark()):
        with suppress(psutil.Error):
            if "ServeReplica:gsv:Voices" in " ".join(process.cmdline()):
                found.append(process)
    return found


def is_idle(service: RunningService, within: float) -> bool:
    """Whether nothing is being spoken, at last."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        stats = httpx.get(f"{service.url}/api/v1/speech/stats", timeout=30).json()
        if not stats["active_requests"]:
            return True
        time.sleep(0.05)
    return False
