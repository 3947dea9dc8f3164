"""Kept voices from a terminal and from Python."""

from __future__ import annotations

import asyncio
import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from serve_app import cli
from serve_app.client import (
    AsyncClient,
    BadModelFileError,
    Client,
    ConflictError,
    NotFoundError,
    VoiceDisabledError,
)
from tests.library.voice_files import mini_pair, noise

Pair = tuple[Path, Path]


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return mini_pair(tmp_path_factory.mktemp("mini"))


def gsv(url: str, *arguments: object) -> Result:
    command = ["--url", url, "voices", *map(str, arguments)]
    return CliRunner().invoke(cli.app, command, catch_exceptions=True)


def said(url: str, *arguments: object) -> str:
    result = gsv(url, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_a_voice_lives_its_life_by_commands(url: str, mini: Pair, tmp_path: Path) -> None:
    assert "amy speaks with version 1" in said(url, "import", "amy", *mini, "--consent", "Yes.")
    happy = noise(tmp_path / "happy.wav", 4)
    added = said(url, "add", "amy", happy, "--text", "Hi!", "-l", "en")
    assert "Version 2 was kept; it speaks as amy@2" in added
    assert "version 2" in said(url, "promote", "amy", 2)
    assert "version 1" in said(url, "rollback", "amy")
    assert "speaks from now on" in said(url, "add", "amy", *mini, "--promote")
    alias = said(url, "alias", "narrator", "amy", "--canary", 2, "--share", 0.1)
    assert alias.strip() == "narrator is amy; 10% go to version 2."
    assert "tried on 10%" in said(url, "trial", "narrator")
    assert "anna speaks" in said(url, "rename", "amy", "anna")
    shown = said(url, "show", "anna")
    assert "consent: Yes." in shown
    assert "* 3" in shown
    described = json.loads(said(url, "show", "anna", "--json"))
    assert [row["number"] for row in described["versions"]] == [1, 2, 3]
    assert described["versions"][1]["references"][0]["text"] == "Hi!"
    said(url, "disable", "anna", "She withdrew.")
    assert "disabled: She withdrew." in said(url, "list")
    said(url, "enable", "anna")
    saved = Path(said(url, "export", "anna", "--version", 2, "-o", tmp_path / "out").strip())
    assert saved.name == "anna-2.zip"
    assert "voice.json" in zipfile.ZipFile(saved).namelist()
    assert "berta" in said(url, "import", "berta", saved)
    assert [row["name"] for row in json.loads(said(url, "list", "--json"))] == ["anna", "berta"]
    assert "was deleted" in said(url, "alias", "narrator", "--remove")
    assert "anna@2 was deleted" in said(url, "remove", "anna", "--version", 2, "-y")
    assert "was deleted" in said(url, "remove", "anna", "-y")


def test_refusals_are_sentences(url: str, mini: Pair, tmp_path: Path) -> None:
    assert gsv(url, "import", "amy", *mini).exit_code == 0
    for arguments, words in [
        (("import", "amy", *mini), "called amy already"),
        (("import", "a b", *mini), "cannot be the name"),
        (("create", "b", "--task", "none"), "no task"),
        (("add", "amy", noise(tmp_path / "r.wav", 4), "--mood", "sad"), "mood default"),
        (("add", "amy"), "either --task or files"),
        (("promote", "amy", 9), "no version 9"),
        (("rollback", "amy"), "no other version"),
        (("show", "nobody"), "no voice"),
        (("alias", "x"), "Name the voice"),
    ]:
        failed = gsv(url, *arguments)
        assert failed.exit_code == 1
        assert words in str(failed.exception), failed.exception


def test_both_clients_say_the_same(url: str, mini: Pair, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.pth"
    garbage.write_bytes(b"no weights at all")
    with Client(url) as client:
        amy = client.import_voice("amy", mini, owner="Amy", settings={"speed": 1.2})
        with pytest.raises(ConflictError):
            client.import_voice("amy", mini)
        with pytest.raises(BadModelFileError):
            client.import_voice("bad", [mini[0], garbage])
        assert client.voice(amy.voice_id) == amy
        assert client.voice_versions("amy")[0].settings == {"speed": 1.2}
        client.disable_voice("amy", "gone")
        with pytest.raises(VoiceDisabledError) as gone:
            client.export_voice("amy", tmp_path / "amy.zip")
        assert gone.value.problem["reason"] == "gone"
        client.enable_voice("amy")

    async def same() -> None:
        async with AsyncClient(url) as client:
            assert [voice.name for voice in await client.voices()] == ["amy"]
            happy = noise(tmp_path / "happy.wav", 4)
            added = await client.import_version("amy", [happy], promote=True)
            assert (await client.voice("amy")).current == added.number == 2
            sound = await client.download_reference("amy", tmp_path / "a.wav")
            assert sound.read_bytes() == happy.read_bytes()
            assert (await client.roll_back_version("amy")).current == 1
            assert (await client.promote_version("amy", 2)).previous == 1
            assert (await client.change_voice("amy", consent="Yes.")).consent == "Yes."
            alias = await client.put_voice_alias("n", "amy", version=1)
            assert await client.voice_aliases() == [alias]
            await client.delete_voice_alias("n")
            saved = await client.export_voice("amy", tmp_path / "amy.zip", version=1)
            assert zipfile.is_zipfile(saved)
            await client.delete_voice("amy")
            with pytest.raises(NotFoundError):
                await client.voice_versions("amy")

    asyncio.run(same())
