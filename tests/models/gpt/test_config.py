import pytest

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.models.gpt.config import GPT_CONFIGS, GptConfig, tiny_gpt_config


@pytest.mark.parametrize("name", GPT_CONFIGS)
def test_a_configuration_survives_its_export(name: str) -> None:
    config = GPT_CONFIGS[name]
    assert GptConfig.from_export(config.to_export()) == config


def test_the_export_has_the_originals_numbers() -> None:
    exported = GPT_CONFIGS["v2"].to_export()
    assert exported["model"]["vocab_size"] == 1025
    assert exported["model"]["EOS"] == exported["data"]["pad_val"] == 1024
    assert exported["model"]["n_layer"] == 24
    assert exported["data"]["max_sec"] == 54
    assert exported["inference"]["top_k"] == 15
    assert GPT_CONFIGS["v1"].to_export()["model"]["phoneme_vocab_size"] == 512


def test_nano_differs_in_size_only() -> None:
    nano = GPT_CONFIGS["nano"]
    assert (nano.width, nano.num_layers, nano.num_heads, nano.eos) == (128, 4, 4, 512)
    assert nano.feed_forward == 4 * nano.width
    assert nano.phoneme_vocab_size == GPT_CONFIGS["v2"].phoneme_vocab_size


def test_an_early_stop_is_twice_the_longest_training_item() -> None:
    assert GPT_CONFIGS["v2"].early_stop == 50 * 54


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c.pop("model"),
        lambda c: c["model"].pop("n_layer"),
        lambda c: c["model"].update(EOS=7),
        lambda c: c["model"].update(head=7),
        lambda c: c["model"].update(hidden_dim="wide"),
        lambda c: c.update(model=3),
    ],
)
def test_a_foreign_configuration_is_refused(damage) -> None:
    exported = tiny_gpt_config().to_export()
    damage(exported)
    with pytest.raises(BadModelFile, match="configuration"):
        GptConfig.from_export(exported)
