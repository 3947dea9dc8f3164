"""Step 10. Needs text and semantic features. Makes GPT_weights*/, logs_s1_*/, config_s1.yaml.

An interrupted training goes on from its last checkpoint. The same data and options as a
finished one: nothing is done, unless forced. Other data or options: a new training.
"""

from __future__ import annotations

from ray_pipeline.core.options import TrainGptOptions
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.judging.placing import judge
from ray_pipeline.training.families import plan_training
from ray_pipeline.training.training_step import run_training


def run(context: StepContext, options: TrainGptOptions) -> Result:
    """Raises StepNotReady without features, NothingUsable without clips, BadModelFile for a
    damaged file of the base model, StepFailed when workers fail for the third time."""
    plan = plan_training(context, options, StepName.TRAIN_GPT)
    return run_training(context, options, plan, judge)
