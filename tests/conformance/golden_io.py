"""Read a golden case, rebuild its inputs and weights, and compare outputs against it.

    case = Case("golden/t2s_train.npz")
    sd = case.weights()              # {state-dict key: float32 array}, or None
    x = case.inputs["phoneme_ids"]   # numpy arrays, regenerated and fingerprint-checked
    case.check("loss", my_loss)      # raises AssertionError with the measured error

Errors are relative to the largest expected magnitude of that output:
max|got - want| / max|want|.  Integer outputs must match exactly.
"""

import json
from pathlib import Path

import numpy as np

from benchmarks import deterministic_fill as fill

HERE = Path(__file__).resolve().parent


def _np(a):
    if hasattr(a, "detach"):
        a = a.detach().cpu().numpy()
    return np.asarray(a)


class Case:
    def __init__(self, path, root=HERE):
        self.path, self.root = path, root
        data = np.load(path, allow_pickle=False)
        self.meta = json.loads(str(data["__meta__"]))
        self.salt = self.meta["salt"]
        self.inputs = {}
        for name, spec in self.meta["inputs"].items():
            a = data["in." + name] if spec["kind"] == "stored" else fill.make_input(spec, self.salt)
            got = fill.digest(a)
            if got != spec["digest"]:
                raise ValueError(f"input {name} regenerated differently: {got}")
            self.inputs[name] = a
        self.expected = {k[4:]: data[k] for k in data.files if k.startswith("out.")}

    def weights(self, which=None):
        """State dict as numpy arrays; `which` picks one if the case uses several models."""
        names = self.meta["weights"]
        if not names:
            return None
        name = names[which] if which is not None else next(iter(names.values()))
        man = fill.load_manifest(Path(self.root) / "manifests" / name)
        return fill.fill_state_dict(man, self.salt)

    def compare(self, name, got):
        """(error, tolerance, message or '') for one output."""
        want, info = self.expected[name], self.meta["outputs"][name]
        got = _np(got)
        if list(got.shape) != info["shape"]:
            return np.inf, info["tol"], f"shape {list(got.shape)}, expected {info['shape']}"
        for axis, step in enumerate(info["step"]):
            got = np.take(got, np.arange(0, got.shape[axis], step), axis=axis)
        if want.dtype.kind in "iub":
            bad = int((got != want).sum())
            return float(bad), 0.0, f"{bad} of {want.size} integers differ" if bad else ""
        got = got.astype(np.float64)
        if not np.array_equal(np.isfinite(got), np.isfinite(want)):
            return np.inf, info["tol"], "finite in different places"
        fin = np.isfinite(want)
        if not fin.any():
            return 0.0, info["tol"], ""
        scale = max(float(np.abs(want[fin]).max()), 1e-12)
        err = float(np.abs(got[fin] - want[fin].astype(np.float64)).max()) / scale
        tol = info["tol"]
        return err, tol, "" if err <= tol else f"relative error {err:.3g} > {tol:.3g}"

    def check(self, name, got):
        err, _, msg = self.compare(name, got)
        assert not msg, f"{Path(self.path).name}: {name}: {msg}"
        return err
