import json
import shutil
import struct
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ray_pipeline.core.errors import BadModelFile, InvalidInput
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.weights.archive import load_archive, save_archive
from ray_pipeline.weights.conversion import convert
from ray_pipeline.weights.files import (
    TrainingCheckpoint,
    load_gpt,
    load_sovits,
    save_gpt,
    save_sovits,
    save_training,
)
from ray_pipeline.weights.kinds import FileKind

_GOLDEN = Path(__file__).parents[1] / "conformance" / "golden"
_NANO = SOVITS_CONFIGS["nano"]


def bits(x: torch.Tensor) -> bytes:
    return x.reshape(-1).contiguous().view(torch.uint8).numpy().tobytes()


def there_and_back(source: Path, folder: Path) -> Path:
    middle = folder / f"{source.stem}.safetensors"
    back = folder / f"back_{source.name}"
    convert(source, middle)
    convert(middle, back)
    return back


def assert_same_content(one: Path, other: Path) -> None:
    left, right = load_archive(one), load_archive(other)
    assert list(left) == list(right)
    assert list(left["weight"]) == list(right["weight"])
    for name, tensor in left["weight"].items():
        twin = right["weight"][name]
        assert (tensor.dtype, tensor.shape) == (twin.dtype, twin.shape)
        assert bits(tensor) == bits(twin)
    assert {k: left[k] for k in left if k != "weight"} == {
        k: right[k] for k in right if k != "weight"
    }


# -- there and back


@pytest.mark.parametrize("version", ["v2", "v2Pro", "v2ProPlus"])
def test_the_originals_voices_come_back_bit_for_bit_with_their_mark(
    version: str, tmp_path: Path
) -> None:
    source = _GOLDEN / f"sample_sovits_{version}.pth"
    back = there_and_back(source, tmp_path)
    assert_same_content(source, back)
    assert back.read_bytes()[:2] == source.read_bytes()[:2]
    assert load_sovits(back, expected=version).info == load_sovits(source).info


def test_the_originals_gpt_comes_back_bit_for_bit(tmp_path: Path) -> None:
    back = there_and_back(_GOLDEN / "sample_gpt.ckpt", tmp_path)
    assert_same_content(_GOLDEN / "sample_gpt.ckpt", back)
    assert load_gpt(back).info == "GPT-e5"


def test_our_own_export_comes_back_bit_for_bit(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = tmp_path / "voice_e8_s96.pth"
    save_sovits(source, Synthesizer(_NANO).state_dict(), _NANO, "8epoch_96iteration")
    back = there_and_back(source, tmp_path)
    assert_same_content(source, back)
    assert load_sovits(back, expected="nano").config == _NANO


def test_odd_values_and_shapes_survive(tmp_path: Path) -> None:
    odd = torch.tensor([float("nan"), float("inf"), -0.0, 6e-8, 65504.0]).half()
    scalar, empty = torch.tensor(3, dtype=torch.int64), torch.zeros(0, 4)
    whole = torch.arange(12.0).view(3, 4)
    weight = {"model.odd": odd, "model.scalar": scalar, "model.empty": empty,
              "model.turned": whole.t(), "model.part": whole[1:]}  # fmt: skip
    config = {"model": {"phoneme_vocab_size": 732, "rate": 1e-5, "name": "声音", "none": None}}
    source = tmp_path / "odd.ckpt"
    save_archive(source, OrderedDict(weight=weight, config=config, info="GPT-e1"))
    assert_same_content(source, there_and_back(source, tmp_path))


def test_a_pretrained_generator_without_a_mark_gets_none(tmp_path: Path) -> None:
    content = load_archive(_GOLDEN / "sample_sovits_v2Pro.pth")
    source = tmp_path / "s2Gv2Pro.pth"
    save_archive(source, content)
    back = there_and_back(source, tmp_path)
    assert back.read_bytes()[:2] == b"PK"
    assert_same_content(source, back)


def test_the_safetensors_file_says_what_it_is(tmp_path: Path) -> None:
    target = tmp_path / "voice.safetensors"
    done = convert(_GOLDEN / "sample_sovits_v2ProPlus.pth", target)
    assert (done.weights.kind, done.weights.version) == (FileKind.sovits, "v2ProPlus")
    with safe_open(target, framework="pt") as file:
        metadata = file.metadata()
        assert len(list(file.keys())) == done.num_tensors
    config = json.loads(metadata["config"])
    assert config["data"]["hop_length"] == 640
    assert metadata["gsv.version"] == "v2ProPlus"
    assert json.loads(metadata["info"])


# -- what is refused


def test_a_training_checkpoint_is_not_converted(tmp_path: Path) -> None:
    source = tmp_path / "G_96.pth"
    state = {"enc_p.text_embedding.weight": torch.zeros(732, 192)}
    save_training(source, TrainingCheckpoint(state, {}, 1, 1e-4))
    with pytest.raises(BadModelFile, match="training checkpoint") as caught:
        convert(source, tmp_path / "x.safetensors")
    assert "SoVITS_weights" in caught.value.hint
    assert not (tmp_path / "x.safetensors").exists()


def test_a_file_that_is_no_weights_is_not_converted(tmp_path: Path) -> None:
    source = tmp_path / "x.pth"
    source.write_bytes(b"something else entirely")
    with pytest.raises(BadModelFile, match="not a weight file"):
        convert(source, tmp_path / "x.safetensors")
    torch.save({"weight": {"a": torch.zeros(3)}}, source)
    with pytest.raises(BadModelFile, match="neither"):
        convert(source, tmp_path / "x.safetensors")


def test_a_foreign_or_broken_safetensors_file_is_not_converted(tmp_path: Path) -> None:
    source = tmp_path / "x.safetensors"
    save_file({"a": torch.zeros(3)}, source)
    with pytest.raises(BadModelFile, match="does not carry the configuration"):
        convert(source, tmp_path / "x.pth")
    source.write_bytes(struct.pack("<Q", 10**6) + b"{}")
    with pytest.raises(BadModelFile, match="not a readable safetensors"):
        convert(source, tmp_path / "x.pth")
    assert not (tmp_path / "x.pth").exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("gsv.kind", "pickle"), ("gsv.mark", "MZ"), ("gsv.names", '["a"]'), ("config", "{")],
)
def test_metadata_that_was_tampered_with_is_refused(field: str, value: str, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.safetensors", tmp_path / "bad.safetensors"
    convert(_GOLDEN / "sample_sovits_v2.pth", good)
    with safe_open(good, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = {**file.metadata(), field: value}
    save_file(tensors, bad, metadata)
    with pytest.raises(BadModelFile, match="damaged"):
        convert(bad, tmp_path / "x.pth")
    assert not (tmp_path / "x.pth").exists()


def test_the_suffixes_decide_and_have_to_make_sense(tmp_path: Path) -> None:
    source = _GOLDEN / "sample_sovits_v2.pth"
    with pytest.raises(InvalidInput, match="no conversion"):
        convert(source, tmp_path / "x.ckpt")
    middle = tmp_path / "x.safetensors"
    convert(source, middle)
    with pytest.raises(InvalidInput, match="no conversion"):
        convert(middle, tmp_path / "y.safetensors")
    with pytest.raises(InvalidInput) as caught:
        convert(middle, tmp_path / "x.ckpt")
    assert ".pth" in caught.value.hint


def test_a_result_that_exists_is_replaced_only_on_request(tmp_path: Path) -> None:
    target = tmp_path / "x.safetensors"
    target.write_bytes(b"mine")
    with pytest.raises(InvalidInput, match="exists"):
        convert(_GOLDEN / "sample_gpt.ckpt", target)
    assert target.read_bytes() == b"mine"
    convert(_GOLDEN / "sample_gpt.ckpt", target, replace=True)
    assert target.stat().st_size > 4


def test_a_gpt_of_nano_keeps_its_version(tmp_path: Path) -> None:
    source = tmp_path / "voice-e5.ckpt"
    config = {"data": {"max_sec": 54}, "model": {"phoneme_vocab_size": 732}}
    save_gpt(source, {"bert_proj.bias": torch.ones(3)}, config, "GPT-e5", version="nano")
    shutil.move(there_and_back(source, tmp_path), source)
    assert load_gpt(source, expected="nano").version == "nano"
