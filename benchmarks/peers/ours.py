"""The shipped models of `gankit_srgan`, or others in files, on each backend that is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import GankitError
from peers.method import SCALE, Found, Method, Missing, Place, eight_bits, timed

MODULES = {"tensorflow": ("tensorflow", "pip install -e '.[cpu]'"), "onnx": ("onnxruntime", "pip install onnxruntime")}


def whole(enlarger: Any) -> Any:
    """The enlarger over one picture at once: `[h, w, 3]` uint8 -> `[4 h, 4 w, 3]` uint8."""

    def run(low: np.ndarray) -> np.ndarray:
        output = enlarger(low[None].astype(np.float32) / 255)
        return eight_bits(np.array(output[0], np.float32))

    return run


def methods(place: Place) -> Found:
    """Every model on every backend."""
    try:
        from gankit_srgan.models import find, opened, shipped
    except ImportError as error:
        return [Missing("gankit", str(error), "pip install -e plugins/srgan")]
    models = place.models or tuple(name for name, scale in shipped() if scale == SCALE)
    if not models:
        return [Missing("gankit", f"no model is shipped for x{SCALE}", "--models FILE, made by 'gankit srgan pack'")]
    found: Found = []
    for backend, (module, how) in MODULES.items():
        if find_spec(module) is None:
            found.append(Missing(f"gankit ({backend})", f"{module} is not installed", how))
            continue
        for model in models:
            name = f"gankit {Path(model).stem} ({backend})"
            try:
                enlarger = opened(find(model, SCALE), backend)
            except GankitError as error:
                found.append(Missing(name, error.message, error.hint))
                continue
            facts = {"backend": backend, module: import_module(module).__version__, "threads": place.threads}
            found.append(Method(name, "gankit", timed(whole(enlarger)), facts))
    return found
