import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ray_pipeline.core.errors import (
    BackendMissing,
    BadModelFile,
    InvalidInput,
    StorageFull,
    Unavailable,
)
from ray_pipeline.core.pretrained_bases import BASE_MODELS, BERT_FILES, choose_base
from ray_pipeline.core.workspace import sha256_of
from ray_pipeline.hub import fetching, pulling
from ray_pipeline.hub.hubs import HuggingFace, ModelScope
from ray_pipeline.hub.pulling import PullProgress, pull, records, verify
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.discriminator import Discriminator
from tests.hub.hub_server import SmallHub, small_hub

pytestmark = pytest.mark.slow

_GOLDEN = Path(__file__).parents[1] / "conformance" / "golden"
_WHISPER = "Systran/faster-whisper-large-v3"
_WEIGHTS = "asr/faster-whisper-large-v3/model.bin"
_MODEL = bytes(range(256)) * 20_000  # 5 MB, arrives in several pieces


def whisper_files() -> dict[str, bytes]:
    return {
        "model.bin": _MODEL,
        "config.json": b'{"alignment_heads": []}',
        "tokenizer.json": b"[" + b"0, " * 2_000 + b"0]",
        "vocabulary.json": b"[]",
        "preprocessor_config.json": b"{}",
        "README.md": b"# Whisper",
        ".gitattributes": b"*.bin lfs",
    }


@pytest.fixture
def hub() -> Iterator[SmallHub]:
    prefixed = {f"faster-whisper-large-v3/{name}": data for name, data in whisper_files().items()}
    with small_hub({_WHISPER: whisper_files(), "XXXXRT/faster-whisper": prefixed}) as found:
        yield found


def pull_whisper(hub: SmallHub, models_dir: Path, **more: object) -> list[str]:
    return pull(
        "whisper-large-v3", models_dir, hub=HuggingFace(hub.url), pause_seconds=0.001, **more
    )  # type: ignore[arg-type]


# -- what arrives


def test_a_repository_is_pulled_whole_but_for_what_no_model_needs(
    hub: SmallHub, tmp_path: Path
) -> None:
    files = pull_whisper(hub, tmp_path)
    names = {"model.bin", "config.json", "tokenizer.json", "vocabulary.json"}
    folder = tmp_path / "asr/faster-whisper-large-v3"
    assert {path.name for path in folder.iterdir()} == names | {"preprocessor_config.json"}
    assert {str(tmp_path / file) for file in files} == {str(path) for path in folder.iterdir()}
    assert (tmp_path / _WEIGHTS).read_bytes() == _MODEL
    assert not (tmp_path / ".downloads").exists()


def test_modelscope_gives_the_same_files_from_a_folder_of_a_repository(
    hub: SmallHub, tmp_path: Path
) -> None:
    pull("whisper-large-v3", tmp_path, "modelscope", hub=ModelScope(hub.url))
    assert (tmp_path / _WEIGHTS).read_bytes() == _MODEL
    assert (tmp_path / _WEIGHTS).with_name("vocabulary.json").read_bytes() == b"[]"
    source = records(tmp_path)[_WEIGHTS].source
    assert source == "XXXXRT/faster-whisper@master"


def test_what_was_pulled_is_recorded_with_size_and_checksum(hub: SmallHub, tmp_path: Path) -> None:
    files = pull_whisper(hub, tmp_path)
    written = json.loads((tmp_path / ".checksums.json").read_text())["files"]
    assert set(written) == set(files)
    assert written[_WEIGHTS]["size"] == len(_MODEL)
    assert written[_WEIGHTS]["sha256"] == sha256_of(tmp_path / _WEIGHTS)


def test_a_second_pull_transfers_nothing(hub: SmallHub, tmp_path: Path) -> None:
    pull_whisper(hub, tmp_path)
    hub.ranges.clear()
    told: list[PullProgress] = []
    assert len(pull_whisper(hub, tmp_path, on_progress=told.append)) == 5
    assert hub.ranges == []
    assert {progress.is_new for progress in told} == {False}


def test_a_file_of_the_same_name_with_other_content_is_replaced(
    hub: SmallHub, tmp_path: Path
) -> None:
    for name in ("model.bin", "vocabulary.json"):  # checked by SHA-256 and by git's id
        path = (tmp_path / _WEIGHTS).with_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * len(whisper_files()[name]))
    pull_whisper(hub, tmp_path)
    assert (tmp_path / _WEIGHTS).read_bytes() == _MODEL
    assert (tmp_path / _WEIGHTS).with_name("vocabulary.json").read_bytes() == b"[]"


def test_progress_tells_file_bytes_and_place_in_the_row(hub: SmallHub, tmp_path: Path) -> None:
    told: list[PullProgress] = []
    pull_whisper(hub, tmp_path, on_progress=told.append)
    model = [progress for progress in told if progress.file == _WEIGHTS]
    assert [progress.done for progress in model] == sorted(progress.done for progress in model)
    assert len(model) > 3
    assert model[-1].done == model[-1].total == len(_MODEL)
    assert (model[0].number, model[0].num_files) == (1, 5)


def test_nano_needs_nothing(tmp_path: Path) -> None:
    assert pull("nano", tmp_path) == []
    assert list(tmp_path.iterdir()) == []


# -- breaks


def test_a_transfer_that_breaks_goes_on_where_it_was(hub: SmallHub, tmp_path: Path) -> None:
    hub.breaks, hub.break_after = 2, 1_500_000
    pull_whisper(hub, tmp_path)
    assert (tmp_path / _WEIGHTS).read_bytes() == _MODEL
    ranges = [wanted for path, wanted in hub.ranges if path == "model.bin"]
    assert ranges == [None, "bytes=1500000-", "bytes=3000000-"]


def test_a_pull_that_was_interrupted_goes_on_in_the_next_one(hub: SmallHub, tmp_path: Path) -> None:
    def interrupt(progress: PullProgress) -> None:
        if progress.done >= 2_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_whisper(hub, tmp_path, on_progress=interrupt)
    assert not (tmp_path / _WEIGHTS).exists()
    hub.ranges.clear()
    pull_whisper(hub, tmp_path)
    path, wanted = hub.ranges[0]
    assert path == "model.bin"
    assert wanted is not None
    assert int(wanted.removeprefix("bytes=").rstrip("-")) >= 2_000_000
    assert (tmp_path / _WEIGHTS).read_bytes() == _MODEL


def test_half_a_file_of_another_release_is_not_gone_on_with(hub: SmallHub, tmp_path: Path) -> None:
    hub.breaks, hub.break_after = 99, 0
    with pytest.raises(Unavailable):
        pull_whisper(hub, tmp_path)
    with small_hub({_WHISPER: {**whisper_files(), "model.bin": _MODEL[::-1]}}) as newer:
        pull_whisper(newer, tmp_path)
        assert newer.ranges[0] == ("model.bin", None)
    assert (tmp_path / _WEIGHTS).read_bytes() == _MODEL[::-1]


def test_a_server_that_knows_no_ranges_is_read_from_the_start(
    hub: SmallHub, tmp_path: Path
) -> None:
    hub.breaks, hub.break_after, hub.honours_ranges = 1, 1_500_000, False
    pull_whisper(hub, tmp_path)
    assert (tmp_path / _WEIGHTS).read_bytes() == _MODEL


def test_a_hub_that_stays_away_is_given_up_and_the_bytes_are_kept(
    hub: SmallHub, tmp_path: Path
) -> None:
    hub.breaks, hub.break_after = 1, 1_500_000
    hub.status = None

    def go_away(progress: PullProgress) -> None:
        if progress.done >= 1_000_000:
            hub.status = 503

    with pytest.raises(Unavailable, match="503") as caught:
        pull_whisper(hub, tmp_path, on_progress=go_away)
    assert "kept" in caught.value.hint
    (partial,) = (tmp_path / ".downloads").glob("*.part")
    assert partial.stat().st_size == 1_500_000


# -- what is refused


def test_a_damaged_file_is_not_kept(hub: SmallHub, tmp_path: Path) -> None:
    hub.damaged = {"model.bin"}
    with pytest.raises(BadModelFile, match=r"model.bin .* checksum"):
        pull_whisper(hub, tmp_path)
    assert not (tmp_path / _WEIGHTS).exists()
    assert list((tmp_path / ".downloads").iterdir()) == []
    hub.damaged = set()
    pull_whisper(hub, tmp_path)
    assert (tmp_path / _WEIGHTS).read_bytes() == _MODEL


def test_a_damaged_small_file_is_found_by_gits_checksum(hub: SmallHub, tmp_path: Path) -> None:
    hub.damaged = {"vocabulary.json"}
    with pytest.raises(BadModelFile, match=r"vocabulary\.json"):
        pull_whisper(hub, tmp_path)
    assert not (tmp_path / _WEIGHTS).with_name("vocabulary.json").exists()


def test_a_file_that_is_not_on_the_hub_is_named(tmp_path: Path) -> None:
    with small_hub({"lj1995/GPT-SoVITS": {}, "XXXXRT/GPT-SoVITS-Pretrained": {}}) as empty:
        for hub in (HuggingFace(empty.url), ModelScope(empty.url)):
            with pytest.raises(BackendMissing, match=r"s2G488k.pth is not on") as caught:
                pull(
                    "v1",
                    tmp_path,
                    hub=hub,
                    source="huggingface" if hub.title != "ModelScope" else "modelscope",
                )
            assert "--source" in caught.value.hint


def test_a_hub_out_of_reach_is_unavailable_with_what_to_try(tmp_path: Path) -> None:
    with small_hub({}) as gone:
        pass
    for hub in (HuggingFace(gone.url), ModelScope(gone.url)):
        with pytest.raises(Unavailable, match="could not be reached") as caught:
            pull("whisper-large-v3", tmp_path, hub=hub)
        assert caught.value.retryable
        assert "HF_ENDPOINT" in caught.value.hint


def test_a_full_disk_is_told_before_anything_is_transferred(
    hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The only way to a full disk in a test: a spare that no disk has.
    monkeypatch.setattr(fetching, "_SPARE_BYTES", 10**18)
    with pytest.raises(StorageFull, match=r"no room for model\.bin") as caught:
        pull_whisper(hub, tmp_path)
    assert "GSV_MODELS_DIR" in caught.value.hint
    assert hub.ranges == []


def test_a_models_folder_that_cannot_be_written_to_is_told(hub: SmallHub, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="cannot be written") as caught:
        pull_whisper(hub, tmp_path / "models")
    assert "models folder" in caught.value.hint


def test_two_pulls_of_one_file_do_not_mix(hub: SmallHub, tmp_path: Path) -> None:
    started, second_is_over = threading.Event(), threading.Event()

    def hold(progress: PullProgress) -> None:
        if progress.done >= 1_000_000:
            started.set()
            second_is_over.wait(timeout=30)

    first = threading.Thread(
        target=pull_whisper, args=(hub, tmp_path), kwargs={"on_progress": hold}
    )
    first.start()
    started.wait(timeout=30)
    try:
        with pytest.raises(Unavailable, match="another process"):
            pull_whisper(hub, tmp_path)
    finally:
        second_is_over.set()
        first.join()
    assert (tmp_path / _WEIGHTS).read_bytes() == _MODEL


def test_a_source_with_another_release_is_refused_before_the_download(tmp_path: Path) -> None:
    pretrained = dict.fromkeys(BERT_FILES, b"x" * 3_000)
    with small_hub({"lj1995/GPT-SoVITS": pretrained}) as hub:
        with pytest.raises(Unavailable, match="not the release"):
            pull("bert", tmp_path, hub=HuggingFace(hub.url))
        assert hub.ranges == []


def test_the_catalogues_checksum_counts_where_a_source_publishes_none(tmp_path: Path) -> None:
    small = dict.fromkeys(BERT_FILES, b"{}")  # small enough for a hub to keep without SHA-256
    with (
        small_hub({"lj1995/GPT-SoVITS": small}) as hub,
        pytest.raises(BadModelFile, match="checksum"),
    ):
        pull("bert", tmp_path, hub=HuggingFace(hub.url))
    assert not (tmp_path / "chinese-roberta-wwm-ext-large/pytorch_model.bin").exists()


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("v9", None, "nothing called 'v9'"),
        ("v2", "elsewhere", "no source 'elsewhere'"),
        ("paraformer", "huggingface", "not published on huggingface"),
    ],
)
def test_unknown_names_and_sources_are_refused(
    name: str, source: str | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=message):
        pull(name, tmp_path, source)


# -- a base model, and checking it


def saved(content: object, path: Path) -> bytes:
    torch.save(content, path)
    return path.read_bytes()


@pytest.fixture
def pretrained(tmp_path: Path) -> dict[str, bytes]:
    """Small files of the right kinds in the places of v2ProPlus."""
    base = BASE_MODELS["v2ProPlus"]
    small = Discriminator(SOVITS_CONFIGS["nano"].periods, channel_divisor=16)
    tensors = saved({"layer.weight": torch.arange(900.0)}, tmp_path / "tensors")
    files = dict.fromkeys(base.files, tensors)
    assert base.generator
    assert base.discriminator
    assert base.gpt
    files[base.generator] = (_GOLDEN / "sample_sovits_v2ProPlus.pth").read_bytes()
    files[base.gpt] = (_GOLDEN / "sample_gpt.ckpt").read_bytes()
    files[base.discriminator] = saved({"weight": small.state_dict()}, tmp_path / "d")
    files["chinese-hubert-base/config.json"] = b'{"model_type": "hubert"}'
    return files


@pytest.fixture
def models_dir(
    pretrained: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A models folder with that base model pulled from a hub."""
    monkeypatch.setattr(pulling, "KNOWN", {})  # the files are not the published ones
    folder = tmp_path / "models"
    with small_hub({"lj1995/GPT-SoVITS": pretrained}) as hub:
        pull("v2ProPlus", folder, hub=HuggingFace(hub.url))
    return folder


def test_a_pulled_base_model_is_complete_and_verifies(models_dir: Path) -> None:
    assert choose_base("auto", "zh", models_dir).name == "v2ProPlus"
    found = {check.file: check for check in verify("v2ProPlus", models_dir)}
    assert set(found) == set(BASE_MODELS["v2ProPlus"].files)
    assert all(check.ok for check in found.values())
    assert found["v2Pro/s2Gv2ProPlus.pth"].detail == "v2ProPlus SoVITS weight"
    assert found["s1v3.ckpt"].detail == "v2 GPT weight"


def test_verify_finds_changed_short_and_missing_files(models_dir: Path) -> None:
    speaker = models_dir / "sv/pretrained_eres2netv2w24s4ep4.ckpt"
    data = bytearray(speaker.read_bytes())
    data[len(data) // 2] ^= 1
    speaker.write_bytes(data)
    gpt = models_dir / "s1v3.ckpt"
    gpt.write_bytes(gpt.read_bytes()[:-100])
    (models_dir / "chinese-hubert-base/config.json").unlink()
    wrong = {check.file: check.detail for check in verify("v2ProPlus", models_dir) if not check.ok}
    assert "checksum" in wrong.pop("sv/pretrained_eres2netv2w24s4ep4.ckpt")
    assert "bytes instead of" in wrong.pop("s1v3.ckpt")
    assert wrong.pop("chinese-hubert-base/config.json") == "missing"
    assert not wrong


def test_verify_reads_files_that_were_put_there_by_hand(models_dir: Path) -> None:
    (models_dir / ".checksums.json").unlink()
    assert {check.ok for check in verify("v2ProPlus", models_dir)} == {None}
    generator = models_dir / "v2Pro/s2Gv2ProPlus.pth"
    generator.write_bytes((_GOLDEN / "sample_sovits_v2Pro.pth").read_bytes())
    (models_dir / "s1v3.ckpt").write_bytes(b"no weights")
    wrong = {
        check.file: check.detail for check in verify("v2ProPlus", models_dir) if check.ok is False
    }
    assert "v2Pro SoVITS weight file, not a v2ProPlus" in wrong.pop("v2Pro/s2Gv2ProPlus.pth")
    assert "not a weight file" in wrong.pop("s1v3.ckpt")
    assert not wrong


def test_verify_holds_a_file_against_the_published_checksum(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    wrong = {check.file for check in verify("v2ProPlus", models_dir) if check.ok is False}
    assert "s1v3.ckpt" in wrong
    assert "chinese-hubert-base/config.json" not in wrong


def test_verify_covers_every_file_of_a_recogniser_that_was_pulled(
    hub: SmallHub, tmp_path: Path
) -> None:
    files = pull_whisper(hub, tmp_path)
    assert {check.file for check in verify("whisper-large-v3", tmp_path)} == set(files)
    (tmp_path / _WEIGHTS).with_name("vocabulary.json").write_bytes(b"{}")
    wrong = [check.file for check in verify("whisper-large-v3", tmp_path) if not check.ok]
    assert wrong == ["asr/faster-whisper-large-v3/vocabulary.json"]
