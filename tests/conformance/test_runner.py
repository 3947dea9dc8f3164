"""The runner itself, and those golden cases of SoVITS that take seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conformance.__main__ import main
from tests.conformance.cases import find_runner, runners, waveform
from tests.conformance.golden_io import Case
from tests.conformance.gpt_cases import steps_to_watch
from tests.conformance.runner import Report, run_file
from tests.conformance.sovits_cases import synthesizer
from tests.conformance.text_cases import score_file

pytestmark = pytest.mark.slow

_GOLDEN = Path(__file__).parent / "golden"
_SLICER = Path(__file__).parents[1] / "audio" / "data" / "slicer.jsonl"


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
    _changed_copy(path, {}, case="unheard_of")
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


def test_a_file_without_outputs_is_a_failed_case(tmp_path: Path) -> None:
    path = tmp_path / "losses.npz"
    names = ("feature", "discriminator", "generator", "kl")
    _changed_copy(path, {f"out.{name}": None for name in names})
    assert run_file(path).problem == "the file expects no output"


def test_a_problem_takes_one_line_however_much_there_is_to_say() -> None:
    keys = "\n".join(f"discriminators.{number}.weight_g" for number in range(1000))
    line = str(Report("mpd.npz", False, problem=f"Unexpected keys:\n{keys}"))
    assert len(line.splitlines()) == 1
    assert "Unexpected keys: discriminators.0.weight_g" in line
    assert len(line) < 500


def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", str(tmp_path / "nowhere")]) == 1
    assert "nowhere is not a folder." in capsys.readouterr().err


def test_what_hubert_hears_is_read_from_the_case(tmp_path: Path) -> None:
    """The golden case with its two scales exchanged, and so its outputs."""
    params = {"plain": {"scale": 1145.14}, "scaled": {"scale": 1.0}}
    with np.load(_GOLDEN / "hubert.npz") as data:
        plain, scaled = data["out.plain"][:, :, ::4], data["out.scaled"]
    path = tmp_path / "hubert.npz"
    changes = {"out.plain": scaled, "out.scaled": plain, "out.with_tail": None}
    steps = {"outputs.plain.step": [1, 4, 4]}
    _changed_copy(path, changes, source="hubert.npz", params=params, **steps)
    report = run_file(path)
    assert report.passed, str(report)


def test_the_steps_whose_logits_are_wanted_are_read_from_the_outputs() -> None:
    names = ["greedy.y", "greedy.first_logits", "greedy.step20_logits", "other.step7_logits"]
    assert steps_to_watch(names) == {0, 7, 20}


def test_a_decoding_case_may_have_fewer_runs(tmp_path: Path) -> None:
    case = Case(str(_GOLDEN / "t2s_decode.npz"))
    kept = [name for name in case.expected if name.startswith(("greedy_norep", "teacher"))]
    path = tmp_path / "t2s_decode.npz"
    _changed_copy(
        path,
        {f"out.{name}": None for name in case.expected if name not in kept},
        source="t2s_decode.npz",
        params={"greedy_norep": case.meta["params"]["greedy_norep"]},
    )
    report = run_file(path)
    assert report.passed, str(report)


def test_int16_waveforms_are_scaled_and_others_are_taken_as_they_are() -> None:
    assert waveform(np.array([-32768, 16384], np.int16)).tolist() == [-1.0, 0.5]
    assert waveform(np.array([-1.5, 0.5], np.float32)).tolist() == [-1.5, 0.5]


@pytest.mark.parametrize("frames", [59, 60])
def test_an_odd_last_frame_has_no_token(frames: int) -> None:
    case = Case(str(_GOLDEN / "sovits_infer_v2.npz"))
    for name in ("ssl", "spec", "posterior_noise", "latent"):
        case.inputs[name] = case.inputs[name][..., :frames]
    case.inputs["spec_lengths"] = np.minimum(case.inputs["spec_lengths"], frames)
    case.meta["params"] = {"dec_frames": 4}
    got = synthesizer(case)
    assert got["enc_p.m"].shape[-1] == frames // 2 * 2
    assert got["enc_q.z"].shape[-1] == frames


@pytest.mark.parametrize("name", ["other_v2Pro_e8_s96.pth", "sample_sovits_v2Pro.pth", "voice.pth"])
def test_the_version_of_a_weight_file_stands_in_its_name_or_in_the_file(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes((_GOLDEN / "sample_sovits_v2Pro.pth").read_bytes())
    assert run_file(path).passed


def test_a_weight_file_of_another_version_than_its_name_fails(tmp_path: Path) -> None:
    path = tmp_path / "voice_v2ProPlus_e8_s96.pth"
    path.write_bytes((_GOLDEN / "sample_sovits_v2Pro.pth").read_bytes())
    assert run_file(path).problem == "recognised as v2Pro, not v2ProPlus"


def test_an_empty_folder_does_not_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", str(tmp_path)]) == 1
    assert capsys.readouterr().out == "0 passed, 0 failed\n"


@pytest.mark.parametrize("command", ["slicer", "text", "mixed", "cut"])
def test_a_file_that_cannot_be_read_fails_alone(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.jsonl").write_text("no json\n", "utf-8")
    files = [str(tmp_path / name) for name in ("missing.jsonl", "broken.jsonl")]
    assert main([command, *files]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].split()[:2] for line in lines[:2]] == [
        ["FAIL", "missing.jsonl"],
        ["FAIL", "broken.jsonl"],
    ]


def test_a_slicer_case_that_lacks_something_fails_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = _SLICER.read_text("utf-8").splitlines()[:2]
    case = json.loads(lines[0])
    del case["params"]
    path = tmp_path / "slicer.jsonl"
    path.write_text("\n".join([json.dumps(case), lines[1]]), "utf-8")
    assert main(["slicer", str(path)]) == 1
    assert capsys.readouterr().out.splitlines()[0] == "FAIL slicer.jsonl:1 KeyError: 'params'"


def test_a_sentence_at_which_we_fail_counts_as_one_without_phones(tmp_path: Path) -> None:
    good = {"id": "a", "language": "ja", "text": "はい。", "phones": ["h"], "word2ph": None}
    bad = {name: value for name, value in good.items() if name != "language"}
    path = tmp_path / "lines.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in (good, bad)), "utf-8")
    _, score = score_file(path)
    assert score.sentences == 2
    assert "refused: KeyError: 'language'" in score.differing[1]


def _changed_copy(
    path: Path,
    arrays: dict[str, Any],
    *,
    source: str = "losses.npz",
    **meta: Any,
) -> None:
    """A golden file with other arrays (None: without that one; a function: of the old one) and
    other entries of its description, `"outputs.plain.step"` for nested ones."""
    with np.load(_GOLDEN / source) as data:
        content = {name: data[name] for name in data.files}
    description = json.loads(str(content["__meta__"]))
    for name, value in meta.items():
        *way, last = name.split(".")
        place = description
        for part in way:
            place = place[part]
        place[last] = value
    for name, value in arrays.items():
        new = value(content.get(name)) if callable(value) else value
        content[name] = new
    content["__meta__"] = np.array(json.dumps(description))
    np.savez(path, **{name: value for name, value in content.items() if value is not None})
