"""Which models help to read Chinese: BERT says what it means, G2PW how its characters sound.

Both are optional and may come or go between training and speaking, so the step that reads the
clips writes down which there were.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from ray_pipeline.core.manifest import Manifest
from ray_pipeline.core.pretrained_bases import has_bert
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.text.chinese.g2pw import has_g2pw
from ray_pipeline.text.mixed import known_mode

_CLIPS = "chinese_clips"
_HANZI = re.compile("[\u4e00-\u9fff]")
_MODES = ("zh", "all_zh", "auto")


@dataclass(frozen=True)
class ChineseModels:
    bert: bool = False
    g2pw: bool = False

    @classmethod
    def present(cls, models_dir: Path) -> ChineseModels:
        return cls(bert=has_bert(models_dir), g2pw=has_g2pw(models_dir))

    def for_key(self) -> dict[str, bool]:
        """For a fingerprint. G2PW is named only if it is there: what was read without it before
        there was a choice keeps its key."""
        return {"bert": self.bert} | ({"g2pw": True} if self.g2pw else {})

    def write_to(self, manifest: Manifest, num_clips: int) -> None:
        """That so many Chinese clips were read with these."""
        manifest.versions |= {name: str(used) for name, used in asdict(self).items()}
        manifest.details[_CLIPS] = num_clips


def read_otherwise(workspace: Workspace, now: ChineseModels, text: str, language: str) -> list[str]:
    """A warning for each model that the Chinese clips were read with and `text` is not, or the
    other way round. Raises InvalidInput for an unknown language mode."""
    manifest = Manifest.load(workspace, StepName.EXTRACT_TEXT_FEATURES)
    is_chinese = known_mode(language) in _MODES and _HANZI.search(text)
    if not (is_chinese and manifest.details.get(_CLIPS)):
        return []
    warnings = []
    for name, title in (("bert", "BERT"), ("g2pw", "G2PW")):
        then, is_used = manifest.versions.get(name) == "True", getattr(now, name)
        if then != is_used:
            before, after = ("with", "without") if then else ("without", "with")
            warnings.append(
                f"The Chinese clips of this voice were read {before} {title}, this text is read "
                f"{after} it. Run extract_text_features and train_gpt again to make both alike."
            )
    return warnings
