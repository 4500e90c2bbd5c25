"""Whether simulated paths repeat the history that the model was trained on.

Paths are cut into windows of 20 days, and each window is divided by its own standard deviation, so that a stretch that
was copied at another level of volatility is found too. Windows of a model that has learned, not copied, are as far
from the nearest training window as real windows that it never saw: `gankit.metrics.memorisation` compares the two
distributions of distances.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gankit.metrics import memorisation
from gankit_stock_gan.simulation.facts import checked

MOST = 5000  # simulated windows that are looked at; the standard error of `copied` is then below .007


def copied(
    train_returns: np.ndarray, held_out_returns: np.ndarray, paths: np.ndarray, width: int = 20, seed: int = 0
) -> dict[str, float]:
    """Compares distances of simulated and of held-out windows to the training windows.

    Args:
        train_returns: `[n]` log returns, all that the model was trained on.
        held_out_returns: `[m]` log returns of another time, with at least 100 windows.
        paths: `[paths, length]` simulated log returns.
        width: Days of a window.
        seed: Of which simulated windows are looked at, 5,000 at most.

    Returns:
        `copied`: the share of simulated windows nearer to a training window than 1 % of the held-out ones are, beside
        `healthy`, its value for a model that doesn't copy. `nearer`: how often a simulated window is nearer than a
        held-out one, 1/2 for such a model if the times are alike, and 1 for one that copies.

    Raises:
        DataError: Series shorter than a window, fewer than 100 held-out windows, or not finite.
    """
    rng = np.random.default_rng(seed)
    paths = np.atleast_2d(checked(paths, width))
    per_path = paths.shape[1] - width + 1
    total = len(paths) * per_path
    chosen = np.sort(rng.choice(total, min(total, MOST), replace=False))
    path, first = np.divmod(chosen, per_path)
    simulated = _standard(paths[path[:, None], first[:, None] + np.arange(width)])
    train, held_out = (_windows(x, width) for x in (train_returns, held_out_returns))
    found = memorisation(train, held_out, simulated, features=f"windows of {width} returns over their SD")
    return {
        "copied": found["copied"].value,
        "healthy": found["copied"].protocol["healthy"],
        "nearer": found["nearer"].value,
    }


def shares(history: np.ndarray, kinds: Mapping[str, np.ndarray], seed: int) -> dict[str, dict[str, float]]:
    """`copied` of several kinds of paths: whether they are nearer to the beginning of a history than its end is.

    Args:
        history: `[n]` log returns.
        kinds: Name -> `[paths, length]` simulated log returns.
        seed: As of `copied`.

    Returns:
        Name -> the figures; nothing where the last 30 % of the history are too short.
    """
    cut = int(len(history) * 0.7)
    if len(history) - cut <= 150:
        return {}
    return {name: copied(history[:cut], history[cut:], paths, seed=seed) for name, paths in kinds.items()}


def _windows(returns: np.ndarray, width: int) -> np.ndarray:
    """All overlapping windows, standardised."""
    return _standard(np.lib.stride_tricks.sliding_window_view(checked(returns, width), width))


def _standard(windows: np.ndarray) -> np.ndarray:
    scale = windows.std(axis=1, keepdims=True)
    flat = scale <= 1e-12 * np.abs(windows).max(axis=1, keepdims=True)  # a halt: nothing to divide by
    return windows / np.where(flat, 1.0, scale)
