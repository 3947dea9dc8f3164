"""What a request asks for, in any dialect, becomes an order to an engine."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ray_pipeline.audio.provenance import Provenance
from ray_pipeline.core.errors import InvalidInput, NotFound, PipelineError
from ray_pipeline.core.languages import MODE_CODES
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.speech import NUM_SEEDS, Reference, SpeechSettings
from ray_pipeline.core.voice_names import split_spoken
from ray_pipeline.core.voices import DEFAULT_MOOD, KeptReference, VoiceRecord, VoiceVersion
from ray_pipeline.library.files import FileStore, files_folder
from ray_pipeline.speaking.order import Latency, SpeechOrder, VoiceFiles
from ray_pipeline.store import Store
from ray_pipeline.text.own_words import Pronunciations
from serve_app.settings import Settings
from serve_app.speech.trials import Tried

OnRefusal = Callable[[Tried, PipelineError], None]

# What OpenAI calls its voices. Clients send one where nobody has chosen.
OPENAI_VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx"),
    *("sage", "shimmer", "verse"),
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`voice` is a name, `name@3`, an alias or an id; empty for the one that is set to speak then.
    `manner` are fields of `Delivery` that the request gives, over those of the voice. An empty
    `mode` or `mood` is the voice's own; without `seed` one is drawn. `played`: somebody listens
    while it is made. `chance` is for the versions
    of aliases: drawn once, so that one version says all of a text."""

    voice: str
    text: str
    mode: str = ""
    mood: str = ""
    seed: int | None = None
    manner: Mapping[str, Any] = field(default_factory=dict)
    dictionary: Pronunciations = field(default_factory=dict)
    latency: Latency = "quality"
    verify: bool = False
    played: bool = True
    chance: float = field(default_factory=random.random)


@dataclass(frozen=True)
class Chosen:
    """Who speaks, and the order. `remarks` are for the client: what has no effect. `tried`: an
    alias drew the version."""

    voice: VoiceRecord
    version: VoiceVersion
    order: SpeechOrder
    remarks: tuple[str, ...] = ()
    tried: Tried | None = None

    @property
    def spoken_name(self) -> str:
        return f"{self.voice.name}@{self.version.number}"


def tags_of(spoken: Sequence[Chosen]) -> dict[str, str]:
    """What the file says of itself, where its format has a place for that."""
    return Provenance(
        voices=list(dict.fromkeys(each.spoken_name for each in spoken)),
        models=list(dict.fromkeys(each.version.base_model for each in spoken)),
        seed=spoken[0].order.settings.seed,
    ).tags()


class Chooser:
    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._default_voice = settings.default_voice
        self._files = FileStore(files_folder(settings.data_dir))

    def choose(
        self, wanted: Wanted, remarks: Sequence[str] = (), on_refusal: OnRefusal | None = None
    ) -> Chosen:
        """Reads the database. Raises NotFound for a voice, a version or a mood that is not there,
        VoiceDisabled, and InvalidInput for settings that do not go. `on_refusal` hears of a
        version that an alias drew and that cannot do what is wanted."""
        name = self.name_of(wanted.voice)
        voice, version, alias = self._store.resolve_voice(name, wanted.chance)
        is_drawn = alias is not None and alias.tries and split_spoken(name)[1] is None
        tried = Tried(alias, version.number) if alias and is_drawn else None
        try:
            order = self._order(voice, version, wanted)
        except PipelineError as error:
            if tried and on_refusal:
                on_refusal(tried, error)
            raise
        if tried:
            tried = replace(tried, recording=order.reference.wav_path)
        return Chosen(voice, version, order, tuple(remarks), tried)

    def _order(self, voice: VoiceRecord, version: VoiceVersion, wanted: Wanted) -> SpeechOrder:
        seed = secrets.randbelow(NUM_SEEDS) if wanted.seed is None else wanted.seed
        return SpeechOrder(
            files=VoiceFiles(
                f"{version.gpt.sha256}+{version.sovits.sha256}",
                self._files.path_of(version.gpt),
                self._files.path_of(version.sovits),
            ),
            reference=self._reference(voice, version, wanted.mood),
            text=wanted.text,
            mode=wanted.mode or (voice.language if voice.language in MODE_CODES else "auto"),
            settings=_settings({**version.settings, **wanted.manner, "seed": seed}),
            dictionary={**version.dictionary, **wanted.dictionary},
            latency=wanted.latency,
            verify=wanted.verify,
            played=wanted.played,
        )

    def name_of(self, asked: str) -> str:
        """The voice that a request means. Raises NotFound where it names none and none is set."""
        named = asked.strip()
        if named and named.lower() not in OPENAI_VOICES:
            return named
        if named and self._is_there(named):
            return named
        if self._default_voice:
            return self._default_voice
        if named:
            self._store.resolve_voice(named, 0)  # says what there is
        raise NotFound(
            "The request names no voice, and no default is set.",
            hint="Name one of GET /v1/audio/voices, or set GSV_DEFAULT_VOICE.",
        )

    def _is_there(self, name: str) -> bool:
        try:
            self._store.resolve_voice(name, 0)
        except NotFound:
            return False
        return True

    def _reference(self, voice: VoiceRecord, version: VoiceVersion, mood: str) -> Reference:
        found = {reference.mood: reference for reference in version.references}
        if mood and mood not in found:
            raise NotFound(
                f"The voice {voice.name} has no recording {mood[:100]!r}.",
                hint=f"It has: {', '.join(sorted(found)) or 'none'}.",
                field="reference",
            )
        chosen = found.get(mood or DEFAULT_MOOD) or next(iter(version.references), None)
        if chosen is None:
            if not base_model(version.base_model).imitates_recordings:
                return Reference(Path())
            raise NotFound(
                f"Version {version.number} of {voice.name} has no recording to imitate.",
                hint="Keep a new version with a recording of 3 to 10 s.",
                field="reference",
            )
        return self._as_heard(chosen)

    def _as_heard(self, kept: KeptReference) -> Reference:
        return Reference(self._files.path_of(kept.audio), kept.text, kept.language)


def _settings(values: Mapping[str, Any]) -> SpeechSettings:
    try:
        return SpeechSettings.model_validate(values)
    except ValidationError as error:
        raise malformed(error, hint="GET /docs lists every field with its limits.") from None


def malformed(error: ValidationError, *, hint: str) -> InvalidInput:
    """The first of what is wrong, with the field's name."""
    item = error.errors()[0]
    name = ".".join(str(part) for part in item["loc"])
    return InvalidInput(f"{name}: {item['msg']}.", hint=hint, field=name)


def pronunciations(given: Mapping[str, str | Sequence[str]] | None) -> dict[str, list[str]]:
    """A dictionary of a request: phones apart by spaces, or as a list."""
    return {
        word: phones.split() if isinstance(phones, str) else list(phones)
        for word, phones in (given or {}).items()
    }
