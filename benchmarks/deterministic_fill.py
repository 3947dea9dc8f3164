"""Deterministic weights and inputs for checking one model implementation against another.

Only numpy and hashlib are needed.  Every array is a pure function of (salt, name, shape):
the bytes of sha256(salt + name) seed a PCG64 bit generator, whose raw 64-bit outputs are cut
into 24-bit integers and mapped to float32 with exactly rounded operations.  The result is
therefore bit-identical on every platform and numpy version.

    manifest = load_manifest("manifests/sovits_v2ProPlus.json")   # [[key, shape, dtype], ...]
    sd = fill_state_dict(manifest)                                # {key: np.ndarray}
    model.load_state_dict({k: torch.from_numpy(v) for k, v in sd.items()}, strict=True)

A model whose state-dict keys equal the manifest's keys can be filled directly.  Weight-norm
parameters may be spelt `X.weight_g`/`X.weight_v` (the on-disk spelling) or
`X.parametrizations.weight.original0`/`original1` (newer torch): both get the same values.

Inputs are made the same way with uniform()/integers(), keyed by a tag instead of a name.
"""

import hashlib
import json
import math
from pathlib import Path

import numpy as np

_F32 = np.float32


def _raw24(key, n):
    """n integers in [0, 2**24) as float32 (all exactly representable)."""
    seed = int.from_bytes(hashlib.sha256(key.encode("utf-8")).digest()[:16], "little")
    words = np.random.PCG64(seed).random_raw((n + 1) // 2)
    out = np.empty(((n + 1) // 2, 2), dtype=_F32)
    out[:, 0] = (words >> np.uint64(40)).astype(_F32)
    out[:, 1] = ((words >> np.uint64(8)) & np.uint64(0xFFFFFF)).astype(_F32)
    return out.reshape(-1)[:n]


def uniform(tag, shape, low=-1.0, high=1.0, salt=""):
    """float32 array, uniform in [low, high), a function of (salt, tag, shape) alone."""
    n = int(np.prod(shape)) if len(shape) else 1
    u = _raw24(salt + tag, n) * _F32(2.0**-23) - _F32(1.0)  # [-1, 1), exact
    half = _F32((float(high) - float(low)) / 2)
    mid = _F32((float(high) + float(low)) / 2)
    return (u * half + mid).astype(_F32).reshape(shape)


def integers(tag, shape, low, high, salt=""):
    """int64 array, uniform in {low, ..., high-1}."""
    n = int(np.prod(shape)) if len(shape) else 1
    u = _raw24(salt + tag, n).astype(np.int64)
    return (low + (u * (high - low) >> 24)).reshape(shape)


def canonical(name):
    """The spelling whose sha256 is used: leading 'module.' and weight-norm spellings folded."""
    if name.startswith("module."):
        name = name[len("module.") :]
    name = name.replace(".parametrizations.weight.original0", ".weight_g")
    return name.replace(".parametrizations.weight.original1", ".weight_v")


# Sharper attention and damped residual branches keep deep stacks dependent on their input.
_GAIN = (
    (("dec.conv_post.weight",), 0.25),
    ((".q_proj.weight", ".k_proj.weight"), 3.0),
    ((".conv_q.weight", ".conv_k.weight"), 2.0),
    (
        (
            "self_attn.out_proj.weight",
            "attention.out_proj.weight",
            ".linear2.weight",
            ".output_dense.weight",
        ),
        0.3,
    ),
    ((".conv_o.weight",), 0.6),
)


def _bounds(name, shape):
    """(low, high) of the uniform distribution for parameter or buffer `name`."""
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "inited":
        return 1.0, 1.0
    if leaf == "cluster_size":
        return 2.0, 10.0
    if leaf in ("embed", "embed_avg"):
        return -math.sqrt(3), math.sqrt(3)
    if leaf == "running_mean":
        return -0.1, 0.1
    if leaf == "running_var":
        return 0.5, 1.5
    if leaf == "alpha":
        return 0.5, 1.5
    if leaf == "weight_g":
        if ".ups." in name:
            return 1.6, 2.4
        if "res_skip_layers" in name:
            return 0.3, 0.5
        if name.startswith("discriminators."):
            return 1.2, 1.6
        return 0.8, 1.2
    if leaf == "gamma":
        return 0.8, 1.2
    if leaf in ("bias", "beta", "in_proj_bias", "masked_spec_embed"):
        deep = ("h.layers." in name or "encoder.layers." in name) and "norm" not in name
        return (-0.02, 0.02) if deep else (-0.1, 0.1)
    if leaf.startswith("emb_rel_"):
        s = math.sqrt(3.0 / shape[-1])
        return -s, s
    if len(shape) <= 1:
        if name == "bn1.weight":
            return 0.3, 0.5
        if name.endswith("bn3.weight"):
            return 0.2, 0.4
        return (0.05, 0.45) if "prelu" in name else (0.8, 1.2)
    if "embedding" in name:
        return -math.sqrt(3), math.sqrt(3)
    s = math.sqrt(3.0 / float(np.prod(shape[1:])))
    for suffixes, gain in _GAIN:
        if name.endswith(suffixes):
            s *= gain
    return -s, s


def fill(name, shape, dtype="float32", salt=""):
    """The value of one parameter or buffer."""
    shape = tuple(int(s) for s in shape)
    name = canonical(name)
    if "int" in str(dtype):  # num_batches_tracked and the like
        return np.zeros(shape, dtype=np.int64)
    low, high = _bounds(name, shape)
    if name.endswith(".embed_avg"):  # consistent with embed * cluster_size
        base = name[: -len("embed_avg")]
        emb = fill(base + "embed", shape, salt=salt)
        return (emb * fill(base + "cluster_size", shape[:1], salt=salt)[:, None]).astype(_F32)
    out = uniform("weight/" + name, shape, low, high, salt=salt)
    if name.endswith("self_attn.in_proj_weight"):  # query and key rows, as for q_proj and k_proj
        out[: 2 * shape[0] // 3] *= _F32(3.0)
    if name.startswith("feature_extractor.conv_layers.") and len(shape) == 3:  # antisymmetric taps
        k = shape[2] // 2
        out[:, :, -k:] = -out[:, :, :k][:, :, ::-1]
    return out


def fill_state_dict(manifest, salt=""):
    """{key: array} for a manifest, a list of [key, shape, dtype]."""
    return {k: fill(k, s, d, salt=salt) for k, s, d in manifest}


def load_manifest(path):
    """The [key, shape, dtype] list of a manifest file."""
    data = json.loads(Path(path).read_text(encoding="utf-8"))
    return data["entries"] if isinstance(data, dict) else data


def digest(a):
    """Short fingerprint of an array's little-endian bytes, used to pin regenerated inputs."""
    a = np.ascontiguousarray(a)
    return hashlib.sha256(a.astype(a.dtype.newbyteorder("<")).tobytes()).hexdigest()[:16]


def make_input(spec, salt=""):
    """An input array from its description: {"kind","tag","shape","low","high"}."""
    f = {"uniform": uniform, "integers": integers}[spec["kind"]]
    return f(spec["tag"], tuple(spec["shape"]), spec["low"], spec["high"], salt=salt)


if __name__ == "__main__":
    a = uniform("self-test", (5,))
    assert digest(a) == "5a4d1b405af31fc0", digest(a)
    print("ok", a)
