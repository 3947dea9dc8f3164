"""Golden cases of the training: samplers, schedules, whole optimiser iterations."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.discriminator import Discriminator
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.training.gpt.recipe import GPT_RECIPE
from ray_pipeline.training.gpt.sampler import BucketOrderSampler
from ray_pipeline.training.gpt.scaled_adam import ScaledAdam
from ray_pipeline.training.sovits.data import SovitsBatch
from ray_pipeline.training.sovits.recipe import SOVITS_RECIPE, SovitsPhase, SovitsRecipe
from ray_pipeline.training.sovits.sampler import BucketBatchSampler
from ray_pipeline.training.sovits.step import SovitsStepper, SovitsStepResult, sovits_optimizers
from tests.conformance.golden_io import Case
from tests.conformance.sovits_cases import version_of

Module = TypeVar("Module", bound=nn.Module)
Outputs = Mapping[str, Any]


def run_samplers(case: Case) -> Outputs:
    """Names say which: `s2.r<replicas>.rank<rank>.epoch<epoch>` or `.len`, `s1.…` likewise."""
    return {name: _sampled(case, name).astype(np.int32) for name in case.expected}


def _sampled(case: Case, name: str) -> np.ndarray:
    params = case.meta["params"]
    stage, replicas, *place = name.split(".")
    shared = {"num_replicas": int(replicas[1:]), "rank": 0}
    if place[0] != "len":
        shared["rank"] = int(place[0].removeprefix("rank"))
    sampler: BucketBatchSampler | BucketOrderSampler
    if stage == "s2":
        lengths = case.inputs["s2_lengths"].tolist()
        bounds = params["s2_boundaries"]
        sampler = BucketBatchSampler(lengths, params["batch_size"], boundaries=bounds, **shared)
    else:
        seconds = case.inputs["s1_lengths"] / params["s1_tokens_per_second"]
        sampler = BucketOrderSampler(seconds.tolist(), params["batch_size"], **shared)
    if place[0] == "len":
        return np.array(len(sampler))
    sampler.set_epoch(int(place[1].removeprefix("epoch")))
    return np.array(list(sampler))


def run_optim(case: Case) -> Outputs:
    steps = range(len(case.expected["s1_lr_used"]))
    far = case.expected["s1_lr_far"][:, 0].tolist()
    epochs = range(1, len(case.expected["s2_lr_epoch"]) + 1)
    return {
        "s1_lr_used": np.array([GPT_RECIPE.rate_at(step) for step in steps]),
        "s1_lr_logged": np.array([_logged_rate(step) for step in steps]),
        "s1_lr_far": np.array([[step, GPT_RECIPE.rate_at(int(step))] for step in far]),
        "s2_lr_epoch": np.array([SOVITS_RECIPE.rate_at(0, 1, epoch) for epoch in epochs]),
        "scaled_adam": _scaled_adam_trace(case),
    }


def _logged_rate(step: int) -> float:
    """What the original's log shows at an optimiser's step: the rate of the step before, and
    at first that of its schedule, which it never trains with."""
    return 1e-5 if step == 0 else GPT_RECIPE.rate_at(step - 1)


def _scaled_adam_trace(case: Case) -> Tensor:
    """All parameters, concatenated in their order, after the recorded steps."""
    params = case.meta["params"]["scaled_adam"]
    order = params["order"]
    values = [nn.Parameter(torch.from_numpy(case.inputs[f"adam_p.{key}"].copy())) for key in order]
    optimizer = ScaledAdam(
        values,
        lr=params["lr"],
        betas=tuple(params["betas"]),
        clipping_scale=params["clipping_scale"],
        clipping_update_period=params["clipping_update_period"],
    )
    trace = []
    for step in range(max(params["recorded_steps"])):
        is_loud = step % 7 == params["gradient_factor_when_step_mod_7"]
        factor = params["gradient_factor"] if is_loud else 1
        for key, value in zip(order, values, strict=True):
            value.grad = torch.from_numpy(case.inputs[f"adam_g.{key}"][step] * np.float32(factor))
        optimizer.step()
        if step + 1 in params["recorded_steps"]:
            trace.append(torch.cat([value.detach().flatten() for value in values]))
    return torch.stack(trace)


# The golden mel and KL losses carry their weights.
_LOSS_NAMES = {
    "discriminator": "disc",
    "generator": "gen",
    "features": "fm",
    "mel": "mel",
    "commit": "kl_ssl",
    "kl": "kl",
}


def run_sovits_train(case: Case) -> Outputs:
    """Two iterations on one batch; gradients and outputs are those of the first."""
    params = case.meta["params"]
    stepper = _stepper(case, version_of(case, "generator"), params)
    phase = SovitsPhase(
        share=1.0,
        segment_frames=params["segment_frames"],
        learning_rate=params["learning_rate"],
        adversarial=True,
    )
    stepper.set_rate(params["learning_rate"])
    drawn = {
        "starts": torch.from_numpy(case.inputs["ids_slice"]),
        "posterior_noise": torch.from_numpy(case.inputs["posterior_noise"]),
    }
    batch = _batch(case)
    first = stepper.step(batch, phase, **drawn)
    outputs = _first_outputs(stepper, first)
    second = stepper.step(batch, phase, **drawn)
    for number, result in enumerate((first, second)):
        for name, short in _LOSS_NAMES.items():
            weight = params.get(f"c_{short}", 1.0)
            outputs[f"loss{number}.{short}"] = weight * result.losses[name]
    del stepper
    gc.collect()
    return outputs


def _stepper(case: Case, version: str, params: dict[str, Any]) -> SovitsStepper:
    config = SOVITS_CONFIGS[version]
    generator = _filled(Synthesizer(config), case, "generator")
    discriminator = _filled(
        Discriminator(config.periods, config.discriminator_divisor), case, "discriminator"
    )
    recipe: SovitsRecipe = replace(
        SOVITS_RECIPE,
        betas=tuple(params["betas"]),
        eps=params["eps"],
        weight_decay=params["weight_decay"],
        mel_weight=params["c_mel"],
        kl_weight=params["c_kl"],
    )
    optimizers = sovits_optimizers(generator, discriminator, recipe)
    rate = params["text_low_lr_rate"]
    return SovitsStepper(generator, discriminator, optimizers, recipe, text_rate=rate)


def _filled(module: Module, case: Case, which: str) -> Module:
    weights = {key: torch.from_numpy(value) for key, value in case.weights(which).items()}
    module.load_state_dict(weights, strict=True)
    return module.eval()


def _batch(case: Case) -> SovitsBatch:
    inputs = {name: torch.from_numpy(value) for name, value in case.inputs.items()}
    return SovitsBatch(
        names=[],
        ssl=inputs["ssl"],
        spec=inputs["spec"],
        spec_lengths=inputs["spec_lengths"],
        wav=inputs["wav"],
        phones=inputs["text"],
        phone_lengths=inputs["text_lengths"],
        speaker=inputs.get("sv_emb"),
    )


def _first_outputs(stepper: SovitsStepper, result: SovitsStepResult) -> dict[str, Any]:
    return {
        "grad_log.disc": _grad_logs(stepper.discriminator),
        "grad_log.gen": _grad_logs(stepper.generator),
        "y_hat": result.output.y_hat,
        "z_p": result.output.z_p,
        "quantized": result.output.quantized,
        "y_hat_mel": result.mel_fake,
        "y_mel": result.mel_real,
    }


def _grad_logs(module: nn.Module) -> Tensor:
    """log(max(norm, 0.01)) of each parameter's gradient, in the order of the state dict."""
    gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
    of_keys = [gradients[key] for key in module.state_dict() if key in gradients]
    norms = [0.0 if gradient is None else float(gradient.norm()) for gradient in of_keys]
    return torch.tensor(norms).clamp(min=0.01).log()


CASES = {"samplers": run_samplers, "optim": run_optim, "sovits_train": run_sovits_train}
