"""Step 9. Needs the four kinds of features. Makes SoVITS_weights*/, logs_s2_*/, config_s2.json.

An interrupted training goes on from its last checkpoint. The same data and options as a
finished one: nothing is done, unless forced. Other data or options: a new training.
"""

from __future__ import annotations

from ray_pipeline.core.options import TrainSovitsOptions
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.judging.placing import judge
from ray_pipeline.training.families import plan_training
from ray_pipeline.training.training_step import run_training


def run(context: StepContext, options: TrainSovitsOptions) -> Result:
    """Raises StepNotReady without features, NothingUsable with too few clips, BadModelFile for
    damaged files of the base model, StepFailed when workers fail for the third time."""
    plan = plan_training(context, options, StepName.TRAIN_SOVITS)
    return run_training(context, options, plan, judge)
