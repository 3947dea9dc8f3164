"""Any audio or video file as a stream of float32 samples, by ffmpeg.

ffmpeg runs as one child process with a list of arguments, never through a shell. It may open
the one file it is given and nothing else: only the `file` protocol, an absolute path, and no
format that points to other files (playlists, image sequences, scripts). Its output is Sun AU,
whose header of six numbers tells the channels; samples are read block by block, so the length
of a recording costs no memory.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from ray_pipeline.audio.ffmpeg_messages import SoundTrack, sound_tracks
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.errors import BackendMissing, SetAsideReason, StepFailed

# Formats that hold sound themselves. Left out on purpose are those that name other files or
# addresses (hls, dash, concat, image2, sdp …), which an upload could use to read the disk.
FORMATS = (
    "3dostr aa aac aax ac3 ac4 act adx aea aiff alaw amr amrnb amrwb apc ape aptx asf asf_o ast au "
    "avi avr awb bfstm brstm caf codec2 daud dfpwm dsf dss dts dtshd dv eac3 epaf f4v flac flv "
    "g722 g723_1 g726 g729 gsm gxf hca hcom iamf iff ilbc ircam kvag live_flv loas lvf m4v "
    "matroska,webm mlp mov,mp4,m4a,3gp,3g2,mj2 mp3 mpc mpc8 mpeg mpegts mpegvideo msf mtaf mulaw "
    "mxf nistsphere nut oga ogg oma opus osq paf pva pvf qcp qoa rka rl2 rm rso sbc sds shn sln "
    "smjpeg sol sox spdif swf tak truehd tta vag voc vqf w64 wady wav wavarc wsaud wsd "
    "wtv wv xa xwma"
).replace(" ", ",")

_BLOCK_SAMPLES = 1 << 16
_KEPT_MESSAGES = 400  # a film may describe many tracks before anything goes wrong
_HINT = "Check that it plays on your computer, or save it as WAV, FLAC or MP3 and upload it again."


@dataclass
class AudioStream:
    """Decoded sound: `channels` of it at `rate` Hz; `messages` is what ffmpeg said so far.

    `track` is the number of the sound track that is decoded, counted from 1; `tracks` and
    `source`, what the file claims of them, are complete after the blocks are used up.
    """

    name: str
    channels: int
    rate: int
    pipe: IO[bytes]
    track: int = 1
    messages: deque[str] = field(default_factory=deque)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Blocks [N, C] of at most 65536 samples a channel."""
        frame_bytes = 4 * self.channels
        while data := self.pipe.read(_BLOCK_SAMPLES * frame_bytes):
            whole = len(data) - len(data) % frame_bytes
            samples = np.frombuffer(data[:whole], dtype=">f4").astype(np.float32)
            yield samples.reshape(-1, self.channels)

    @property
    def tracks(self) -> list[SoundTrack]:
        """The sound tracks of the file, as far as ffmpeg has told them."""
        return sound_tracks(list(self.messages))

    @property
    def source(self) -> SoundTrack | None:
        """The track that is decoded."""
        return next((track for track in self.tracks if track.number == self.track), None)


@cache
def ffmpeg_path() -> str:
    """The system's ffmpeg, else the one in the imageio-ffmpeg wheel. Raises BackendMissing."""
    installed = shutil.which("ffmpeg")
    if installed:
        return installed
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise BackendMissing(
            "There is no ffmpeg on this machine.",
            hint="Install it with the system's package manager, or pip install imageio-ffmpeg.",
        ) from error


def decode_command(path: Path, rate: int, track: int = 1) -> list[str]:
    """The argument list that decodes a sound track of `path`, counted from 1, to AU on stdout."""
    source = ffmpeg.input(
        # With the protocol spelt out, a name may hold ':' or begin with '-'.
        f"file:{path.absolute()}",
        protocol_whitelist="file",
        format_whitelist=FORMATS,
    )
    sound = source.output(
        "pipe:1", format="au", acodec="pcm_f32be", ar=rate, map=f"0:a:{track - 1}"
    )
    quiet = sound.global_args("-hide_banner", "-nostdin", "-nostats", "-loglevel", "info")
    return [str(part) for part in ffmpeg.compile(quiet, cmd=ffmpeg_path())]


def tracks_of(path: Path, *, time_limit_seconds: float) -> list[SoundTrack]:
    """The sound tracks of a file without decoding any; none where ffmpeg cannot tell."""
    decode = decode_command(path, SAMPLE_RATE)
    command = [*decode[: decode.index("-i") + 2], "-hide_banner", "-nostdin"]
    try:
        told = subprocess.run(
            command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=time_limit_seconds
        )
    except subprocess.TimeoutExpired:
        return []
    return sound_tracks(told.stderr.decode("utf-8", "replace").splitlines())


@contextmanager
def decoding(
    path: Path,
    *,
    time_limit_seconds: float,
    rate: int = SAMPLE_RATE,
    name: str | None = None,
    track: int = 1,
) -> Iterator[AudioStream]:
    """Decode a sound track of `path`; the block under `with` reads the stream to its end.

    Raises StepFailed, with a sentence that names the file (as `name`) and a remedy, when
    nothing can be decoded or the time limit is over. The child never outlives the block.
    """
    name = name or path.name
    if path.stat().st_size == 0:
        raise StepFailed(
            f"{name} is empty (0 bytes).", hint="Upload it again.", clip=name, reason="empty_file"
        )
    with subprocess.Popen(
        decode_command(path, rate, track), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        messages: deque[str] = deque(maxlen=_KEPT_MESSAGES)
        listener = threading.Thread(target=_listen, args=(process.stderr, messages), daemon=True)
        listener.start()
        late = threading.Event()
        alarm = threading.Timer(time_limit_seconds, _stop, (process, late))
        alarm.start()
        try:
            header = _read_au_header(process.stdout)
            if header is None:
                process.wait()
                listener.join()
                _raise_if_late(late, name, time_limit_seconds)
                raise _cannot_decode(name, path, list(messages))
            channels, actual_rate = header
            yield AudioStream(name, channels, actual_rate, process.stdout, track, messages)
            process.stdout.close()
            process.wait()
            listener.join()
            _raise_if_late(late, name, time_limit_seconds)
        finally:
            alarm.cancel()
            process.kill()
            listener.join()


def _read_au_header(pipe: IO[bytes]) -> tuple[int, int] | None:
    """(channels, rate) of an AU stream, or None where the stream is empty."""
    header = pipe.read(24)
    if len(header) < 24:
        return None
    _, data_offset, _, _, rate, channels = struct.unpack(">6I", header)
    pipe.read(data_offset - 24)
    return channels, rate


def _listen(pipe: IO[bytes], messages: deque[str]) -> None:
    # The first lines describe the file, so they are kept and the flood after them is cut.
    for line in pipe:
        if len(messages) < _KEPT_MESSAGES:
            messages.append(line.decode("utf-8", "replace").rstrip()[:400])


def _stop(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _raise_if_late(late: threading.Event, name: str, limit: float) -> None:
    if late.is_set():
        raise StepFailed(
            f"{name} could not be decoded within {limit:g} seconds.",
            hint="Cut it into shorter files, or raise params.time_limit_seconds.",
            clip=name,
            reason="too_slow",
            seconds=limit,
        )


_REASONS: tuple[tuple[str, SetAsideReason, str], ...] = (
    (
        r"does not contain any stream|matches no streams",
        "no_sound_track",
        "has no sound track",
    ),
    (
        r"not in (allowed|whitelist)|[Nn]ot on whitelist|not whitelisted",
        "not_a_sound_file",
        "is not a sound file",
    ),
    (r"moov atom not found", "incomplete", "is incomplete: its end is missing"),
    (r"Invalid data found|[Ee]nd of file", "damaged", "is not a sound file, or is damaged"),
    (
        r"[Dd]ecoder .*not found|[Uu]nknown decoder|Unsupported",
        "codec_missing",
        "uses a codec ffmpeg lacks",
    ),
    (r"Permission denied", "not_permitted", "may not be read by the service"),
)


def _cannot_decode(name: str, path: Path, messages: list[str]) -> StepFailed:
    text = "\n".join(messages)
    for pattern, reason, words in _REASONS:
        if re.search(pattern, text):
            return StepFailed(f"{name} {words}.", hint=_HINT, clip=name, reason=reason)
    last = messages[-1].replace(str(path.absolute()), name) if messages else "no message"
    return StepFailed(
        f"{name} cannot be decoded ({last}).",
        hint=_HINT,
        clip=name,
        reason="undecodable",
        message_of_ffmpeg=last,
    )
