import os
from pathlib import Path

from ray_pipeline.core.workspace import Workspace
from ray_pipeline.text.pronunciations import own_pronunciations


def test_dictionaries_are_known_by_any_name_and_the_latest_wins(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "task")
    workspace.create()
    for age, (name, line) in enumerate(
        [
            ("me (2).dict", "GPT\tJH IY1"),
            ("me.dict", "GPT\tAH0\nRay\tR EY1"),
            ("OTHER.DICT.TXT", "GPT\tAH0\nSoVITS\tS OW1"),
            ("notes.txt", "GPT is no line of a dictionary"),
        ]
    ):
        path = workspace.input_audio / name
        path.write_text(f"{line}\n", "utf-8")
        os.utime(path, (1000 - age, 1000 - age))
    assert own_pronunciations(workspace, "v2") == {
        "GPT": ["JH", "IY1"],
        "Ray": ["R", "EY1"],
        "SoVITS": ["S", "OW1"],
    }
