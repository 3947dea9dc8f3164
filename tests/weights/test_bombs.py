"""Small files that would never end, fill the memory or run deep: each is refused at once."""

from __future__ import annotations

import io
import json
import pickle
import resource
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.weights import pickle_size
from ray_pipeline.weights.archive import load_archive, save_archive
from ray_pipeline.weights.conversion import convert
from ray_pipeline.weights.files import load_gpt, load_sovits
from ray_pipeline.weights.pickle_size import TooMuch, check_pickle

pytestmark = pytest.mark.slow


@contextmanager
def quickly() -> Iterator[None]:
    """Fails when the block took over a minute of this process, or over 500 MB more memory. One of
    them builds 100,000 objects, which takes the collector of a process that holds the whole suite
    thirteen seconds on a slow core; without a bound it is minutes, or never ends."""
    before, start = _peak_bytes(), time.process_time()
    yield
    assert time.process_time() - start < 60
    assert _peak_bytes() - before < 500_000_000


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def archive_of(path: Path, program: bytes) -> Path:
    """A torch archive whose pickle is `program`."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/version", "3")
        archive.writestr("archive/byteorder", "little")
    return path


def shared_lists(depth: int = 60) -> bytes:
    """Each list holds the one before it ten times."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value] * 10
    return pickle.dumps(value, protocol=2)


def shared_lists_filled_late(depth: int = 60) -> bytes:
    """The same, each list filled after it has been put into the next."""
    lists: list[list[Any]] = [[] for _ in range(depth)]
    for outer, inner in zip(lists[1:], lists, strict=False):
        outer.extend([inner] * 10)
    return pickle.dumps([*reversed(lists)], protocol=2)


def hashed_tuples(depth: int = 60) -> bytes:
    """A key whose hash takes 2^60 steps; written by hand, as Python would hash it as well."""
    grow = b"\x86q\x00h\x00"  # make a tuple of two, keep it, fetch it again
    return b"\x80\x02}K\x01K\x01" + grow * depth + b"\x86K\x01s."


def holds_itself() -> bytes:
    value: list[Any] = []
    value.append(value)
    return pickle.dumps(value, protocol=2)


def deep(depth: int = 100_000) -> bytes:
    return b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."


BOMBS = {
    "shared lists": (shared_lists(), "unfolds to over"),
    "shared lists, filled late": (shared_lists_filled_late(), "unfolds to over"),
    "hashed tuples": (hashed_tuples(), "unfolds to over"),
    "a list in itself": (holds_itself(), "holds itself"),
    "lists in lists": (deep(), "nests deeper"),
}


@pytest.mark.parametrize(("program", "words"), BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("mark", [b"PK", b"05"])
def test_a_pickle_that_unfolds_without_end_is_not_loaded(
    program: bytes, words: str, mark: bytes, tmp_path: Path
) -> None:
    path = archive_of(tmp_path / "voice.pth", program)
    path.write_bytes(mark + path.read_bytes()[2:])
    with quickly(), pytest.raises(BadModelFile, match=rf"voice\.pth was not loaded: .*{words}"):
        load_archive(path)
    with quickly(), pytest.raises(BadModelFile):
        convert(path, tmp_path / "voice.safetensors")


def test_the_same_in_the_layout_of_old_torch_is_not_loaded(tmp_path: Path) -> None:
    plain = [pickle.dumps(value, protocol=2) for value in (1, 1001, {})]
    (tmp_path / "old.pth").write_bytes(b"".join(plain) + shared_lists())
    with quickly(), pytest.raises(BadModelFile, match="unfolds to over"):
        load_archive(tmp_path / "old.pth")


def test_what_torch_writes_is_followed_to_its_end() -> None:
    model = torch.nn.Linear(3, 4)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(3)).sum().backward()
    optimizer.step()
    content = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "iteration": 3}
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with zipfile.ZipFile(buffer) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("data.pkl")]
        check_pickle(io.BytesIO(archive.read(name)))


@pytest.mark.parametrize("program", [b"", b"\x80\x02]", b"\x80\x02h\x05.", b"0.", b"a.", b"\xff"])
def test_what_is_no_whole_pickle_is_refused(program: bytes) -> None:
    with pytest.raises(TooMuch):
        check_pickle(io.BytesIO(program))


def test_a_pickle_of_too_many_instructions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_size, "_MAX_OPCODES", 50)
    with pytest.raises(TooMuch, match="millions of instructions"):
        check_pickle(io.BytesIO(pickle.dumps(list(range(100)), protocol=2)))


def test_tensors_that_share_few_bytes_a_thousand_times_are_refused(tmp_path: Path) -> None:
    big = torch.zeros(1_000_000)
    save_archive(tmp_path / "a.pth", {"weight": {str(i): big for i in range(1000)}})
    with quickly(), pytest.raises(BadModelFile, match="together over 4 times as large"):
        load_archive(tmp_path / "a.pth")


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("model", "n_layer", 10**9),
        ("model", "hidden_dim", 10**9),
        ("model", "vocab_size", -(10**9)),
        ("model", "dropout", float("nan")),
        ("data", "max_sec", 10**9),
    ],
)
def test_a_gpt_configuration_of_billions_is_refused(
    section: str, name: str, value: float, tmp_path: Path
) -> None:
    config = {"data": {"max_sec": 54}, "model": {"phoneme_vocab_size": 732, "n_layer": 1}}
    config[section] = {**config[section], name: value}
    save_archive(
        tmp_path / "a.ckpt", {"weight": {"model.x": torch.zeros(1)}, "config": config, "info": ""}
    )
    with (
        quickly(),
        pytest.raises(BadModelFile, match=rf"a\.ckpt cannot be used: {section}.{name} is"),
    ):
        load_gpt(tmp_path / "a.ckpt")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_layers", 10**9),
        ("inter_channels", 10**9),
        ("upsample_rates", [10**9, 8, 2, 2, 2]),
        ("upsample_rates", [500] * 5),
        ("resblock_kernel_sizes", [3] * 100_000),
        ("resblock_dilation_sizes", [[1, 10**9, 5]] * 3),
    ],
)
def test_a_sovits_configuration_of_billions_is_refused(
    name: str, value: object, tmp_path: Path
) -> None:
    config = SOVITS_CONFIGS["v2"].export_config()
    config["model"][name] = value
    weight = {"enc_p.text_embedding.weight": torch.zeros(732, 192)}
    weight |= {f"x{i}": torch.zeros(1) for i in range(20)}
    save_archive(tmp_path / "a.pth", {"weight": weight, "config": config, "info": ""})
    with (
        quickly(),
        pytest.raises(BadModelFile, match=rf"a\.pth cannot be used: model.{name} (is|has)"),
    ):
        load_sovits(tmp_path / "a.pth")


@pytest.mark.parametrize("field", ["config", "gsv.names", "info"])
@pytest.mark.parametrize("value", ["[" * 200_000, json.dumps("x" * 4_000_001), "[" * 50 + "]" * 50])
def test_json_that_runs_deep_or_long_is_refused(field: str, value: str, tmp_path: Path) -> None:
    metadata = {"gsv": "1", "gsv.kind": "sovits", "gsv.version": "v2", "gsv.mark": "PK"}
    metadata |= {"gsv.names": '["x"]', "config": "{}", "info": '""', field: value}
    save_file({"x": torch.zeros(1)}, tmp_path / "a.safetensors", metadata)
    with quickly(), pytest.raises(BadModelFile):
        convert(tmp_path / "a.safetensors", tmp_path / "a.pth")
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]
