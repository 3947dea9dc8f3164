import json
import subprocess
import sys
from pathlib import Path

MOST_MB = 600  # above idle, for any length up to the nine hours that a WAV file can hold
PROJECT = Path(__file__).parents[2]


def test_a_recording_six_times_as_long_takes_no_more_memory(tmp_path: Path) -> None:
    """Ten more minutes would be 77 MB, were they ever held as samples."""
    command = [sys.executable, "-m", "tests.audio.long_recording", str(tmp_path), "2", "12"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    short, long = (json.loads(line) for line in done.stdout.splitlines())
    assert long["clips"] > 5 * short["clips"]
    assert short["growth_mb"] < 60
    # Over the peak of the short one; 11 to 15 were seen.
    assert long["growth_mb"] < 20
    assert short["growth_mb"] + 27 * long["growth_mb"] + long["ffmpeg_mb"] < MOST_MB
