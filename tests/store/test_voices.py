"""Kept voices in the database: versions, aliases, and whom a request means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ray_pipeline.core.errors import Conflict, NotFound, VoiceDisabled
from ray_pipeline.core.voices import (
    KeptFile,
    KeptReference,
    VoiceAlias,
    VoiceRecord,
    VoiceVersion,
)
from ray_pipeline.store import Store

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def file(name: str, letter: str = "a") -> KeptFile:
    return KeptFile(name=name, sha256=letter * 64, size=5)


def version(voice_id: str, number: int = 1, **more: Any) -> VoiceVersion:
    values = {
        "base_model": "v2",
        "gpt": file("a.ckpt", "a"),
        "sovits": file("a.pth", "b"),
        "references": (
            KeptReference(mood="default", audio=file("r.wav", "c"), text="Hello.", language="en"),
        ),
        "dictionary": {"GSV": ["JH", "IY1"]},
        "settings": {"top_k": 5},
        "created_at": NOW,
    }
    return VoiceVersion(voice_id=voice_id, number=number, **{**values, **more})


def add(store: Store, name: str, **more: Any) -> VoiceRecord:
    record = VoiceRecord(
        voice_id=f"id-{name}", name=name, language="en", current=1, created_at=NOW, updated_at=NOW
    )
    return store.add_voice(record, version(record.voice_id, **more))


def test_a_voice_is_read_as_it_was_written(store: Store) -> None:
    anna = add(store, "anna", lineage={"task_id": "t1"}, note="first")
    assert store.voice("anna") == store.voice("id-anna") == anna
    found = store.voice_version(anna.voice_id, 1)
    assert found == version(anna.voice_id, lineage={"task_id": "t1"}, note="first")
    assert store.voice_versions("anna") == [found]
    assert store.kept_hashes() >= {"a" * 64, "b" * 64, "c" * 64}


def test_a_version_gets_the_next_number_and_speaks_once_it_is_promoted(store: Store) -> None:
    anna = add(store, "anna")
    assert store.add_voice_version(version(anna.voice_id, 99), promote=False).number == 2
    assert store.voice("anna").current == 1
    assert store.add_voice_version(version(anna.voice_id), promote=True).number == 3
    assert (store.voice("anna").current, store.voice("anna").previous) == (3, 1)
    assert store.promote_version("anna", 2).previous == 3
    assert store.promote_version("anna", 2).previous == 3, "the current one again changes nothing"
    assert store.roll_back_version("anna").current == 3
    assert store.roll_back_version("anna").current == 2
    with pytest.raises(NotFound, match="no version 7"):
        store.promote_version("anna", 7)


def test_a_voice_that_never_changed_cannot_be_rolled_back(store: Store) -> None:
    add(store, "anna")
    with pytest.raises(Conflict, match="no other version"):
        store.roll_back_version("anna")


def test_a_name_is_given_once_among_voices_and_aliases(store: Store) -> None:
    add(store, "anna")
    berta = add(store, "berta")
    store.put_alias(VoiceAlias(name="default", voice_id=berta.voice_id))
    for name in ("anna", "default"):
        with pytest.raises(Conflict, match=f"called {name}"):
            add(store, name)
        with pytest.raises(Conflict):
            store.update_voice("berta", name=name)
    with pytest.raises(Conflict):
        store.put_alias(VoiceAlias(name="anna", voice_id=berta.voice_id))
    assert store.update_voice("berta", name="berta", owner="B.").owner == "B."
    assert store.update_voice("berta", name="clara").voice_id == berta.voice_id


def test_a_request_names_a_voice_a_version_or_an_alias(store: Store) -> None:
    anna = add(store, "anna")
    store.add_voice_version(version(anna.voice_id), promote=False)
    alias = VoiceAlias(name="narrator", voice_id="anna")
    store.put_alias(alias)
    for spoken, number in {
        "anna": 1,
        "anna@2": 2,
        anna.voice_id: 1,
        "narrator": 1,
        "narrator@2": 2,
    }.items():
        record, found, by = store.resolve_voice(spoken, 0.5)
        assert (record.name, found.number) == ("anna", number)
        assert (by is not None) == spoken.startswith("narrator")
    store.put_alias(VoiceAlias(name="narrator", voice_id=anna.voice_id, version=2))
    assert store.resolve_voice("narrator", 0.5)[1].number == 2
    assert store.aliases() == [store.alias("narrator")] == store.aliases(anna.voice_id)


def test_an_alias_sends_its_share_to_the_canary(store: Store) -> None:
    anna = add(store, "anna")
    store.add_voice_version(version(anna.voice_id), promote=False)
    canary = VoiceAlias(name="live", voice_id=anna.voice_id, canary_version=2, canary_share=0.25)
    store.put_alias(canary)
    assert [
        store.resolve_voice("live", chance)[1].number for chance in (0.0, 0.24, 0.25, 0.99)
    ] == [*(2, 2, 1, 1)]
    store.put_alias(VoiceAlias(name="live", voice_id=anna.voice_id, canary_version=2))
    assert store.resolve_voice("live", 0.0)[1].number == 1


def test_an_unknown_voice_is_told_with_those_there_are(store: Store) -> None:
    with pytest.raises(NotFound, match="no voices yet"):
        store.resolve_voice("nobody", 0.5)
    add(store, "anna")
    for spoken in ("nobody", "anna@new", "a\0b", "ANNA"):
        with pytest.raises(NotFound, match="There are: anna") as unknown:
            store.resolve_voice(spoken, 0.5)
        assert unknown.value.extra["voices"] == ["anna"]
    with pytest.raises(NotFound, match="no version 9"):
        store.resolve_voice("anna@9", 0.5)


def test_a_disabled_voice_says_why_under_each_of_its_names(store: Store) -> None:
    anna = add(store, "anna")
    store.put_alias(VoiceAlias(name="live", voice_id=anna.voice_id))
    store.update_voice("anna", disabled_reason="The speaker withdrew her consent.")
    for spoken in ("anna", "anna@1", "live"):
        with pytest.raises(VoiceDisabled, match="withdrew") as gone:
            store.resolve_voice(spoken, 0.5)
        assert gone.value.code == "voice_disabled"
    store.update_voice("anna", disabled_reason="")
    assert store.resolve_voice("live", 0.5)[0].name == "anna"


def test_a_deleted_voice_takes_its_versions_and_aliases_along(store: Store) -> None:
    anna, berta = add(store, "anna"), add(store, "berta", gpt=file("b.ckpt", "d"))
    store.put_alias(VoiceAlias(name="live", voice_id=anna.voice_id))
    assert store.delete_voice("anna") == anna
    assert [row.name for row in store.voices()] == ["berta"]
    assert store.aliases() == []
    assert "d" * 64 in store.kept_hashes()
    with pytest.raises(NotFound):
        store.voice_versions(anna.voice_id)
    with pytest.raises(NotFound):
        store.delete_voice("anna")
    assert store.voice(berta.voice_id) == berta


def test_aliases_name_only_versions_that_are_there_and_can_go(store: Store) -> None:
    anna = add(store, "anna")
    for wrong in ({"version": 2}, {"canary_version": 3, "canary_share": 0.5}):
        with pytest.raises(NotFound, match="no version"):
            store.put_alias(VoiceAlias(name="live", voice_id=anna.voice_id, **wrong))
    with pytest.raises(NotFound):
        store.put_alias(VoiceAlias(name="live", voice_id="nobody"))
    store.put_alias(VoiceAlias(name="live", voice_id=anna.voice_id))
    store.delete_alias("live")
    with pytest.raises(NotFound, match="no alias"):
        store.delete_alias("live")
    with pytest.raises(NotFound):
        store.alias("live")


def test_a_version_that_is_not_in_use_is_deleted_and_its_number_not_given_again(
    store: Store,
) -> None:
    anna = add(store, "anna")
    for _ in range(3):
        store.add_voice_version(version(anna.voice_id), promote=False)
    store.promote_version("anna", 2)
    store.put_alias(VoiceAlias(name="narrator", voice_id="anna", canary_version=3))
    with pytest.raises(Conflict, match="is the one that speaks"):
        store.delete_version("anna", 2)
    with pytest.raises(Conflict, match="alias narrator names version 3"):
        store.delete_version("anna", 3)
    with pytest.raises(NotFound, match="no version 9"):
        store.delete_version("anna", 9)
    assert store.delete_version("anna", 1).previous is None
    store.delete_version("anna", 4)
    assert [each.number for each in store.voice_versions("anna")] == [2, 3]
    assert store.add_voice_version(version(anna.voice_id), promote=False).number == 5
