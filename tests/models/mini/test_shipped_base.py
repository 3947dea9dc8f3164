import numpy as np

from ray_pipeline.models.mini.files import shipped_base
from ray_pipeline.models.mini.voice import MiniVoice
from ray_pipeline.text import phonemize
from ray_pipeline.training.mini.teachers import shipped_teachers


def test_the_shipped_base_speaks_as_one_of_its_teachers() -> None:
    import torch

    base = shipped_base()
    teacher = shipped_teachers()[0]
    voice = MiniVoice(base.durations, base.synthesizer, torch.from_numpy(teacher.speaker))

    wav = voice.speak(phonemize("Good morning, how are you?", "en").ids, "en")

    assert 1.0 < len(wav) / 32_000 < 3.0
    assert 0.02 < np.sqrt(np.square(wav).mean()) < 0.2


def test_weights_and_teacher_clips_take_at_most_twenty_megabytes() -> None:
    from importlib.resources import files

    data = files("ray_pipeline.models.mini") / "data"
    sizes = [len(entry.read_bytes()) for entry in data.iterdir()]

    assert sum(sizes) <= 20_000_000
