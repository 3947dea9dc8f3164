"""The thread that checks pieces by ear, while the piece before them plays: one in which words are
missing is said again."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.speaking.counts import Counts
from ray_pipeline.speaking.request import Work
from ray_pipeline.speaking.sounding import finish
from ray_pipeline.voice.hearing import compare

_log = logging.getLogger(__name__)

# A waveform [N] at 32 kHz and the code of its language to what is said in it.
Hear = Callable[[Waveform, str], str]


class Listening:
    """`again` is given each piece that is to be said once more. Without `hear` nothing is checked,
    and the facts of a piece say so."""

    def __init__(self, counts: Counts, again: Callable[[Work], None], hear: Hear | None) -> None:
        self._counts, self._again, self._hear = counts, again, hear
        self._waiting: queue.SimpleQueue[tuple[Work, Waveform] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)
        self._thread.start()

    def put(self, work: Work, wav: Waveform) -> None:
        self._waiting.put((work, wav))

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (one := self._waiting.get()) is not None:
            work, wav = one
            if work.request.cancelled:
                continue
            self._check(work, wav)
            if work.attempts.enough:
                best = work.attempts.best
                finish(work, wav if best.wav is None else best.wav, self._counts)
            else:
                self._counts.retries += 1
                self._again(work)

    def _check(self, work: Work, wav: Waveform) -> None:
        """Of the best attempt so far, whose sound it is."""
        attempts = work.attempts
        best = attempts.best
        best.wav = wav
        work.facts["verified"] = False
        if self._hear is None:
            return
        phones = attempts.phones
        language = phones.parts[0].language if phones.parts else phones.language
        try:
            heard = self._hear(wav, language)
            verdict = compare(phones, heard)
        except Exception:  # the speech is there; that it could not be checked is said
            _log.exception("a piece could not be recognised")
            return
        work.facts |= {"verified": True, "heard": heard}
        if verdict.badness > best.verdict.badness:
            best.verdict = verdict


def recogniser(models_dir: Path, *, use_gpu: bool = False, num_threads: int = 1) -> Hear | None:
    """By the recogniser that is here, loaded when it is first needed; None where there is none."""
    from ray_pipeline.asr.backends import choose_recogniser, load_recogniser
    from ray_pipeline.asr.pieces import RATE
    from ray_pipeline.models.encoders.content import to_rate

    try:
        choose_recogniser("auto", models_dir, None)
    except BackendMissing:
        return None

    def hear(wav: Waveform, language: str) -> str:
        choice = choose_recogniser("auto", models_dir, language)
        loaded = load_recogniser(choice, use_gpu, num_threads)
        [answer] = loaded.recognise([to_rate(wav, SAMPLE_RATE, RATE)], language)
        return answer.text

    return hear
