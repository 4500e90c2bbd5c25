"""A network in one file: its variables, and as JSON what rebuilds it. The file runs no code when it is read.

The form is safetensors' (https://github.com/huggingface/safetensors). Metadata has the single key "gankit", since
safetensors writes several in an order of its own and the same network must give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from gankit.errors import CheckpointError, UsageError
from gankit.support.files import write
from gankit.support.limits import HEADER_BYTES, TENSORS

_KEY = "gankit"
_STEP = "/step"


def write_network(
    path: Path, tensors: Mapping[str, np.ndarray], kind: str, facts: Mapping[str, Any], *, bits: Literal[8, 16, 32] = 16
) -> Path:
    """Writes a network's file, whole or not at all.

    Args:
        path: Of the file.
        tensors: Name -> variable.
        kind: What the file holds, and the version of its form: "gankit-srgan/1".
        facts: What rebuilds the network, as JSON.
        bits: Of a number. 8 keeps those of kernels as whole multiples of a step for each place on the last axis, an
            output of the layer, and everything else in 16 bits.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "net.safetensors"
        >>> write_network(path, {"000/kernel": np.ones((2, 2))}, "mine/1", {"width": 2}) == path
        True
        >>> read_network(path, "mine/1", "")[0]
        {'width': 2}
    """
    rounded: dict[str, np.ndarray] = {}
    for name, value in tensors.items():
        if bits == 8 and np.ndim(value) > 1:
            step = np.abs(value).max(axis=tuple(range(np.ndim(value) - 1))).astype(np.float32) / 127
            rounded[name] = np.rint(value / np.where(step, step, 1)).astype(np.int8)
            rounded[name + _STEP] = step
        else:
            kept = np.ascontiguousarray(value, None if bits == 32 else np.float16)
            rounded[name] = kept.reshape(np.shape(value))
    return write(path, save(rounded, {_KEY: json.dumps({"format": kind, **facts})}))


def read_network(path: Path, kind: str, hint: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Reads a network's file.

    Args:
        path: Of the file.
        kind: As of `write_network`.
        hint: How people get such a file.

    Returns:
        The facts, and name -> variable in float32.

    Raises:
        UsageError: There is no such file.
        CheckpointError: It is damaged or of another kind, or holds numbers that are not finite.

    Examples:
        >>> facts, tensors = read_network(path, "mine/1", "make one with pack")  # doctest: +SKIP
    """
    facts = read_facts(path, kind, hint)
    try:
        with safe_open(path, "numpy") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        tensors = {name: _restored(name, stored) for name in stored if not _is_step(name, stored)}
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(f"cannot read {path}: {error}", hint) from error
    if not all(np.isfinite(value).all() for value in tensors.values()):
        raise CheckpointError(f"{path}: the weights are not finite", hint)
    return facts, tensors


def _restored(name: str, stored: Mapping[str, np.ndarray]) -> np.ndarray:
    value = stored[name]
    if value.dtype != np.int8:
        return value.astype(np.float32)
    step = stored.get(name + _STEP)
    if step is None or step.shape != value.shape[-1:]:  # any other would make a small file large
        raise ValueError(f"{name} has no steps that fit")
    return value * step.astype(np.float32)


def _is_step(name: str, stored: Mapping[str, np.ndarray]) -> bool:
    value = stored.get(name.removesuffix(_STEP)) if name.endswith(_STEP) else None
    return value is not None and value.dtype == np.int8


def read_facts(path: Path, kind: str, hint: str) -> dict[str, Any]:
    """What rebuilds a network, from its file; the variables are not read. Raises as `read_network`.

    Examples:
        >>> read_facts(path, "mine/1", "make one with pack")["width"]  # doctest: +SKIP
        64
    """
    try:
        with path.open("rb") as beginning:
            if int.from_bytes(beginning.read(8), "little") > HEADER_BYTES:
                raise CheckpointError(f"cannot read {path}: it is of another kind, or its header is too large", hint)
        with safe_open(path, "numpy") as file:
            if (count := len(file.keys())) > TENSORS:
                raise CheckpointError(f"cannot read {path}: it has {count:,} tensors, more than {TENSORS:,}", hint)
            facts = json.loads((file.metadata() or {}).get(_KEY, "null"))
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}", hint) from error
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise CheckpointError(f"cannot read {path}: {error}", hint) from error
    if not isinstance(facts, dict) or facts.pop("format", None) != kind:
        raise CheckpointError(f"{path} is of another kind: it is no {kind}", hint)
    return facts
