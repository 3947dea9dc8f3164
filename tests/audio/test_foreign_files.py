import gzip
import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from ray_pipeline.audio.foreign_files import HEAD_BYTES, plainly_no_sound
from tests.audio.awkward_files import AWKWARD_FILES, AwkwardFile


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.wav", b"RIFF")
    return buffer.getvalue()


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "a PDF document"),
        (zipped(), "an archive, an Office document or a weight file"),
        (gzip.compress(b"x" * 99, mtime=0), "an archive"),
        (picture("PNG"), "a picture"),
        (picture("JPEG"), "a picture"),
        (picture("GIF"), "a picture"),
        (picture("WEBP"), "a picture"),
        (picture("TIFF"), "a picture"),
        (b"\n<!DOCTYPE html>\n<html><head><title>404</title></head><body>Nothing", "a web page"),
        ("今日はいい天気ですね。\n".encode() * 400, "a text"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nHello there.\n\n" * 9, "a text"),
    ],
)
def test_what_is_plainly_no_sound_is_named(data: bytes, words: str) -> None:
    assert plainly_no_sound(data[:HEAD_BYTES]) == words


def test_a_text_that_claims_to_be_sound_is_left_to_the_decoder() -> None:
    text = b"this is no recording\n" * 50
    assert plainly_no_sound(text, "notes.md") == "a text"
    assert plainly_no_sound(text, "talk.WAV") is None


@pytest.mark.parametrize("case", [x for x in AWKWARD_FILES if x.seconds is not None], ids=str)
def test_no_recording_however_awkward_is_taken_for_something_else(
    case: AwkwardFile, tmp_path: Path
) -> None:
    case.make(tmp_path / case.name)
    assert plainly_no_sound((tmp_path / case.name).read_bytes()[:HEAD_BYTES]) is None
