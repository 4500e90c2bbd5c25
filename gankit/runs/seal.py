"""What decides a run's result is sealed by a hash when it begins, and compared when it goes on.

A resume trains what the run began as, or nothing: another configuration is refused. Other versions of libraries, other
threads or another kind of device train the same in meaning; that the bits may differ is said.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
from collections.abc import Mapping
from typing import Any

from gankit.config import RecipeConfig
from gankit.errors import UsageError
from gankit.runs.run import Run
from gankit.support.values import flat, mapping

log = logging.getLogger("gankit")

SEALED = ("recipe", "seed", "versions", "machine", "data")
"""Fields of run.json that the hash covers, beside the configuration."""


def machine() -> dict[str, Any]:
    """What of the machine decides bits: Python, the kind of device, the threads of one operation."""
    import tensorflow as tf

    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return {
        "python": platform.python_version(),
        "device": "GPU" if tf.config.list_physical_devices("GPU") else "CPU",
        "threads": threads or _processors(),
    }


def _processors() -> int:
    """Those that this process may use, as TensorFlow counts them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def values_of(config: RecipeConfig) -> dict[str, Any]:
    """A configuration as the seal keeps it: dotted key -> value, as JSON gives it back."""
    return dict(json.loads(json.dumps(flat(config.model_dump(mode="json")))))


def seal(info: Mapping[str, Any], config: RecipeConfig) -> dict[str, Any]:
    """For run.json: the configuration's values, and a hash of them and of the fields `SEALED`.

    Args:
        info: run.json as it is when the run begins.
        config: The configuration.
    """
    values = values_of(config)
    return {"config": values, "sha256": _digest(info, values)}


def _digest(info: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    held = {key: info.get(key) for key in SEALED} | {"config": values}
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()


def edited(run: Run, config: RecipeConfig) -> list[str]:
    """What of a configuration is not as it was when the run began, in words; of a run without a seal, nothing.

    Raises:
        UsageError: What the seal covers in run.json has been edited itself.
    """
    info = run.info
    kept = mapping(info.get("seal"))
    if not kept:
        return []
    was, now = mapping(kept.get("config")), values_of(config)
    if kept.get("sha256") != _digest(info, was):
        raise UsageError(
            f"{run.path / 'run.json'} has been edited: its seal is broken",
            f"copy it again from where the run was trained; it covers the configuration, {', '.join(SEALED)}",
        )
    keys = sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key))
    return [f"{key} is {now.get(key)!r} and was {was.get(key)!r}" for key in keys]


def check(run: Run, config: RecipeConfig, versions: Mapping[str, str]) -> None:
    """Called before a resume; says what may change its bits.

    Args:
        run: The run.
        config: That of its config.yaml.
        versions: Of the libraries, as they are now.

    Raises:
        UsageError: The configuration has been edited.
    """
    if found := edited(run, config):
        raise UsageError(
            f"{run.path / 'config.yaml'} is not what the run began with: {'; '.join(found)}",
            f"put it back; another configuration is another run: gankit run RECIPE --init-from {run.path}",
        )
    info = run.info
    before = {**mapping(info.get("versions")), **mapping(info.get("machine"))}
    now = {**versions, **machine()}
    changes = [f"{key} was {before[key]} and is {now[key]}" for key in before if key in now and now[key] != before[key]]
    gone = [f"{key} {before[key]} is gone" for key in before if key not in now]
    if changes or gone:
        log.warning("%s: %s; the bits of the result may differ", run.path, ", ".join([*changes, *gone]))
