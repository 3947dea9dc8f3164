import numpy as np

from ray_pipeline.quality.timbre import Timbre, distances, timbre_of
from ray_pipeline.quality.verdicts import OTHER_VOICE
from tests.quality.broken_sets import RATE, Wave, one_speaker, other_speaker, silence, telephone


def timbre(wave: Wave) -> Timbre:
    found = timbre_of(wave, RATE)
    assert found is not None
    return found


def test_a_second_speaker_is_far_and_the_first_is_near() -> None:
    far = distances([timbre(wave) for wave in [*one_speaker(), other_speaker()]])
    assert max(far[:-1]) < OTHER_VOICE < far[-1]


def test_level_and_bandwidth_are_no_other_voice() -> None:
    waves = one_speaker()
    far = distances([timbre(wave) for wave in [*waves, 0.2 * waves[0], telephone(waves[1])]])
    assert max(far) < OTHER_VOICE


def test_two_clips_do_not_say_which_of_them_is_odd() -> None:
    assert distances([timbre(one_speaker()[0]), timbre(other_speaker())]) == [0.0, 0.0]


def test_a_clip_without_sound_has_no_timbre() -> None:
    assert timbre_of(np.zeros(RATE, np.float32), RATE) is None
    assert timbre_of(silence(0.1), RATE) is None
