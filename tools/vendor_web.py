"""Fetch the page's libraries from npm into serve_app/web/vendor:  python -m tools.vendor_web

The page has no build step, so what it loads lies in the repository as it is served. Each file is
that of the published package, with two changes that are needed to load it as a module of its own:
imports between packages become relative, and uPlot gets an export. Needs npm and the network;
nothing else does. To take a newer version: change `PACKAGES`, run, look at the page.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "serve_app" / "web" / "vendor"
LOCK_FILE = VENDOR / "packages.json"


@dataclass(frozen=True)
class Package:
    """`integrity` is npm's own checksum of the archive; `files` are (path in it, name here)."""

    name: str
    version: str
    licence: str
    integrity: str
    files: tuple[tuple[str, str], ...]
    licence_file: str = "LICENSE"


PACKAGES = (
    Package(
        "preact",
        "11.2.0",
        "MIT",
        "sha512-/HfHI/7N84e6GrWBJ3J280z3mLaRJiDcSvj/A+y/4AbLnND/1UlGHe1sR6oYuTGwId0nP7dqDU9OnLxMPZ7xBg==",
        (("dist/preact.mjs", "preact.js"), ("hooks/dist/hooks.mjs", "preact-hooks.js")),
    ),
    Package(
        "htm",
        "3.1.1",
        "Apache-2.0",
        "sha512-983Vyg8NwUE7JkZ6NmOqpCZ+sh1bKv2iYTlUkzlWmA5JD2acKoxd4KVxbMmxX/85mtfdnDmTFoNKcg5DGAvxNQ==",
        (("dist/htm.mjs", "htm.js"),),
    ),
    Package(
        "uplot",
        "1.6.32",
        "MIT",
        "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
        (("dist/uPlot.iife.min.js", "uplot.js"), ("dist/uPlot.min.css", "uplot.css")),
    ),
    Package(
        "wavesurfer.js",
        "8.0.1",
        "BSD-3-Clause",
        "sha512-h0OnRWSVTqIYLSw3/IVrBtsun/xw9L5u4FA3bjfSDTFMX/xswVWS1JwK4fFu3ulmxRUSHg8zQORl6zENG983eg==",
        (
            ("dist/wavesurfer.esm.js", "wavesurfer.js"),
            ("dist/plugins/spectrogram.esm.js", "wavesurfer-spectrogram.js"),
        ),
    ),
)


def as_module(package: Package, name: str, text: str) -> str:
    """`text` of a package's file so that a browser can import it from beside the others, and the
    checker of types leaves its inside alone."""
    text = "\n".join(line for line in text.splitlines() if "sourceMappingURL" not in line)
    if name == "preact-hooks.js":
        text = text.replace('from"preact"', 'from"./preact.js"')
    if name == "uplot.js":
        text += "\nexport default uPlot;"
    origin = f"{package.name} {package.version}, {package.licence}: {package.name}.LICENSE.txt"
    head = f"/* {origin} */\n" if name.endswith(".css") else f"// @ts-nocheck {origin}\n"
    return head + text.rstrip() + "\n"


def fetch(package: Package, folder: Path) -> Path:
    """The unpacked package. Raises SystemExit if it is not what `integrity` says."""
    command = ["npm", "pack", "--json", "--silent", f"{package.name}@{package.version}"]
    told = json.loads(subprocess.check_output(command, cwd=folder, text=True))[0]
    if told["integrity"] != package.integrity:
        raise SystemExit(f"{package.name}: npm gave {told['integrity']}, not the known archive.")
    with tarfile.open(folder / told["filename"]) as archive:
        archive.extractall(folder / package.name, filter="data")
    return folder / package.name / "package"


def main() -> None:
    VENDOR.mkdir(parents=True, exist_ok=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            unpacked = fetch(package, Path(folder))
            sums = {}
            for path, name in package.files:
                content = as_module(package, name, (unpacked / path).read_text("utf-8")).encode()
                (VENDOR / name).write_bytes(content)
                sums[name] = hashlib.sha256(content).hexdigest()
            licence = (unpacked / package.licence_file).read_text("utf-8")
            (VENDOR / f"{package.name}.LICENSE.txt").write_text(licence, "utf-8")
            row = {"name": package.name, "version": package.version, "licence": package.licence}
            rows.append({**row, "files": sums})
            print(f"{package.name} {package.version}: {', '.join(sums)}")
    LOCK_FILE.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
