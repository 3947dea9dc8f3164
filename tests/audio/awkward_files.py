"""Recordings as people really have them: codecs, rates, channels, damage, names.

`python -m tests.audio.awkward_files FOLDER` writes the whole collection. A case says how its
file is made and what has to become of it: so many seconds, or a refusal with these words.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from ray_pipeline.audio.decoding import ffmpeg_path
from tests.audio.signals import tone

SECONDS = 1.5


@dataclass(frozen=True)
class AwkwardFile:
    """`seconds` of what is converted, or `refusal`: words of the error. `remark` is a part of
    what has to be said about a file that is converted; with `no_remark` nothing may be."""

    name: str
    make: Callable[[Path], None]
    seconds: float | None = SECONDS
    refusal: str = ""
    remark: str = ""
    no_remark: bool = False
    tolerance: float = 0.12

    def __str__(self) -> str:
        return self.name


def encoded(*arguments: str, rate: int = 44_100, channels: int = 2) -> Callable[[Path], None]:
    """A tone, encoded by ffmpeg with these output arguments."""

    def make(path: Path) -> None:
        plain = np.repeat(tone(SECONDS, rate)[:, None], channels, axis=1)
        command = [ffmpeg_path(), "-loglevel", "error", "-nostdin", "-f", "f32le", "-ar", str(rate)]
        command += ["-ac", str(channels), "-i", "pipe:0", *arguments, f"file:{path}"]
        subprocess.run(command, input=plain.tobytes(), check=True)

    return make


def wav(
    subtype: str = "PCM_16", *, rate: int = 48_000, channels: int = 1
) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        plain = np.repeat(tone(SECONDS, rate)[:, None], channels, axis=1)
        soundfile.write(path, plain, rate, subtype=subtype, format="WAV")

    return make


def samples(build: Callable[[], np.ndarray], *, rate: int = 32_000) -> Callable[[Path], None]:
    """A float WAV of exactly these samples, [N] or [N, C]."""
    return lambda path: soundfile.write(path, build(), rate, subtype="FLOAT", format="WAV")


def cut_short(make: Callable[[Path], None], share: float) -> Callable[[Path], None]:
    def cut(path: Path) -> None:
        make(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return cut


def overwritten(make: Callable[[Path], None], at: float, length: int) -> Callable[[Path], None]:
    """`length` bytes of rubbish in the middle."""

    def damage(path: Path) -> None:
        make(path)
        data = bytearray(path.read_bytes())
        start = int(len(data) * at)
        data[start : start + length] = bytes(range(256)) * (length // 256 + 1)
        path.write_bytes(data[: len(data)])

    return damage


def content(data: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(data)

    return make


def lying(chunk: bytes, offset: int, number: int | None = None) -> Callable[[Path], None]:
    """A WAV with another number, or four times the true one, so far behind a chunk's name."""

    def make(path: Path) -> None:
        wav()(path)
        data = bytearray(path.read_bytes())
        place = data.index(chunk) + offset
        (true,) = struct.unpack_from("<I", data, place)
        struct.pack_into("<I", data, place, true * 4 if number is None else number)
        path.write_bytes(data)

    return make


def playlist(address: str) -> Callable[[Path], None]:
    return content(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n".encode())


def _with_cover(path: Path) -> None:
    """A picture is a video track, and comes first."""
    cover = ["-f", "lavfi", "-i", "color=red:s=640x480:d=0.04", "-map", "1:v", "-map", "0:a"]
    encoded(*cover, "-c:v", "mjpeg", "-disposition:v", "attached_pic", "-f", "mp3")(path)


def tracks(*kinds: str, default: int | None = None) -> Callable[[Path], None]:
    """A film with these sound tracks: "speech" (here a tone), "silence" or "unreadable", of which
    the one with the index `default` is marked so."""

    def make(path: Path) -> None:
        silence = ["-f", "lavfi", "-t", str(SECONDS), "-i", "anullsrc=r=44100"]
        chosen = ["1:a" if kind == "silence" else "0:a" for kind in kinds]
        maps = [part for source in chosen for part in ("-map", source)]
        flags = [f"-disposition:a:{i}={int(i == default)}" for i in range(len(kinds))]
        marks = [part for flag in flags for part in flag.split("=")]
        languages = [f"-metadata:s:a:{i}" for i in range(len(kinds))]
        names = [part for i, x in enumerate(languages) for part in (x, f"language={LANGUAGES[i]}")]
        encoded(*silence, *maps, "-c:a", "flac", *marks, *names)(path)
        data = path.read_bytes()
        if "unreadable" in kinds:  # the first of them: a codec that nobody knows
            path.write_bytes(data.replace(b"A_FLAC", b"A_XXXX", 1))

    return make


LANGUAGES = ("eng", "jpn", "fre")


def several_wavs(path: Path) -> None:
    wav()(path)
    path.write_bytes(path.read_bytes() * 3)


def _film_longer_than_its_sound(path: Path) -> None:
    encoded("-f", "lavfi", "-i", "testsrc=d=4:s=64x48", "-c:a", "aac", "-f", "mp4")(path)


def _two(left: float, right: float) -> np.ndarray:
    signal = tone(SECONDS, 32_000)
    return np.stack([left * signal, right * signal], axis=1)


def _with_odd(share: float, value: float) -> np.ndarray:
    signal = tone(SECONDS, 32_000)
    signal[1000 : 1000 + int(len(signal) * share)] = value
    return signal


def _video(path: Path) -> None:
    encoded("-f", "lavfi", "-i", "testsrc=d=1.5:s=64x48", "-c:a", "aac", "-f", "mp4")(path)


def _film_without_sound(path: Path) -> None:
    command = [ffmpeg_path(), "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i"]
    subprocess.run([*command, "testsrc=d=0.2:s=64x48", f"file:{path}"], check=True)


_DAMAGED = "not a sound file"

AWKWARD_FILES = [
    # wav of all kinds
    AwkwardFile("pcm16.wav", wav()),
    AwkwardFile("pcm24.wav", wav("PCM_24")),
    AwkwardFile("pcm32.wav", wav("PCM_32")),
    AwkwardFile("unsigned8.wav", wav("PCM_U8")),
    AwkwardFile("float32.wav", wav("FLOAT")),
    AwkwardFile("float64.wav", wav("DOUBLE")),
    AwkwardFile("mulaw.wav", wav("ULAW", rate=8000)),
    AwkwardFile("alaw.wav", wav("ALAW", rate=8000)),
    AwkwardFile("ima-adpcm.wav", wav("IMA_ADPCM")),
    AwkwardFile("ms-adpcm.wav", wav("MS_ADPCM")),
    AwkwardFile("gsm.wav", wav("GSM610", rate=8000)),
    # rates
    *(AwkwardFile(f"{rate}hz.wav", wav(rate=rate)) for rate in (8000, 11_025, 16_000, 22_050)),
    *(AwkwardFile(f"{rate}hz.wav", wav(rate=rate)) for rate in (44_100, 96_000, 192_000)),
    # channels
    AwkwardFile("stereo.wav", wav(channels=2)),
    AwkwardFile("three.wav", wav(channels=3)),
    AwkwardFile("quad.wav", wav(channels=4)),
    AwkwardFile("surround51.wav", wav(channels=6)),
    AwkwardFile("surround71.wav", wav(channels=8)),
    AwkwardFile("opposite.wav", samples(lambda: _two(1, -1)), remark="out of phase"),
    AwkwardFile("left-only.wav", samples(lambda: _two(1, 0)), remark="channel 2 is nearly empty"),
    # codecs and containers
    AwkwardFile("lossy.mp3", encoded()),
    AwkwardFile("cover.mp3", _with_cover),
    AwkwardFile("lossy-mono.mp3", encoded(channels=1, rate=22_050)),
    AwkwardFile("phone.m4a", encoded("-c:a", "aac")),
    AwkwardFile("lossless.m4a", encoded("-c:a", "alac")),
    AwkwardFile("raw.aac", encoded()),
    AwkwardFile("lossless.flac", encoded()),
    AwkwardFile("vorbis.ogg", encoded("-c:a", "libvorbis")),
    AwkwardFile("voice.opus", encoded("-c:a", "libopus", rate=48_000)),
    AwkwardFile("windows.wma", encoded("-c:a", "wmav2"), tolerance=0.2),
    AwkwardFile("browser.webm", encoded("-c:a", "libopus", rate=48_000)),
    AwkwardFile("matroska.mka", encoded("-c:a", "flac")),
    AwkwardFile("old.aiff", encoded()),
    AwkwardFile("apple.caf", encoded()),
    AwkwardFile("sun.au", encoded()),
    AwkwardFile("big.w64", encoded()),
    AwkwardFile("big-rf64.wav", encoded("-rf64", "always")),
    AwkwardFile("dolby.ac3", encoded()),
    AwkwardFile("layer2.mp2", encoded("-c:a", "mp2")),
    AwkwardFile("wavpack.wv", encoded()),
    AwkwardFile("true.tta", encoded()),
    AwkwardFile("quicktime.mov", encoded("-c:a", "pcm_s16le")),
    AwkwardFile("stream.ts", encoded("-c:a", "aac")),
    AwkwardFile("film.mp4", _video),
    AwkwardFile("film-longer.mp4", _film_longer_than_its_sound, no_remark=True),
    AwkwardFile("two-languages.mkv", tracks("speech", "speech"), remark="number 1 (eng) was taken"),
    AwkwardFile(
        "second-default.mkv",
        tracks("speech", "speech", default=1),
        remark="2 sound tracks; number 2 (jpn) was taken, the file's default",
    ),
    AwkwardFile(
        "first-silent.mkv",
        tracks("silence", "silence", "speech", default=0),
        remark="number 3 (fre) was taken, the first in which anything is heard",
    ),
    AwkwardFile(
        "first-unreadable.mkv",
        tracks("unreadable", "speech", default=0),
        remark="number 2 (jpn) was taken",
    ),
    AwkwardFile("all-silent.mkv", tracks("silence", "silence"), None, "is silent"),
    AwkwardFile("flash.flv", encoded("-c:a", "aac")),
    AwkwardFile("windows.avi", encoded("-c:a", "pcm_s16le")),
    # names
    AwkwardFile("-leading-dash.wav", wav()),
    AwkwardFile("http:not-an-address.wav", wav()),
    AwkwardFile("concat:a|b.wav", wav()),
    AwkwardFile('it\'s "quoted" & $(spaced) ;.wav', wav()),
    AwkwardFile("录音 📢 2026.wav", wav()),
    AwkwardFile("100%d.wav", wav()),
    AwkwardFile("no suffix", wav()),
    AwkwardFile("two\nlines.wav", wav()),
    AwkwardFile("語" * 83 + ".flac", encoded()),  # 254 bytes; file systems take 255
    AwkwardFile("pipe:0", wav()),
    AwkwardFile("wrong-suffix.mp3", wav()),
    # levels and samples
    AwkwardFile(
        "offset.wav", samples(lambda: tone(SECONDS, 32_000, peak=0.3) + 0.2), remark="offset"
    ),
    AwkwardFile(
        "clipped.wav",
        samples(lambda: np.clip(tone(SECONDS, 32_000, peak=3), -1, 1)),
        remark="clipped",
    ),
    AwkwardFile(
        "integer-floats.wav",
        samples(lambda: tone(SECONDS, 32_000, peak=0.3) * 32767),
        remark="divided by 32768",
    ),
    AwkwardFile("over-full-scale.wav", samples(lambda: tone(SECONDS, 32_000, peak=1.8))),
    AwkwardFile("some-nan.wav", samples(lambda: _with_odd(0.005, np.nan)), remark="no numbers"),
    AwkwardFile("infinite.wav", samples(lambda: _with_odd(0.005, np.inf)), remark="no numbers"),
    AwkwardFile("enormous.wav", samples(lambda: _with_odd(0.005, 1e30)), remark="no numbers"),
    AwkwardFile("many-nan.wav", samples(lambda: _with_odd(0.5, np.nan)), None, "not numbers"),
    AwkwardFile("quiet.wav", samples(lambda: tone(SECONDS, 32_000, peak=0.003))),
    AwkwardFile("silent.wav", samples(lambda: np.zeros(48_000)), None, "is silent"),
    AwkwardFile("only-offset.wav", samples(lambda: np.full(48_000, 0.3)), None, "is silent"),
    AwkwardFile("short.wav", samples(lambda: tone(0.3, 32_000)), None, "too short"),
    AwkwardFile("one-sample.wav", samples(lambda: np.ones(1)), None, "short"),
    AwkwardFile("no-samples.wav", samples(lambda: np.zeros(0)), None, "sound"),
    # damage
    AwkwardFile("half.wav", cut_short(wav(rate=96_000), 0.5), 0.75),
    AwkwardFile("half.flac", cut_short(encoded(), 0.6), 0.9, remark="could be read", tolerance=0.4),
    AwkwardFile("half.mp3", cut_short(encoded(), 0.6), 0.9, remark="could be read"),
    AwkwardFile("half.m4a", cut_short(encoded("-c:a", "aac"), 0.5), None, "its end is missing"),
    AwkwardFile("lying-size.wav", lying(b"data", 4)),
    AwkwardFile("size-zero.wav", lying(b"data", 4, 0), no_remark=True),
    AwkwardFile("size-unknown.wav", lying(b"data", 4, 0xFFFFFFFF), no_remark=True),
    AwkwardFile("size-less-header.wav", lying(b"data", 4, 0xFFFFFFFF - 36), no_remark=True),
    AwkwardFile("size-signed.wav", lying(b"data", 4, 0x7FFFFFFF), no_remark=True),
    AwkwardFile("riff-size-zero.wav", lying(b"RIFF", 4, 0), no_remark=True),
    AwkwardFile("three-in-one.wav", several_wavs, remark="3 WAV files one behind the other"),
    AwkwardFile("rate-halved.wav", lying(b"fmt ", 12, 24_000), 2 * SECONDS),
    AwkwardFile("rate-1-hz.wav", lying(b"fmt ", 12, 1), None, "sample rate is 1 Hz"),
    AwkwardFile("rate-zero.wav", lying(b"fmt ", 12, 0), None, "rate-zero"),
    AwkwardFile("no-channels.wav", lying(b"fmt ", 10, 48_000 << 16), None, "no-channels"),
    AwkwardFile("scratched.mp3", overwritten(encoded(), 0.5, 700), tolerance=0.3),
    AwkwardFile("scratched.flac", overwritten(encoded(), 0.5, 700), tolerance=0.6),
    AwkwardFile("empty.wav", content(b""), None, "0 bytes"),
    AwkwardFile("header-only.wav", content(b"RIFF\x24\x00\x00\x00WAVE"), None, "header-only.wav"),
    AwkwardFile("text.wav", content(b"this is no recording\n" * 50), None, _DAMAGED),
    AwkwardFile("noise.wav", content(bytes(range(256)) * 40), None, "noise.wav"),
    AwkwardFile("page.mp3", content(b"<!DOCTYPE html><html></html>" * 40), None, "page.mp3"),
    AwkwardFile("film-without-sound.mp4", _film_without_sound, None, "no sound track"),
    # files that point elsewhere
    AwkwardFile("list.m3u8", content(b"#EXTM3U\n#EXTINF:9,\nfile:///etc/hosts\n"), None, _DAMAGED),
    AwkwardFile("list.mp3", playlist("file:///etc/hostname"), None, _DAMAGED),
    AwkwardFile("list.aac", playlist("http://127.0.0.1:9/a.aac"), None, _DAMAGED),
    AwkwardFile("list.m4a", playlist("concat:/etc/hostname"), None, "incomplete"),
    AwkwardFile("list.ts", playlist("crypto+file:///etc/hostname"), None, _DAMAGED),
    AwkwardFile("list.wav", content(b"ffconcat version 1.0\nfile pcm16.wav\n"), None, _DAMAGED),
    AwkwardFile("session.sdp", content(b"v=0\nm=audio 5004 RTP/AVP 0\n"), None, "session.sdp"),
]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for case in AWKWARD_FILES:
        case.make(folder / case.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
