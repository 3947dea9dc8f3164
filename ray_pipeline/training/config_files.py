"""Writing the configuration that the original keeps beside a training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ray_pipeline.core.workspace import atomic_write


def write_config_file(path: Path, config: Mapping[str, Any]) -> None:
    """As JSON or YAML, by the name's suffix."""
    if path.suffix == ".json":
        text = json.dumps(config, ensure_ascii=False, indent=2)
    else:
        text = yaml.safe_dump(dict(config), allow_unicode=True, sort_keys=False)
    atomic_write(path, text)
