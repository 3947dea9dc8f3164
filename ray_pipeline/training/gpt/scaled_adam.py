"""ScaledAdam, the optimiser of stage 1 (Yao et al. 2023, Zipformer; from the k2/icefall recipes).

Adam whose step is proportional to the size of the tensor it changes: the update of a tensor
is multiplied by the root mean square (rms) of its values. Beside its values, each tensor's
overall scale is learned too, by a second, slower Adam on the scale's gradient. Tensors with
one element are treated as by plain Adam, at a smaller rate and within bounds.

As in the original of GPT-SoVITS:
- the clipping factor (against the median gradient norm) acts on the gradients of the scales
  only; the values take unclipped gradients;
- the first moment has no bias correction, the second only while it matters;
- a tensor without gradient counts as one whose gradient is zero;
- settings and state have the original's names and places, so that each goes on from the other's
  checkpoints.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

_BIAS_WORTH_CORRECTING = 0.99


class ScaledAdam(Optimizer):
    """Gradients are not cleared and no schedule is kept here.

    `clipping_scale`: a gradient norm above this multiple of the median is clipped; None never
    clips. The median is taken anew every `clipping_update_period` steps. `size_update_period`:
    steps between two updates of the scales. `param_min_rms`, `param_max_rms`: between them scales
    move freely. `scalar_max`: bound of the values of one-element tensors.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 3e-2,
        betas: tuple[float, float] = (0.9, 0.98),
        *,
        clipping_scale: float | None = None,
        clipping_update_period: int = 100,
        scalar_lr_scale: float = 0.1,
        eps: float = 1e-8,
        param_min_rms: float = 1e-5,
        param_max_rms: float = 3.0,
        scalar_max: float = 10.0,
        size_update_period: int = 4,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "clipping_scale": clipping_scale,
            "clipping_update_period": clipping_update_period,
            "scalar_lr_scale": scalar_lr_scale,
            "eps": eps,
            "param_min_rms": param_min_rms,
            "param_max_rms": param_max_rms,
            "scalar_max": scalar_max,
            "size_update_period": size_update_period,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Called with a checkpoint's state too; takes what this service wrote until November
        2026, which had names of its own."""
        super().__setstate__(state)
        for group in self.param_groups:
            for old in ("min_rms", "max_rms"):
                if old in group:
                    group[f"param_{old}"] = group.pop(old)
            _move_norms([self.state[params[0]] for params in _by_shape(group["params"])])

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        kinds = [_Alike(params, self.state[params[0]]) for params in _by_shape(group["params"])]
        if not kinds:
            return
        for kind in kinds:
            kind.prepare(group["size_update_period"])
        factor = self._clipping_factor(group, kinds)
        for kind in kinds:
            kind.update(group, factor)

    @staticmethod
    def _clipping_factor(group: dict[str, Any], kinds: list[_Alike]) -> float:
        """At most 1; 1 until the first full period of norms has been seen."""
        scale, period = group["clipping_scale"], group["clipping_update_period"]
        memory = kinds[0].state
        step = memory["step"]
        if scale is None or step == 0:
            return 1.0
        norm = torch.stack([kind.scaled_square_sum() for kind in kinds]).sum().sqrt()
        if "model_norms" not in memory:
            memory["model_norms"] = torch.zeros(period, device=norm.device)
        memory["model_norms"][step % period] = norm
        if step % period == 0:
            ordered = memory["model_norms"].sort().values
            middle = min(period - 1, period // 4 * 2)
            memory["model_norm_threshold"] = float(ordered[middle]) * scale
            memory["num_clipped"] = 0  # of this period; the original counts on finding it
        if step < period or "model_norm_threshold" not in memory:
            return 1.0
        factor = min(1.0, memory["model_norm_threshold"] / (float(norm) + 1e-20))
        memory["num_clipped"] = memory.get("num_clipped", 0) + (factor < 1.0)
        return factor


_NORMS = ("model_norms", "model_norm_threshold", "num_clipped")


def _by_shape(params: list[Tensor]) -> list[list[Tensor]]:
    """Tensors of equal shape and type together; they are updated as one. The first group, by the
    name of its type and its shape, keeps the norms of all."""
    groups: dict[tuple[str | int, ...], list[Tensor]] = defaultdict(list)
    for param in params:
        groups[str(param.dtype), *param.shape].append(param)
    return [groups[key] for key in sorted(groups)]


def _move_norms(states: list[dict[str, Any]]) -> None:
    """To the first group's state, from the one that had them."""
    for state in states[1:]:
        for name in _NORMS:
            if name in state:
                states[0][name] = state.pop(name)


class _Alike:
    """N equally shaped tensors and their state.

    State, each stacked to [N, ...]: `delta`, the running update (first moment); `exp_avg_sq`,
    second moment; for tensors of several elements also `param_rms`, `scale_grads` (of the last
    few steps) and `scale_exp_avg_sq`, all of them one number a tensor.
    """

    def __init__(self, params: list[Tensor], state: dict[str, Any]) -> None:
        self.params = params
        self.state = state
        self.are_scalars = params[0].numel() == 1

    def prepare(self, size_update_period: int) -> None:
        """Make the state where it is missing."""
        if self.state:
            return
        shape = (len(self.params), *self.params[0].shape)
        self.state["step"] = 0
        self.state["delta"] = self.params[0].new_zeros(shape)
        self.state["exp_avg_sq"] = self.params[0].new_zeros(shape)
        if self.are_scalars:
            return
        rms = torch.cat([part.rms() for part in self._parts()])
        self.state["param_rms"] = rms
        self.state["scale_exp_avg_sq"] = torch.zeros_like(rms)
        self.state["scale_grads"] = rms.new_zeros(size_update_period, *rms.shape)

    def scaled_square_sum(self) -> Tensor:
        """Square of the gradients' norm, each tensor weighted by its rms."""
        return torch.stack([part.scaled_square_sum() for part in self._parts()]).sum()

    def update(self, group: dict[str, Any], clipping_factor: float) -> None:
        for part in self._parts():
            part.update(group, clipping_factor)
        self.state["step"] += 1

    def _parts(self) -> Iterator[_Part]:
        count = len(self.params)
        size = _tensors_at_once(self.params[0].device, count)
        for start in range(0, count, size):
            yield _Part(self, slice(start, start + size))


def _tensors_at_once(device: torch.device, count: int) -> int:
    """All, where starting a computation costs much; one on a CPU, where it then works in the
    parameter itself and in what its caches hold."""
    return 1 if device.type == "cpu" else count


class _Part:
    """Rows `rows` of an _Alike, [M, ...]: a view if it is one tensor, else copies."""

    def __init__(self, whole: _Alike, rows: slice) -> None:
        self.params = whole.params[rows]
        self.are_scalars = whole.are_scalars
        self.step = whole.state["step"]
        self.values = _stack(self.params)
        self.grads = _stack([_gradient(param) for param in self.params])
        self._state = whole.state
        self._rows = rows

    def state(self, name: str) -> Tensor:
        kept: Tensor = self._state[name]
        return kept[:, self._rows] if name == "scale_grads" else kept[self._rows]

    def rms(self) -> Tensor:
        return (self._products(self.values, self.values) / self.params[0].numel()).sqrt()

    def _products(self, a: Tensor, b: Tensor) -> Tensor:
        """Dot products of the tensors, [M, 1 ...] with as many axes as the tensors have."""
        found = torch.linalg.vecdot(a.flatten(1), b.flatten(1))
        return found.view(-1, *[1] * (a.ndim - 1))

    def scaled_square_sum(self) -> Tensor:
        squares = self._products(self.grads, self.grads).float()
        if not self.are_scalars:
            squares = squares * self.state("param_rms").square()
        return squares.sum()

    def update(self, group: dict[str, Any], clipping_factor: float) -> None:
        self.state("delta").mul_(group["betas"][0])
        if self.are_scalars:
            self._move_scalars(group)
        else:
            self._move_scales(group, clipping_factor)
            self._move_values(group)
        self.values.add_(self.state("delta"))
        if len(self.params) > 1:
            for param, value in zip(self.params, self.values, strict=True):
                param.copy_(value)

    def _second_moment(self, beta2: float) -> Tensor:
        moment = self.state("exp_avg_sq")
        return moment.mul_(beta2).addcmul_(self.grads, self.grads, value=1 - beta2)

    def _move_scales(self, group: dict[str, Any], clipping_factor: float) -> None:
        """Note the gradient of each tensor's scale; at the end of a period move the scales."""
        period = group["size_update_period"]
        noted = self.state("scale_grads")
        noted[self.step % period] = clipping_factor * self._products(self.values, self.grads)
        if self.step % period != period - 1:
            return
        rms = self.state("param_rms").copy_(self.rms())
        beta1, beta2 = group["betas"]
        decay = beta2**period
        moment = self.state("scale_exp_avg_sq")
        moment.mul_(decay).add_(noted.square().mean(0), alpha=1 - decay)
        correction = 1 - decay ** ((self.step + 1) // period)
        lr = group["lr"] * group["scalar_lr_scale"]
        change = -lr * correction**0.5 * noted.sum(0) / (moment.sqrt() + group["eps"])
        # A tensor that is too small does not change its scale, one that is too large shrinks.
        change = change.masked_fill(rms < group["param_min_rms"], 0.0)
        change = change.masked_fill(rms > group["param_max_rms"], -lr * period)
        self.state("delta").addcmul_(self.values, change, value=1 - beta1)

    def _move_values(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        root = self._second_moment(beta2).sqrt()
        correction = 1 - beta2 ** (self.step + 1)
        if correction < _BIAS_WORTH_CORRECTING:
            root /= correction**0.5
        root += group["eps"]
        root /= self.state("param_rms").clamp(min=group["param_min_rms"])
        self.state("delta").addcdiv_(self.grads, root, value=-group["lr"] * (1 - beta1))

    def _move_scalars(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        correction = 1 - beta2 ** (self.step + 1)
        root = (self._second_moment(beta2) / correction).sqrt() + group["eps"]
        rate = group["lr"] * group["scalar_lr_scale"] * (1 - beta1)
        self.state("delta").addcdiv_(self.grads, root, value=-rate)
        bound = group["scalar_max"]
        self.values.clamp_(-bound, bound)


def _stack(tensors: list[Tensor]) -> Tensor:
    return tensors[0][None] if len(tensors) == 1 else torch.stack(tensors)


def _gradient(param: Tensor) -> Tensor:
    return torch.zeros_like(param) if param.grad is None else param.grad
