"""Checkpoints: one folder each, written aside and renamed, with hashes that are verified before they are trusted.

`tf.train.Checkpoint` and `.keras` files are not used: the first drops generator state without a word, and neither is
written atomically.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from gankit.errors import CheckpointError
from gankit.support.files import fsync, sha256
from gankit.support.limits import STORED_BYTES

log = logging.getLogger("gankit")

TENSORS, STATE = "state.safetensors", "state.json"
FORMAT = 1


@dataclass(frozen=True)
class Position:
    """Where a run stands.

    Attributes:
        stage: Number of the stage.
        step: Steps done in it.
        total: Steps done in the run.
        steps: Stage -> its number of steps in this run, fixed when it began.
        window: Of the steps since the last line of metrics.jsonl: what they logged -> its sum, and how often.
    """

    stage: int
    step: int
    total: int
    steps: dict[str, int] = field(default_factory=dict)
    window: dict[str, tuple[float, int]] = field(default_factory=dict)


def save(folder: Path, position: Position, tensors: dict[str, np.ndarray], keep: int = 2) -> Path:
    """Writes a checkpoint so that a crash at any moment leaves the older ones readable.

    Args:
        folder: The run's `checkpoints/`.
        position: Where the run stands.
        tensors: `TrainState.get_state()`.
        keep: Newest checkpoints to keep.

    Returns:
        The checkpoint's folder.

    Raises:
        CheckpointError: It cannot be written (a full disk, say).
    """
    final = folder / f"step-{position.total:09d}"
    partial = folder / f".{final.name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        partial.mkdir()
        # Not ascontiguousarray, which turns scalars into vectors.
        save_file({name: np.asarray(value, order="C") for name, value in tensors.items()}, partial / TENSORS)
        digest = sha256(partial / TENSORS)
        state = {"format": FORMAT, "sha256": digest, **asdict(position)}
        text = json.dumps({**state, "seal": _seal(state)}, indent=1, ensure_ascii=False)  # an escape has two spellings
        (partial / STATE).write_text(text, "utf-8")
        for name in (TENSORS, STATE):
            fsync(partial / name)
        fsync(partial)
        if final.exists():  # only after a resume from an older one: the same step gives the same bits
            shutil.rmtree(final)
        os.replace(partial, final)
        fsync(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise CheckpointError(
            f"cannot write a checkpoint to {folder}: {error}", "free some space, then 'gankit resume RUN'"
        ) from error
    for old in checkpoints(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def checkpoints(folder: Path) -> list[Path]:
    """Complete checkpoints, the oldest first."""
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def restore(folder: Path) -> tuple[Position, dict[str, np.ndarray], Path]:
    """The newest checkpoint that is whole; a damaged one is passed over with a warning.

    Raises:
        CheckpointError: There is none.
    """
    for path in reversed(checkpoints(folder)):
        try:
            return *read(path), path
        except CheckpointError as error:
            log.warning("%s; going back to the one before", error.message)
    raise CheckpointError(f"there is no usable checkpoint in {folder}", "start a new run")


def read(path: Path) -> tuple[Position, dict[str, np.ndarray]]:
    """One checkpoint, verified.

    Raises:
        CheckpointError: It is torn, corrupted or of another format.
    """
    try:
        if (path / STATE).stat().st_size > STORED_BYTES:
            raise ValueError(f"{STATE} is damaged")
        state: dict[str, Any] = json.loads((path / STATE).read_text("utf-8"))
        if not isinstance(state, dict):
            raise ValueError(f"{STATE} is damaged")
        seal = state.pop("seal")
        if state.pop("format") != FORMAT or seal != _seal({"format": FORMAT, **state}):
            raise ValueError(f"{STATE} is damaged")
        if sha256(path / TENSORS) != state.pop("sha256"):
            raise ValueError(f"{TENSORS} is damaged")
        return TypeAdapter(Position).validate_python(state), load_file(path / TENSORS)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
        raise CheckpointError(f"the checkpoint {path.name} cannot be used: {error}") from error


def _seal(state: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _sweep(folder: Path) -> None:
    """Removes what killed processes left half-written; the run's lock makes sure that nobody is still writing."""
    for path in folder.glob(".step-*"):
        shutil.rmtree(path, ignore_errors=True)
