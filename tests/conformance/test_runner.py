"""The runner itself, and those golden cases of SoVITS that take seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conformance.__main__ import main
from tests.conformance.cases import find_runner, runners
from tests.conformance.golden_io import Case
from tests.conformance.runner import run_file

_GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    "name",
    [
        *("mel.npz", "losses.npz", "mpd_v2.npz", "mpd_v2Pro.npz", "sovits_infer_v2ProPlus.npz"),
        *("sample_sovits_v2.pth", "sample_sovits_v2Pro.pth", "sample_sovits_v2ProPlus.pth"),
        "sample_gpt.ckpt",
    ],
)
def test_golden_case_passes(name: str) -> None:
    report = run_file(_GOLDEN / name)
    assert report.passed, str(report)


def test_every_kind_of_golden_case_has_code() -> None:
    kinds = {str(Case(str(path)).meta["case"]) for path in _GOLDEN.glob("*.npz")}
    table = runners()
    assert {kind for kind in kinds if find_runner(kind, table) is None} == set()


def test_a_version_may_follow_the_kind_but_nothing_else() -> None:
    table = {"mpd": len, "mpd_extra": max}
    assert find_runner("mpd_v2Pro", table) is len
    assert find_runner("mpd_extra_v1", table) is max
    assert find_runner("mpdv2", table) is None


def test_a_wrong_number_fails_its_case_and_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _changed_copy(tmp_path / "losses.npz", {"out.kl": lambda x: x * 1.01})
    assert main(["models", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("FAIL  losses.npz")
    assert "(kl)" in lines[0]
    assert lines[-1] == "0 passed, 1 failed"


def test_a_kind_without_code_is_a_failed_case(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    _changed_copy(path, {}, kind="unheard_of")
    report = run_file(path)
    assert not report.passed
    assert "no code for the kind 'unheard_of'" in str(report)


def test_an_output_that_nobody_computes_is_a_failed_case(tmp_path: Path) -> None:
    path = tmp_path / "losses.npz"
    _changed_copy(path, {"out.more": lambda _: np.zeros(3)})
    assert "not computed: more" in run_file(path).problem


def test_a_damaged_file_is_a_failed_case(tmp_path: Path) -> None:
    path = tmp_path / "mel.npz"
    path.write_bytes((_GOLDEN / "mel.npz").read_bytes()[:1000])
    assert not run_file(path).passed


def test_an_empty_folder_does_not_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", str(tmp_path)]) == 1
    assert capsys.readouterr().out == "0 passed, 0 failed\n"


def _changed_copy(path: Path, changes: dict, kind: str = "losses") -> None:
    with np.load(_GOLDEN / "losses.npz") as data:
        arrays = {name: data[name] for name in data.files}
    meta = json.loads(str(arrays["__meta__"])) | {"case": kind}
    arrays["__meta__"] = np.array(json.dumps(meta))
    for name, change in changes.items():
        arrays[name] = change(arrays.get(name))
    np.savez(path, **arrays)
