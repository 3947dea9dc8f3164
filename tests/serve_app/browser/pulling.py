"""The button that fetches a large base, pressed and followed to its end: a small hub stands for the
network, all else is the real way of a file."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import expect

from ray_pipeline.core.pretrained_bases import BERT_FILES, HUBERT_FOLDER
from ray_pipeline.hub import pulling
from ray_pipeline.hub.downloads import WANTED, Downloads
from ray_pipeline.hub.hubs import HuggingFace
from ray_pipeline.hub.pulling import PullProgress, pull
from tests.hub.hub_server import SmallHub, small_hub
from tests.hub.test_pulling import pretrained, saved  # noqa: F401
from tests.library.voice_files import recording
from tests.serve_app.browser.conftest import NewPage
from tests.serve_app.browser.studio import Studio
from tests.serve_app.browser.views import violations, words_in_english

REPOSITORY = "lj1995/GPT-SoVITS"
LARGE = f"{HUBERT_FOLDER}/pytorch_model.bin"
BREAKS_AFTER = 1_500_000


class Line:
    """Pulls over a line that breaks in the middle of the large file. First the hub is gone from
    then on; the next time what has arrived is looked at for as long as `seen` is not set."""

    def __init__(self, hub: SmallHub) -> None:
        self.hub = hub
        self.pull = partial(pull, hub=HuggingFace(hub.url), pause_seconds=0.05)
        self.times = 0
        self.seen = threading.Event()
        hub.breaks, hub.break_after = 1, BREAKS_AFTER

    def __call__(self, name: str, models_dir: Path, source: Any, tell: Any) -> list[str]:
        if name == "v2ProPlus":
            self.times += 1
            self.hub.status = None

        def told(progress: PullProgress) -> None:
            if progress.file.endswith(LARGE) and progress.done >= 1_000_000:
                tell(progress)
                if self.times == 1:
                    self.hub.status = 503
                else:
                    self.seen.wait(60)
            tell(progress)

        return self.pull(name, models_dir, source, told)


@pytest.fixture
def hub(
    pretrained: dict[str, bytes],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """With all files of v2ProPlus and its companion, small but for one."""
    monkeypatch.setattr(pulling, "KNOWN", {})  # the files are not the published ones
    large = saved({"layer.weight": torch.arange(900_000.0)}, tmp_path / "large")
    weights = saved({"weight": torch.ones(900)}, tmp_path / "bert")
    bert = {file: b"{}" if file.endswith("json") else weights for file in BERT_FILES}
    with small_hub({REPOSITORY: {**pretrained, LARGE: large, **bert}}) as found:
        yield found


def test_a_large_base_is_fetched_to_its_end_though_the_hub_goes_away_and_the_service_restarts(
    mortal: Studio, new_page: NewPage, hub: SmallHub, tmp_path: Path
) -> None:
    page = new_page(locale="zh-CN")
    models, parts, line = tmp_path / "models", mortal.coordinator._parts, Line(hub)
    first = parts.downloads = Downloads(models, line)
    page.goto(mortal.url)
    banner = page.locator("#small-base")
    for said in ("1.4 GB", "MIT (GPT-SoVITS)", "Apache-2.0 (HFL"):
        expect(banner).to_contain_text(said)
    page.locator("#pull").click()
    expect(banner.get_by_role("alert")).to_contain_text("已收到的部分会保留")
    assert violations(page) == []
    assert words_in_english(page) == []

    # Once more: it goes on where it was. Then the service is gone with its process.
    page.locator("#pull").click()
    expect(banner.get_by_role("status").first).to_contain_text("/ 3.6 MB")
    expect(banner.get_by_role("button", name="取消: v2ProPlus")).to_be_visible()
    mortal.stop()
    expect(page.locator("#gone")).to_be_visible()
    wanted = (models / WANTED).read_text()
    for name in ("v2ProPlus", "bert"):
        first.cancel(name)
    line.seen.set()
    while first._thread is not None:
        page.wait_for_timeout(20)
    (models / WANTED).write_text(wanted)

    # The next one goes on by itself with what was wanted.
    parts.downloads = Downloads(models, line.pull)
    mortal.start()
    expect(banner).to_have_count(0)
    starts = [int(wish[6:-1]) for path, wish in hub.ranges if path == LARGE and wish]
    assert starts
    assert min(starts) >= BREAKS_AFTER
    assert (models / LARGE).read_bytes() == hub.content(REPOSITORY, LARGE)
    assert parts.downloads.wait(60)

    # It can be chosen now, and voices can be imitated with it.
    page.locator("#new").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("option", name="v2ProPlus", exact=True)).to_be_enabled()
    page.goto(f"{mortal.url}/#/library")
    page.locator("#import").click()
    page.locator("#import-files").set_input_files(recording(tmp_path, "carla.flac"))
    expect(dialog.get_by_role("option", name="v2ProPlus", exact=True)).to_be_attached()
