"""Voices that were not trained here: checked, never run."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from ray_pipeline.core.errors import BackendMissing, BadModelFile, InvalidInput
from ray_pipeline.library.from_files import Recording, SentFiles, draft_of_files
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.weights.files import save_gpt, save_sovits
from tests.library.conftest import Pair
from tests.library.voice_files import SPEECH, TEXT, noise

NOWHERE = Path("nowhere")
SPOKEN = Recording(SPEECH / "LJ001-0016.flac", text=TEXT, language="EN")


def test_a_pair_is_recognised_whatever_its_files_are_called(nano: Pair, tmp_path: Path) -> None:
    gpt = Path(shutil.copy(nano[0], tmp_path / "one.pth"))
    sovits = Path(shutil.copy(nano[1], tmp_path / "two.ckpt"))
    found = draft_of_files(SentFiles(weights=[sovits, gpt], recordings=[SPOKEN]), NOWHERE)
    assert (found.gpt.path, found.sovits.path, found.base_model) == (gpt, sovits, "nano")
    assert (found.references[0].text, found.references[0].language) == (TEXT, "en")
    assert (found.references[0].mood, found.language) == ("default", "en")


def test_a_pair_of_mini_needs_no_recording(mini: Pair) -> None:
    found = draft_of_files(SentFiles(weights=[mini[1], mini[0]]), NOWHERE)
    assert (found.gpt.path, found.sovits.path) == mini
    assert (found.base_model, found.references) == ("mini", ())


def test_several_recordings_have_moods_the_default_one_first(nano: Pair) -> None:
    happy = Recording(SPOKEN.path, mood="happy")
    sent = SentFiles(weights=nano, recordings=[happy, SPOKEN])
    assert [each.mood for each in draft_of_files(sent, NOWHERE).references] == ["default", "happy"]
    with pytest.raises(InvalidInput, match="mood default"):
        draft_of_files(SentFiles(weights=nano, recordings=[happy]), NOWHERE)


def test_halves_that_are_missing_or_come_twice_are_told(nano: Pair, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="SoVITS weights are missing"):
        draft_of_files(SentFiles(weights=nano[:1], recordings=[SPOKEN]), NOWHERE)
    with pytest.raises(InvalidInput, match="both GPT weights"):
        draft_of_files(SentFiles(weights=[nano[0], nano[0]], recordings=[SPOKEN]), NOWHERE)
    with pytest.raises(InvalidInput, match="no weights"):
        draft_of_files(SentFiles(recordings=[SPOKEN]), NOWHERE)
    with pytest.raises(InvalidInput, match="no recording to imitate"):
        draft_of_files(SentFiles(weights=nano), NOWHERE)


def test_a_gpt_of_v1_does_not_go_with_a_sovits_of_v2(tmp_path: Path) -> None:
    gpt, sovits = tmp_path / "old.ckpt", tmp_path / "new.pth"
    save_gpt(gpt, {"x": torch.zeros(1)}, {"model": {"phoneme_vocab_size": 512}}, "", version="v1")
    embedding = {"enc_p.text_embedding.weight": torch.zeros(732, 192)}
    save_sovits(sovits, embedding, SOVITS_CONFIGS["v2"], "")
    with pytest.raises(BadModelFile, match=r"old\.ckpt was made with base model v1"):
        draft_of_files(SentFiles(weights=[gpt, sovits], recordings=[SPOKEN]), NOWHERE)


def test_halves_of_two_bases_are_refused(nano: Pair, mini: Pair) -> None:
    for weights in ([nano[0], mini[1]], [mini[0], nano[1]]):
        with pytest.raises(BadModelFile):
            draft_of_files(SentFiles(weights=weights, recordings=[SPOKEN]), NOWHERE)


class _Evil:
    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.proof}",)


def test_garbage_and_a_pickle_that_wants_to_run_something_are_never_run(
    nano: Pair, tmp_path: Path
) -> None:
    garbage = tmp_path / "garbage.pth"
    garbage.write_bytes(os.urandom(4000))
    evil, plain = tmp_path / "evil.pth", tmp_path / "plain.pth"
    torch.save({"weight": _Evil(tmp_path / "proof"), "config": {}}, evil)
    plain.write_bytes(pickle.dumps(_Evil(tmp_path / "proof")))
    for bad in (garbage, evil, plain):
        with pytest.raises(BadModelFile):
            draft_of_files(SentFiles(weights=[nano[0], bad], recordings=[SPOKEN]), NOWHERE)
    assert not (tmp_path / "proof").exists()


def test_a_recording_must_be_3_to_10_s_that_can_be_heard(nano: Pair, tmp_path: Path) -> None:
    wrong = {
        "2.0 s long": noise(tmp_path / "short.wav", 2),
        "11.0 s long": noise(tmp_path / "long.wav", 11),
        "is silent": noise(tmp_path / "silent.wav", 4, level=0),
    }
    for words, path in wrong.items():
        with pytest.raises(InvalidInput, match=words):
            draft_of_files(SentFiles(weights=nano, recordings=[Recording(path)]), NOWHERE)
    text = tmp_path / "text.wav"
    text.write_text("no sound " * 100)
    with pytest.raises(InvalidInput):
        draft_of_files(SentFiles(weights=nano, recordings=[Recording(text)]), NOWHERE)
    with pytest.raises(InvalidInput, match="no language"):
        spoken = Recording(SPOKEN.path, text="Hallo.", language="klingon")
        draft_of_files(SentFiles(weights=nano, recordings=[spoken]), NOWHERE)


def test_a_base_model_speaks_as_a_recording_does(
    nano: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a row for nano's files in place of the large bases, which the tests have not."""
    from dataclasses import replace

    from ray_pipeline.core import pretrained_bases as bases

    row = replace(bases.BASE_MODELS["nano"], name="v2", generator="g.pth", gpt="s1.ckpt")
    monkeypatch.setitem(bases.BASE_MODELS, "v2", row)
    sent = SentFiles(recordings=[SPOKEN], base_model="v2")
    with pytest.raises(BackendMissing, match="not complete"):
        draft_of_files(sent, tmp_path)
    shutil.copy(nano[0], tmp_path / "s1.ckpt")
    shutil.copy(nano[1], tmp_path / "g.pth")
    found = draft_of_files(sent, tmp_path)
    assert found.gpt.path == tmp_path / "s1.ckpt"
    assert not found.gpt.is_ours, "the models folder keeps its files"
    assert found.lineage == {"source": "base model", "base_model": "v2"}


def test_zero_shot_is_refused_where_it_cannot_be(nano: Pair, tmp_path: Path) -> None:
    for name in ("mini", "nano"):
        with pytest.raises(InvalidInput, match="cannot imitate"):
            draft_of_files(SentFiles(recordings=[SPOKEN], base_model=name), tmp_path)
    with pytest.raises(InvalidInput, match="no base model"):
        draft_of_files(SentFiles(recordings=[SPOKEN], base_model="v9"), tmp_path)
    with pytest.raises(BackendMissing, match="not complete"):
        draft_of_files(SentFiles(recordings=[SPOKEN], base_model="v2"), tmp_path)
    with pytest.raises(InvalidInput, match="Both"):
        sent = SentFiles(weights=nano, recordings=[SPOKEN], base_model="v2")
        draft_of_files(sent, tmp_path)
