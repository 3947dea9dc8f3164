"""Golden cases of stage 1: training loss, decoding, sampling."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from ray_pipeline.models.gpt.config import GPT_CONFIGS, GptConfig
from ray_pipeline.models.gpt.decoding import MAX_STEPS, Decoded, Sentence, decode_batch
from ray_pipeline.models.gpt.model import GptOutput, Text2Semantic
from ray_pipeline.models.gpt.preference import damage, preference_loss
from ray_pipeline.models.gpt.sampling import Sampling, penalise_repetition, probabilities
from tests.conformance.golden_io import Case

_CONFIG_OF_MANIFEST = {"t2s_s1longer": "v1", "t2s_s1longer-v2": "v2"}


def _model(case: Case) -> Text2Semantic:
    [manifest] = case.meta["weights"].values()
    model = Text2Semantic(_config(manifest.removesuffix(".json"))).eval()
    weights = {name: torch.from_numpy(value) for name, value in case.weights().items()}
    model.load_state_dict(weights, strict=True)
    return model


def _config(manifest: str) -> GptConfig:
    return GPT_CONFIGS[_CONFIG_OF_MANIFEST[manifest]]


def _tensors(case: Case) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in case.inputs.items()}


# -- training


def t2s_train(case: Case) -> Mapping[str, Any]:
    model, inputs, params = _model(case), _tensors(case), case.meta["params"]
    x_lens, y_lens = inputs["x_lens"], inputs["y_lens"]
    phones = _pad(inputs["x_raw"], x_lens, params["phone_pad"])
    tokens = _pad(inputs["y_raw"], y_lens, params["token_pad"])
    bert = _pad(inputs["bert_raw"], x_lens, params["bert_pad"])
    out = model(phones, x_lens, tokens, y_lens, bert)
    out.loss.backward()
    norms = [p.grad.norm() if p.grad is not None else torch.zeros(()) for p in model.parameters()]
    with torch.inference_mode():
        alone = _first_item_alone(model, phones, x_lens, tokens, y_lens, bert)
        pair = model(
            phones, x_lens, tokens, y_lens, bert, inputs["reject_y"], inputs["reject_y_lens"]
        )
    copies, lengths = damage(tokens, torch.Generator().manual_seed(params["reject_seed"]))
    chosen, rejected = inputs["dpo_logp_chosen"], inputs["dpo_logp_reject"]
    return {
        "loss": out.loss,
        "top3_acc": out.top3_accuracy,
        "grad_log": torch.stack(norms).clamp(min=0.01).log(),
        "logits": out.logits,
        "targets": out.targets,
        "loss_single": alone.loss,
        "acc_single": alone.top3_accuracy,
        "reject_seeded": copies,
        "reject_seeded_lens": lengths,
        "dpo_loss": pair.loss,
        "dpo_logps": pair.log_probabilities,
        "dpo_term": pair.preference_loss,
        "dpo_fn": preference_loss(chosen, rejected),
    }


def _pad(values: Tensor, lengths: Tensor, pad: float) -> Tensor:
    beyond = torch.arange(values.shape[-1]) >= lengths[:, None]
    beyond = beyond if values.ndim == 2 else beyond[:, None]
    return values.masked_fill(beyond, pad)


def _first_item_alone(
    model: Text2Semantic,
    phones: Tensor,
    x_lens: Tensor,
    tokens: Tensor,
    y_lens: Tensor,
    bert: Tensor,
) -> GptOutput:
    x, y = int(x_lens[0]), int(y_lens[0])
    return model(phones[:1, :x], x_lens[:1], tokens[:1, :y], y_lens[:1], bert[:1, :, :x])


# -- decoding


_WITH_LOUDER_EOS = {"eos", "batch"}


def t2s_decode(case: Case) -> Mapping[str, Any]:
    model, inputs, params = _model(case), _tensors(case), case.meta["params"]
    watched_steps = steps_to_watch(case.expected)
    got: dict[str, Any] = {}
    runs = {name: value for name, value in params.items() if isinstance(value, dict)}
    for name, options in runs.items():
        if name not in _WITH_LOUDER_EOS:
            got |= _decode(model, inputs, name, options, watched_steps)
    if "greedy_norep" in runs:
        got |= _teach(model, inputs, params["greedy_norep"], got["greedy_norep.y"])
    louder = runs.keys() & _WITH_LOUDER_EOS
    if louder:
        with torch.no_grad():
            model.ar_predict_layer.weight[model.config.eos] *= params["eos_row_factor"]
    for name in louder:
        if "num_phones" in runs[name]:
            got |= _decode_together(model, inputs, name, runs[name])
        else:
            got |= _decode(model, inputs, name, runs[name], watched_steps)
    return got


def steps_to_watch(names: Iterable[str]) -> set[int]:
    """The first step, and every N of an output `….stepN_logits`."""
    found = (re.search(r"\.step(\d+)_logits$", name) for name in names)
    return {0} | {int(match[1]) for match in found if match}


def _teach(
    model: Text2Semantic, inputs: dict[str, Tensor], params: Mapping[str, Any], tokens: Tensor
) -> dict[str, Any]:
    """The training loss of what was decoded, prompt included."""
    phones, bert = inputs[params["x"]], inputs[params["bert"]]
    lengths = torch.tensor([phones.shape[1]]), torch.tensor([tokens.shape[1]])
    with torch.inference_mode():
        taught = model(phones, lengths[0], tokens, lengths[1], bert)
    return {"teacher_loss": taught.loss, "teacher_acc": taught.top3_accuracy}


def _decode(
    model: Text2Semantic,
    inputs: dict[str, Tensor],
    name: str,
    params: Mapping[str, Any],
    watched_steps: Collection[int],
) -> dict[str, Any]:
    watched: dict[int, Tensor] = {}
    sentence = Sentence(inputs[params["x"]][0], inputs[params["bert"]][0], _prompt(inputs, params))
    [decoded] = decode_batch(
        model,
        [sentence],
        _sampling(params),
        max_tokens=_max_tokens(params),
        on_logits=_watch(watched, watched_steps),
    )
    got: dict[str, Any] = {
        f"{name}.y": _with_prompt(sentence, decoded.tokens)[None],
        f"{name}.idx": _index(sentence, decoded),
        f"{name}.first_logits": watched[0],
    }
    return got | {f"{name}.step{step}_logits": logits for step, logits in watched.items() if step}


def _index(sentence: Sentence, decoded: Decoded) -> int:
    """The original's second result: the index of the last step, 0 without a prompt."""
    if sentence.prompt is None:
        return 0
    return len(decoded.tokens) - (0 if decoded.ended else 1)


def _decode_together(
    model: Text2Semantic, inputs: dict[str, Tensor], name: str, params: Mapping[str, Any]
) -> dict[str, Any]:
    phones, bert = inputs[params["x"]][0], inputs[params["bert"]][0]
    prompt = _prompt(inputs, params)
    sentences = [Sentence(phones[:n], bert[:, :n], prompt) for n in params["num_phones"]]
    results = decode_batch(model, sentences, _sampling(params), max_tokens=_max_tokens(params))
    # The original's batched path drops the last token of a sentence that ran into the limit.
    # Without a prompt it has no such path: it goes through the sentences one by one.
    kept = [d.tokens if d.ended or prompt is None else d.tokens[:-1] for d in results]
    steps = [0 if prompt is None else len(tokens) for tokens in kept]
    got: dict[str, Any] = {f"{name}.idx": torch.tensor(steps)}
    for row, (sentence, tokens) in enumerate(zip(sentences, kept, strict=True)):
        got[f"{name}.y{row}"] = _with_prompt(sentence, tokens)
    return got


def _prompt(inputs: dict[str, Tensor], params: Mapping[str, Any]) -> Tensor | None:
    return None if params["prompt"] is None else inputs[params["prompt"]][0]


def _max_tokens(params: Mapping[str, Any]) -> int:
    """The original writes -1 for no early stop."""
    early_stop: int = params["early_stop_num"]
    return MAX_STEPS if early_stop == -1 else early_stop


def _sampling(params: Mapping[str, Any]) -> Sampling:
    names = ("top_k", "top_p", "temperature", "repetition_penalty")
    return Sampling(**{name: params[name] for name in names})


def _watch(seen: dict[int, Tensor], steps: Collection[int]) -> Callable[[int, Tensor], None]:
    def keep(step: int, logits: Tensor) -> None:
        if step in steps:
            seen[step] = logits.clone()

    return keep


def _with_prompt(sentence: Sentence, tokens: Tensor) -> Tensor:
    return tokens if sentence.prompt is None else torch.cat([sentence.prompt, tokens])


# -- sampling


def sampling(case: Case) -> Mapping[str, Any]:
    inputs = _tensors(case)
    logits, previous = inputs["logits"], inputs["previous_tokens"]
    seen = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, previous, True)
    off = {"top_k": None, "top_p": 1.0, "temperature": 1.0, "repetition_penalty": 1.0}
    got = {}
    for name, params in case.meta["params"].items():
        options = Sampling(**{**off, **params})
        penalised = penalise_repetition(logits, seen, options.repetition_penalty)
        got[name] = probabilities(penalised, options)
    return got


CASES = {"t2s_train": t2s_train, "t2s_decode": t2s_decode, "sampling": sampling}
