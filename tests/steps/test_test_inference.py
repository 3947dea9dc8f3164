import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ray_pipeline.audio.wav import read_mono, to_int16, write_int16
from ray_pipeline.core.errors import InvalidInput, NotFound, StepNotReady
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.options import TaskConfig, TestInferenceOptions
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.models.encoders import codebook
from ray_pipeline.models.encoders.content import NanoContentEncoder, to_rate
from ray_pipeline.models.mini.config import SPEAKER_DIM, tiny_config
from ray_pipeline.models.mini.files import new_base, save_durations, save_synthesizer
from ray_pipeline.steps.test_inference import run
from ray_pipeline.text.chinese.reading_models import ChineseModels, read_otherwise
from ray_pipeline.text.clip_reading import write_reading
from ray_pipeline.voice.order import DEFAULT_TEXTS, make_order, newest_weights
from ray_pipeline.voice.untrained import save_untrained_voice
from tests.tiny_g2pw import make_g2pw

pytestmark = pytest.mark.slow

torch.set_num_threads(1)  # models this small are slower with several

SPEECH = Path(__file__).parents[1] / "data" / "speech_en"
CLIPS = {
    "LJ001-0002.wav": "in being comparatively modern.",
    "LJ001-0016.wav": "The Middle Ages brought calligraphy to perfection,",
    "LJ001-0043.wav": "A further development of the Roman letter took place at Venice.",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task's folder as the trainings leave it, with weights that have learned nothing."""
    workspace = Workspace(tmp_path_factory.mktemp("task"))
    workspace.create()
    folder = workspace.experiment("amy").waves
    for name in CLIPS:
        wav = to_rate(*read_mono(SPEECH / name.replace(".wav", ".flac")), 32000)
        write_int16(folder / name, to_int16(wav))
    fitted = codebook.fit([NanoContentEncoder()(wav, 32000)[0]], seed=0)
    gpt, sovits = save_untrained_voice(workspace.scratch, codebook=fitted)
    for source, target in (
        (gpt, workspace.gpt_weights("nano") / "amy-e15.ckpt"),
        (sovits, workspace.sovits_weights("nano") / "amy_e8_s96.pth"),
    ):
        target.parent.mkdir(parents=True)
        shutil.copy(source, target)
    return workspace.root


@pytest.fixture
def context(trained: Path, tmp_path: Path) -> StepContext:
    shutil.copytree(trained, tmp_path / "task")
    transcripts = {
        name: Transcript(clip=name, text=text, language="en") for name, text in CLIPS.items()
    }
    return StepContext(
        task_id="t",
        run_id="r",
        step=StepName.TEST_INFERENCE,
        attempt=1,
        config=TaskConfig(exp_name="amy", language="en", base_model="nano", seed=7),
        workspace=Workspace(tmp_path / "task"),
        models_dir=tmp_path / "models",
        cluster=ClusterTotals(cpus=2),
        progress=RecordingProgress(),
        transcripts=transcripts,
    )


def speak(context: StepContext, **options: Any) -> dict[str, Any]:
    """Run the step and return its JSON of facts."""
    summary = run(context, TestInferenceOptions(**options)).summary
    return json.loads((context.workspace.root / summary["facts"]).read_text("utf-8"))


def test_without_parameters_the_best_clip_speaks_the_fixed_sentence(context: StepContext) -> None:
    result = run(context, TestInferenceOptions())
    assert result.summary["file"] == "output/amy_001.wav"
    assert result.summary["ref_audio"] == "experiments/amy/5-wav32k/LJ001-0016.wav"
    assert result.summary["text"] == DEFAULT_TEXTS["en"]
    assert result.summary["seed"] == 7
    assert (context.workspace.root / result.summary["file"]).stat().st_size > 10_000
    assert context.progress.advances[-1][0] == context.progress.advances[-1][1]


def test_the_same_again_is_not_spoken_again_without_force(context: StepContext) -> None:
    first = run(context, TestInferenceOptions(target_text="Hello there."))
    again = run(context, TestInferenceOptions(target_text="Hello there."))
    assert again.summary == first.summary | {"unchanged": True}
    forced = run(context, TestInferenceOptions(target_text="Hello there.", force=True))
    other = run(context, TestInferenceOptions(target_text="Hello there.", seed=8))
    files = [forced.summary["file"], other.summary["file"]]
    assert files == ["output/amy_002.wav", "output/amy_003.wav"]
    root = context.workspace.root
    assert (root / "output/amy_001.wav").read_bytes() == (root / files[0]).read_bytes()
    assert (root / "output/amy_001.wav").read_bytes() != (root / files[1]).read_bytes()


def test_a_piece_in_which_words_are_missing_is_told_each_time(context: StepContext) -> None:
    # Weights that have learned nothing end as soon as they may, after 11 tokens.
    order = TestInferenceOptions(
        target_text="This is a sentence with quite a few words in it.", top_k=1
    )
    [warning] = run(context, order).warnings
    assert "in 0.4 s, 75 phones a second" in warning
    again = run(context, order)
    assert (again.summary["unchanged"], again.warnings) == (True, [warning])


def test_a_word_that_cannot_be_read_is_named(context: StepContext) -> None:
    warnings = run(context, TestInferenceOptions(target_text="Hello привет there.")).warnings
    assert any("'привет' cannot be read aloud as written" in warning for warning in warnings)


def test_files_are_named_within_the_task(context: StepContext) -> None:
    facts = speak(
        context,
        gpt_model="amy-e15.ckpt",
        sovits_model="SoVITS_weights_nano/amy_e8_s96.pth",
        ref_audio="LJ001-0043.wav",
        target_text="Hello there.",
        target_language="英文",
    )
    assert facts["ref_audio"].endswith("5-wav32k/LJ001-0043.wav")
    assert facts["ref_text"] == CLIPS["LJ001-0043.wav"]
    assert set(facts["files"]) == {
        "GPT_weights_nano/amy-e15.ckpt",
        "SoVITS_weights_nano/amy_e8_s96.pth",
        "experiments/amy/5-wav32k/LJ001-0043.wav",
    }


@pytest.mark.parametrize("name", ["../other.wav", "/etc/passwd", "output/../../x.wav"])
def test_a_path_out_of_the_task_is_refused(context: StepContext, name: str) -> None:
    with pytest.raises(InvalidInput):
        run(context, TestInferenceOptions(ref_audio=name))


def test_a_file_that_is_not_there_is_not_found(context: StepContext) -> None:
    with pytest.raises(NotFound, match=r"nobody\.ckpt"):
        run(context, TestInferenceOptions(gpt_model="nobody.ckpt"))


def test_a_reference_of_two_seconds_is_refused(context: StepContext) -> None:
    with pytest.raises(InvalidInput, match="3 to 10 s"):
        run(context, TestInferenceOptions(ref_audio="LJ001-0002.wav"))


def test_a_reference_without_text_warns(context: StepContext) -> None:
    result = run(context, TestInferenceOptions(ref_audio="LJ001-0043.wav", ref_text=" "))
    assert any("ref_text" in warning for warning in result.warnings)


def test_a_reference_text_of_marks_alone_says_nothing(context: StepContext) -> None:
    order, warnings = make_order(
        context, TestInferenceOptions(ref_audio="LJ001-0043.wav", ref_text="…！?")
    )
    assert order.reference.text == ""
    assert any("ref_text" in warning for warning in warnings)


def test_an_upload_is_a_reference_by_its_bare_name(context: StepContext) -> None:
    upload = context.workspace.input_audio / "memo.flac"
    shutil.copy(SPEECH / "LJ001-0043.flac", upload)
    order, _ = make_order(context, TestInferenceOptions(ref_audio="memo.flac", ref_text="Hi."))
    assert order.reference.wav_path == upload
    with pytest.raises(NotFound):
        make_order(context, TestInferenceOptions(ref_audio="nothing.flac"))


def test_a_seed_of_minus_one_is_another_one_each_time(context: StepContext) -> None:
    seeds = {make_order(context, TestInferenceOptions(seed=-1))[0].settings.seed for _ in range(3)}
    assert len(seeds) == 3
    assert make_order(context, TestInferenceOptions())[0].settings.seed == 7


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("text", ["Привет мир.", "你好，世界。"])
def test_a_text_in_another_script_is_refused_naming_its_language(
    context: StepContext, text: str, strict: bool
) -> None:
    with pytest.raises(InvalidInput, match="'en'") as refused:
        run(context, TestInferenceOptions(target_text=text, strict_compat=strict))
    assert refused.value.as_dict()["field"] == "params.target_language"


def test_a_piece_in_another_script_is_left_out_and_told(context: StepContext) -> None:
    result = run(context, TestInferenceOptions(target_text="Hello there. Привет мир."))
    assert len(result.summary["tokens"]) == 1
    assert any("'Привет мир.' was left out" in warning for warning in result.warnings)


def test_a_text_is_read_as_the_clips_were_and_else_it_is_told(context: StepContext) -> None:
    manifest = Manifest(StepName.EXTRACT_TEXT_FEATURES)
    manifest.add(ClipEntry("a.wav", "key", inputs={}, outputs=[]))
    manifest.save(context.workspace)  # as before there was a choice
    followed, _ = make_order(context, TestInferenceOptions())
    assert followed.settings.strict_compat
    write_reading(manifest, strict_compat=False)
    manifest.save(context.workspace)
    order, _ = make_order(context, TestInferenceOptions())
    assert not order.settings.strict_compat
    chosen = TestInferenceOptions(target_text="It is 8:30 now.", strict_compat=True)
    assert any("strict_compat" in warning for warning in run(context, chosen).warnings)


def test_options_that_mean_nothing_to_a_voice_are_named(context: StepContext) -> None:
    _, warnings = make_order(context, TestInferenceOptions(pitch=1.2, top_k=3))
    assert warnings == ["pitch means nothing to a voice of the base nano: left aside."]


def test_a_voice_of_another_family_speaks_by_the_version_in_its_weights(
    context: StepContext,
) -> None:
    mini = tiny_config()
    base, workspace = new_base(mini), context.workspace
    gpt = workspace.gpt_weights("mini") / "amy-e15.safetensors"
    sovits = workspace.sovits_weights("mini") / "amy_e8_s96.safetensors"
    for folder in (gpt.parent, sovits.parent):
        folder.mkdir(parents=True)
    save_durations(gpt, base.durations, torch.zeros(SPEAKER_DIM), mini)
    save_synthesizer(sovits, base.synthesizer, mini)
    config = context.config.model_copy(update={"base_model": "mini"})
    options = TestInferenceOptions(target_text="Hello there.", top_k=3, energy=4.0)
    result = run(replace(context, config=config), options)
    assert result.summary["base_model"] == "mini"
    assert "top_k means nothing to a voice of the base mini: left aside." in result.warnings


def test_clips_left_out_by_the_user_are_no_reference(context: StepContext) -> None:
    kept = "LJ001-0043.wav"
    transcripts = {
        name: replace(one, include=name == kept) for name, one in context.transcripts.items()
    }
    facts = speak(replace(context, transcripts=transcripts), target_text="Hello there.")
    assert facts["ref_audio"].endswith(kept)


def test_only_short_clips_are_joined_with_a_warning(context: StepContext) -> None:
    name = "LJ001-0002.wav"
    only = replace(context, transcripts={name: context.transcripts[name]})
    result = run(only, TestInferenceOptions(target_text="Hello there."))
    assert result.summary["ref_audio"] == "output/amy_reference.wav"
    assert any("joined" in warning for warning in result.warnings)


def test_without_weights_it_says_which_training_is_missing(context: StepContext) -> None:
    shutil.rmtree(context.workspace.gpt_weights("nano"))
    with pytest.raises(StepNotReady) as refused:
        run(context, TestInferenceOptions())
    assert refused.value.as_dict()["missing"] == ["train_gpt"]


def test_the_newest_export_of_the_experiment_is_taken(tmp_path: Path) -> None:
    for age, name in enumerate(["amy_e9_s9.pth", "amy_e10_s20.pth", "amy2_e3_s3.pth", "bob.pth"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(age, age))
    os.utime(tmp_path / "amy_e9_s9.pth", ns=(1, 1))
    found = newest_weights(tmp_path, "amy", ".pth", StepName.TRAIN_SOVITS)
    # Written at the same moment: the later epoch.
    assert found.name == "amy_e10_s20.pth"
    os.utime(tmp_path / "amy_e9_s9.pth", ns=(5, 5))
    # Trained anew with fewer epochs: the later file.
    assert newest_weights(tmp_path, "amy", ".pth", StepName.TRAIN_SOVITS).name == "amy_e9_s9.pth"


def test_own_pronunciations_are_honoured_and_spoken_anew_when_they_change(
    context: StepContext,
) -> None:
    plain = speak(context, target_text="Hello Ray.")
    dictionary = context.workspace.input_audio / "names.dict"
    dictionary.write_text("Ray\tK AE1 T\n", "utf-8")
    own = speak(context, target_text="Hello Ray.")
    assert "K AE1 T" in " ".join(own["pieces"][0]["phones"])
    assert "K AE1 T" not in " ".join(plain["pieces"][0]["phones"])
    assert own["settings"]["dictionary"] == {"Ray": ["K", "AE1", "T"]}


@pytest.mark.parametrize(
    ("options", "language"),
    [
        ({"target_text": "你好 GPT"}, "zh"),  # guessed, because the task says auto
        ({"target_text": "Hello", "target_language": "auto"}, "auto"),
        ({"target_text": "Hello", "target_language": "all_ja"}, "all_ja"),
        ({"target_language": "auto"}, "en"),  # the fixed sentence, in the reference's language
        ({"target_language": "auto_yue"}, "yue"),
        ({"target_language": "all_zh"}, "zh"),
    ],
)
def test_how_a_text_is_read_is_what_was_asked_for(
    context: StepContext, options: dict[str, str], language: str
) -> None:
    auto = replace(context, config=context.config.model_copy(update={"language": "auto"}))
    order, _ = make_order(auto, TestInferenceOptions(**options))
    assert order.mode == language
    assert order.text == options.get("target_text", DEFAULT_TEXTS.get(language))


def test_chinese_is_spoken_anew_when_the_polyphone_model_comes(context: StepContext) -> None:
    order = {"target_text": "这行。", "target_language": "zh"}
    plain = speak(context, **order)
    read_with(context, ChineseModels(), clips=3)
    make_g2pw(context.models_dir)
    asked = speak(context, **order)
    assert (plain["file"], asked["file"]) == ("amy_001.wav", "amy_002.wav")
    assert "x ing2" in " ".join(plain["pieces"][0]["phones"])
    assert "h ang2" in " ".join(asked["pieces"][0]["phones"])
    assert plain["warnings"] == []
    [warning] = asked["warnings"]
    assert "read without G2PW, this text is read with it" in warning
    # Said again when there is nothing left to do.
    assert run(context, TestInferenceOptions(**order)).warnings == [warning]


def read_with(context: StepContext, models: ChineseModels, *, clips: int) -> None:
    """As extract_text_features leaves it."""
    manifest = Manifest(StepName.EXTRACT_TEXT_FEATURES)
    models.write_to(manifest, clips)
    manifest.save(context.workspace)


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (ChineseModels(), ChineseModels(bert=True), ["without BERT"]),
        (ChineseModels(bert=True), ChineseModels(), ["with BERT"]),
        (ChineseModels(bert=True), ChineseModels(g2pw=True), ["with BERT", "without G2PW"]),
        (ChineseModels(bert=True, g2pw=True), ChineseModels(bert=True, g2pw=True), []),
    ],
)
def test_models_that_came_or_went_since_the_training_are_named(
    context: StepContext, then: ChineseModels, now: ChineseModels, said: list[str]
) -> None:
    read_with(context, then, clips=2)
    warnings = read_otherwise(context.workspace, now, "这行。", "中文")
    assert [words in warning for words, warning in zip(said, warnings, strict=True)] == [
        True for _ in said
    ]


def test_no_model_is_named_where_no_chinese_was_learned_or_is_said(context: StepContext) -> None:
    now = ChineseModels(bert=True, g2pw=True)
    assert read_otherwise(context.workspace, now, "这行。", "zh") == []
    read_with(context, ChineseModels(), clips=0)
    assert read_otherwise(context.workspace, now, "这行。", "zh") == []
    read_with(context, ChineseModels(), clips=2)
    for text, language in (("Hello.", "auto"), ("这行。", "yue"), ("一行。", "ja")):
        assert read_otherwise(context.workspace, now, text, language) == []
    assert len(read_otherwise(context.workspace, now, "这行。", "auto")) == 2
