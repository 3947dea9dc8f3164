from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import deterministic_fill as fill
from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.discriminator import Discriminator
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.weights.archive import load_archive, save_archive
from ray_pipeline.weights.files import (
    TrainingCheckpoint,
    build_synthesizer,
    load_discriminator,
    load_gpt,
    load_matching,
    load_sovits,
    load_training,
    save_gpt,
    save_sovits,
    save_training,
)
from ray_pipeline.weights.kinds import identify

_GOLDEN = Path(__file__).parents[1] / "conformance" / "golden"
_MANIFESTS = Path(__file__).parents[1] / "conformance" / "manifests"
_NANO = SOVITS_CONFIGS["nano"]
_GPT_CONFIG = {"data": {"max_sec": 54}, "model": {"phoneme_vocab_size": 732, "vocab_size": 1025}}


@pytest.fixture(scope="module")
def nano() -> Synthesizer:
    torch.manual_seed(0)
    return Synthesizer(_NANO).eval()


@pytest.fixture
def nano_path(nano: Synthesizer, tmp_path: Path) -> Path:
    path = tmp_path / "voice_e8_s96.pth"
    save_sovits(path, nano.state_dict(), _NANO, "8epoch_96iteration")
    return path


# -- files of the original


@pytest.mark.parametrize("version", ["v2", "v2Pro", "v2ProPlus"])
def test_the_originals_exports_are_read_with_their_version_and_values(version: str) -> None:
    loaded = load_sovits(_GOLDEN / f"sample_sovits_{version}.pth", expected=version)
    assert loaded.version == version
    assert loaded.config == SOVITS_CONFIGS[version]
    assert type(loaded.file_config["train"]) is dict
    assert loaded.file_config["data"]["hop_length"] == 640
    for letter, tensor in zip("acd", loaded.state_dict.values(), strict=False):
        want = fill.uniform(f"sample/{letter}", tuple(tensor.shape)).astype(np.float16)
        assert np.array_equal(tensor.numpy(), want)


def test_the_originals_gpt_export_is_read() -> None:
    loaded = load_gpt(_GOLDEN / "sample_gpt.ckpt", expected="v2ProPlus")
    assert loaded.info == "GPT-e5"
    want = fill.uniform("sample/bert_proj.bias", (3,)).astype(np.float16)
    assert np.array_equal(loaded.state_dict["bert_proj.bias"].numpy(), want)


# -- our own exports


@pytest.mark.parametrize("version", ["v1", "v2", "v2Pro", "v2ProPlus"])
def test_an_export_has_the_manifests_keys_in_half_precision(version: str, tmp_path: Path) -> None:
    entries = json.loads((_MANIFESTS / f"sovits_{version}.json").read_text())["entries"]
    # Whole shapes would be hundreds of megabytes: the rows that recognition looks at are kept.
    small = {key: torch.zeros(shape[0], *[1 for _ in shape[1:]]) for key, shape, _ in entries}
    small["sv_emb.weight"] = torch.zeros(1, 20480)
    if SOVITS_CONFIGS[version].speaker_dim is None:
        del small["sv_emb.weight"]
    path = tmp_path / "export.pth"
    save_sovits(path, small, SOVITS_CONFIGS[version], "1epoch_2iteration")
    loaded = load_sovits(path)
    assert loaded.version == version
    assert list(loaded.state_dict) == [key for key, _, _ in entries if "enc_q" not in key]
    assert {x.dtype for x in loaded.state_dict.values()} == {torch.float16}
    marks = {"v2Pro": b"05", "v2ProPlus": b"06"}
    assert path.read_bytes()[:2] == marks.get(version, b"PK")


def test_nano_goes_through_a_file_and_speaks_the_same_again(
    nano: Synthesizer, nano_path: Path, tmp_path: Path
) -> None:
    loaded = load_sovits(nano_path, expected="nano")
    model = build_synthesizer(loaded)
    again = tmp_path / "again.pth"
    save_sovits(again, model.state_dict(), loaded.file_config, loaded.info)
    assert again.read_bytes() == nano_path.read_bytes()

    codes, text = torch.randint(0, 512, (1, 1, 6)), torch.randint(0, 732, (1, 4))
    refer, speaker = [torch.rand(1, 1025, 20)], [torch.randn(1, 160)]
    halved = Synthesizer(_NANO).eval()
    load_matching(halved, {name: x.half().float() for name, x in nano.state_dict().items()})
    want = halved.decode(codes, text, refer, speaker, noise_scale=0.0)
    assert torch.equal(model.decode(codes, text, refer, speaker, noise_scale=0.0), want)


def test_nano_files_are_plain_archives_that_name_nano(nano_path: Path) -> None:
    assert nano_path.read_bytes()[:2] == b"PK"
    assert load_archive(nano_path)["config"]["model"]["version"] == "nano"


@pytest.mark.parametrize("expected", ["v2", "v2ProPlus"])
def test_nano_is_refused_where_another_base_is_expected(nano_path: Path, expected: str) -> None:
    with pytest.raises(BadModelFile, match=f"base model nano and cannot be used with {expected}"):
        load_sovits(nano_path, expected=expected)


def test_an_official_file_is_refused_where_nano_is_expected() -> None:
    with pytest.raises(BadModelFile, match="base model v2 and cannot be used with nano"):
        load_sovits(_GOLDEN / "sample_sovits_v2.pth", expected="nano")


def test_gpt_files_keep_their_version_apart(tmp_path: Path) -> None:
    state = {"ar_predict_layer.weight": torch.zeros(3, 2)}
    save_gpt(tmp_path / "nano.ckpt", state, _GPT_CONFIG, "GPT-e1", version="nano")
    save_gpt(tmp_path / "pro.ckpt", state, _GPT_CONFIG, "GPT-e1", version="v2Pro")
    assert load_gpt(tmp_path / "nano.ckpt", expected="nano").config["model"]["version"] == "nano"
    assert load_gpt(tmp_path / "pro.ckpt", expected="v2ProPlus").config == _GPT_CONFIG
    with pytest.raises(BadModelFile, match="base model nano and cannot be used with v2"):
        load_gpt(tmp_path / "nano.ckpt", expected="v2")
    with pytest.raises(BadModelFile, match="cannot be used with nano"):
        load_gpt(tmp_path / "pro.ckpt", expected="nano")


def test_a_file_of_the_other_stage_is_named_as_such(nano_path: Path) -> None:
    with pytest.raises(BadModelFile, match="is a GPT weight file, but a SoVITS weight"):
        load_sovits(_GOLDEN / "sample_gpt.ckpt")
    with pytest.raises(BadModelFile, match="is a SoVITS weight file, but a GPT weight"):
        load_gpt(nano_path)


# -- training checkpoints


def test_training_checkpoints_keep_everything(nano: Synthesizer, tmp_path: Path) -> None:
    model = Synthesizer(_NANO)
    optimizer = torch.optim.AdamW(model.parameters())
    model.enc_q.pre.weight.sum().backward()
    optimizer.step()
    path = tmp_path / "G_96.pth"
    save_training(path, TrainingCheckpoint(model.state_dict(), optimizer.state_dict(), 8, 1e-4))
    loaded = load_training(path, expected="nano")
    assert (loaded.iteration, loaded.learning_rate) == (8, 1e-4)
    assert loaded.optimizer["state"].keys() == optimizer.state_dict()["state"].keys()
    assert all(torch.equal(x, loaded.state_dict[n]) for n, x in model.state_dict().items())
    with pytest.raises(BadModelFile, match="cannot be used with v2Pro"):
        load_training(path, expected="v2Pro")


def test_discriminators_are_known_by_their_number(tmp_path: Path) -> None:
    model = Discriminator(SOVITS_CONFIGS["v2Pro"].periods, channel_divisor=16)
    pretrained, checkpoint = tmp_path / "s2D.pth", tmp_path / "D_96.pth"
    save_archive(pretrained, {"weight": model.state_dict()})
    save_training(checkpoint, TrainingCheckpoint(dict(model.state_dict()), {}, 1, 1e-4))
    assert identify(pretrained).version == identify(checkpoint).version == "v2Pro"
    assert list(load_discriminator(pretrained)) == list(model.state_dict())


def test_an_export_is_not_a_checkpoint_to_continue_from(nano_path: Path) -> None:
    with pytest.raises(BadModelFile, match="not a training checkpoint"):
        load_training(nano_path)


def test_matching_keeps_the_models_own_values_where_names_or_shapes_differ() -> None:
    model = torch.nn.Linear(2, 3)
    bias = model.bias.clone()
    kept = load_matching(model, {"weight": torch.ones(3, 2), "bias": torch.ones(4)})
    assert kept == ["bias"]
    assert torch.equal(model.bias, bias)
    assert model.weight.eq(1).all()


# -- wrong, cut off, hostile


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.9, 0.999])
def test_a_cut_off_file_is_refused(nano_path: Path, share: float) -> None:
    whole = nano_path.read_bytes()
    nano_path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadModelFile, match=r"incomplete|not a weight file") as caught:
        load_sovits(nano_path)
    assert caught.value.hint


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="cannot be read"):
        load_sovits(tmp_path / "none.pth")


@pytest.mark.parametrize("content", [b"RIFF$\x00\x00\x00WAVE", b"{}", b"\x00" * 5000, b"05 not so"])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "voice.pth"
    path.write_bytes(content)
    with pytest.raises(BadModelFile):
        load_sovits(path)


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {"weight": {}},
        {"weight": {"a": torch.zeros(1)}, "config": 3},
        {"weight": [torch.zeros(1)], "config": {"model": {}}},
        {"weight": {1: torch.zeros(1)}, "config": {"model": {}}},
    ],
)
def test_an_archive_of_something_else_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(BadModelFile, match="neither a SoVITS nor a GPT"):
        load_sovits(path)


def test_a_config_of_another_kind_is_refused(nano: Synthesizer, tmp_path: Path) -> None:
    config = _NANO.export_config()
    config["model"]["n_layers"] = "many"
    save_sovits(tmp_path / "odd.pth", nano.state_dict(), config, "")
    with pytest.raises(BadModelFile, match=r"configuration in odd\.pth"):
        load_sovits(tmp_path / "odd.pth")


def test_tensors_that_do_not_make_up_the_model_are_refused() -> None:
    with pytest.raises(BadModelFile, match="tensors are missing or have another shape"):
        build_synthesizer(load_sovits(_GOLDEN / "sample_sovits_v2.pth"))


class _Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("harmed",)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_that_would_run_something_is_refused_and_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, legacy: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pth"
    content = {"weight": {"enc_p.text_embedding.weight": torch.zeros(732, 2)}, "x": _Hostile()}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(BadModelFile, match=r"wants to run \S*mkdir"):
        load_sovits(path)
    assert not (tmp_path / "harmed").exists()


def test_other_classes_of_the_originals_module_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.pth"
    data = pickle.dumps({"weight": {}}, protocol=2)
    _write_pickle(path, data[:-1] + b"cutils\nload_checkpoint\n)R0.")
    with pytest.raises(BadModelFile, match="was not loaded"):
        load_archive(path)


def test_a_file_without_end_inside_itself_is_refused(tmp_path: Path) -> None:
    endless: list[object] = []
    endless.append(endless)
    path = tmp_path / "endless.pth"
    torch.save({"weight": endless}, path)
    with pytest.raises(BadModelFile):
        load_archive(path)


def test_a_tensor_larger_than_its_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "inflated.pth"
    torch.save({"weight": OrderedDict(a=torch.zeros(1).expand(1 << 30))}, path)
    with pytest.raises(BadModelFile, match="larger than the file"):
        load_archive(path)


def test_a_compressed_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x00" * 1_000_000)
    with pytest.raises(BadModelFile, match="compressed"):
        load_archive(path)


def _write_pickle(path: Path, data: bytes) -> None:
    """A torch archive whose pickle is `data`."""
    source = io.BytesIO()
    torch.save({}, source)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            is_pickle = entry.filename.endswith("data.pkl")
            new.writestr(entry.filename, data if is_pickle else old.read(entry))
