import pytest

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.options import (
    OPTIONS,
    SliceAudioOptions,
    TaskConfig,
    parse_options,
    parse_task_config,
)
from ray_pipeline.core.step_names import StepName

# As the older service's README prints it.
SHIFTED = {
    "min_length": -34,
    "min_interval": 4000,
    "hop_size": 300,
    "max_sil_kept": 10,
    "_max": 500,
    "alpha": 0.9,
    "n_parts": 0.25,
    "is_speech": 0,
    "num_processes": 1,
}


def test_an_empty_config_has_the_published_defaults():
    config = parse_task_config({})
    assert (config.exp_name, config.language, config.batch_size) == ("my_speaker", "zh", 16)
    assert (config.epochs_s2, config.epochs_s1, config.gpu_id) == (50, 15, "0")


@pytest.mark.parametrize("value", ["auto", 1, 256, "12"])
def test_a_batch_has_a_number_of_clips_or_is_left_to_the_memory(value):
    expected = value if value == "auto" else int(value)
    assert parse_task_config({"batch_size": value}).batch_size == expected
    options, _ = parse_options(StepName.TRAIN_GPT, {"batch_size": value})
    assert options.model_dump(mode="json")["batch_size"] == expected
    assert parse_options(StepName.TRAIN_GPT, {})[0].batch_size is None
    with pytest.raises(InvalidInput, match='whole number from 1 to 256, or "auto"'):
        parse_options(StepName.TRAIN_GPT, {"batch_size": "Auto"})


@pytest.mark.parametrize(("gpu_id", "workers"), [("0", 1), ("0-1", 2), ("0-1-2", 3), ("2-2", 1)])
def test_gpu_id_counts_workers(gpu_id, workers):
    assert TaskConfig(gpu_id=gpu_id).num_workers == workers


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"batch_size": "many"}, "config.batch_size"),
        ({"batch_size": 0}, "config.batch_size"),
        ({"language": "klingon"}, "config.language"),
        ({"gpu_id": "first"}, "config.gpu_id"),
        ({"exp_name": "../x"}, "config.exp_name"),
        ({"exp_name": "a/b"}, "config.exp_name"),
        ({"exp_name": ""}, "config.exp_name"),
        ({"exp_name": "声" * 71}, "config.exp_name"),
        ({"exp_name": "\U00020000" * 60}, "config.exp_name"),
        ({"epochs": 3}, "config.epochs"),
    ],
)
def test_a_wrong_config_names_its_field(config, field):
    with pytest.raises(InvalidInput) as caught:
        parse_task_config(config)
    assert caught.value.as_dict()["field"] == field


@pytest.mark.parametrize("name", ["my_speaker", "小明", "voice 2", "a.b-c+d"])
def test_an_experiment_may_have_any_ordinary_name(name):
    assert TaskConfig(exp_name=name).exp_name == name


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("中文", "all_zh"),
        ("zh-CN", "zh"),
        ("English", "en"),
        ("英文", "en"),
        ("粤语", "all_yue"),
        ("中英混合", "zh"),
        ("多语种混合(粤语)", "auto_yue"),
    ],
)
def test_languages_are_taken_by_name_or_code(given, code):
    options, _ = parse_options(StepName.TEST_INFERENCE, {"target_language": given})
    assert options.target_language == code


def test_a_seed_of_minus_one_is_drawn():
    seeds = {parse_task_config({"seed": -1}).seed for _ in range(3)}
    assert len(seeds) == 3
    assert min(seeds) >= 0
    assert parse_options(StepName.TEST_INFERENCE, {"seed": -1})[0].seed == -1


def test_every_step_has_options_that_work_empty():
    for step in StepName:
        options, warnings = parse_options(step, {})
        assert isinstance(options, OPTIONS[step])
        assert options.enabled
        assert not warnings


def test_the_shifted_slicer_payload_is_read_by_position_with_a_warning():
    options, warnings = parse_options(StepName.SLICE_AUDIO, SHIFTED)
    assert options == SliceAudioOptions(num_processes=1)
    assert "read by position" in warnings[0]


def test_the_true_slicer_names_bring_no_warning():
    options, warnings = parse_options(StepName.SLICE_AUDIO, {"threshold": -40, "_max": 0.8})
    assert (options.threshold, options.max) == (-40, 0.8)
    assert not warnings


def test_an_automatic_threshold_is_shown_as_it_was_asked_for():
    options, _ = parse_options(StepName.SLICE_AUDIO, {"threshold": "auto"})
    shown = options.model_dump(mode="json")
    assert (options.threshold, shown["threshold"]) == (None, "auto")
    assert parse_options(StepName.SLICE_AUDIO, shown)[0] == options
    asked = SliceAudioOptions.model_json_schema()["properties"]["threshold"]
    assert asked["default"] == -34
    assert {"const": "auto"} in asked["anyOf"]


@pytest.mark.parametrize(
    "params",
    [
        {"min_length": 100, "min_interval": 300},
        {"max_sil_kept": 5, "hop_size": 10},
        {"threshold": 3},
        {"threshold": "loud"},
        {"thresold": -34},
        {"alpha": 2},
    ],
)
def test_impossible_slicer_parameters_are_refused(params):
    with pytest.raises(InvalidInput):
        parse_options(StepName.SLICE_AUDIO, params)


@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_published_precisions_are_accepted(precision):
    for step in (StepName.DENOISE_AUDIO, StepName.ASR_TRANSCRIBE):
        options, _ = parse_options(step, {"precision": precision})
        assert options.precision == precision
