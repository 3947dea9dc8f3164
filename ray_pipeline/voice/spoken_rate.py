"""Whether a voice took the time to say all of a text: its phones a second beside those of the
clips that it learned from."""

from __future__ import annotations

from typing import Any

import numpy as np

from ray_pipeline.core.audio_format import TOKENS_PER_SECOND
from ray_pipeline.core.errors import StepNotReady
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.experiment_files import read_phones, read_semantic_tokens
from ray_pipeline.training.gpt.data import PHONES_PER_SECOND

# Read speech has 5 (slow Mandarin with pauses) to 13 phones a second (English); a voice may well
# speak another language than its clips, so nothing below 16 is called too fast.
_NEVER_TOO_FAST = 16.0
_TIMES_THE_CLIPS = 2.0
_FEWEST_PHONES = 15  # a single word without a pause can be fast


def spoken_too_fast(
    pieces: list[dict[str, Any]],
    experiment: Experiment,
    tokens_per_second: float = TOKENS_PER_SECOND,
) -> list[str]:
    """A sentence for each piece, as the facts of a recording have it, that was spoken more than
    twice as fast as the clips are (16 to 25 phones a second): words are missing."""
    most = _fastest(experiment, tokens_per_second)
    sentences = []
    for piece in pieces:
        seconds = piece["num_tokens"] / tokens_per_second
        rate = len(piece["phones"]) / seconds
        if len(piece["phones"]) >= _FEWEST_PHONES and rate > most:
            sentences.append(
                f"The voice spoke {piece['text'].strip()!r} in {seconds:.1f} s, {rate:.0f} phones "
                f"a second where its recordings allow for {most:.0f} at most: words are missing. "
                "Try another seed or reference, or train longer."
            )
    return sentences


def _fastest(experiment: Experiment, tokens_per_second: float) -> float:
    """Phones a second beyond which this voice leaves something out."""
    _, most = PHONES_PER_SECOND
    try:
        phones, tokens = read_phones(experiment), read_semantic_tokens(experiment)
    except StepNotReady:
        return most  # the weights came from elsewhere
    rates = [
        len(phones[name]) / (len(said) / tokens_per_second)
        for name, said in tokens.items()
        if said and name in phones
    ]
    # A clip or two may have a text that is not theirs.
    usual = float(np.percentile(rates, 95)) if rates else most
    return min(most, max(_NEVER_TOO_FAST, _TIMES_THE_CLIPS * usual))
