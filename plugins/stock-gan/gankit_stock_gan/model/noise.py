"""How noise becomes a return: the sinh-arcsinh transformation, for arrays and for tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

WIDEST, FARTHEST, SKEWEST = 1.5, 1.0, 1.0  # bounds of a, b and c
TAILS = 0.4  # d lies between exp(-0.4) and exp(0.4) of its middle
MIDDLE = 0.85  # somewhat heavier tails than a Gaussian's


def shaped(shape: Any, z: Any) -> Any:
    """Returns in units of their scale.

    Args:
        shape: `[..., 4]`, what the generator says, unbounded: a, b, c, d.
        z: `[..., m]`, standard normal noise, for the same leading axes.

    Returns:
        `[..., m]`.
    """
    exp, tanh, sinh, asinh = _functions(z)
    a, b, c, d = (tanh(shape[..., i : i + 1]) for i in range(4))
    tails = MIDDLE * exp(TAILS * d)
    return exp(WIDEST * a) * (FARTHEST * b + sinh((asinh(z) + SKEWEST * c) / tails) * tails)


def location(shape: Any) -> Any:
    """Where a Gaussian of the scale would be centred, `[...]`: all that a network that learns a mean is asked for."""
    return FARTHEST * _functions(shape)[1](shape[..., 1])


def _functions(like: Any) -> tuple[Any, ...]:
    if isinstance(like, np.ndarray):
        return np.exp, np.tanh, np.sinh, np.arcsinh
    import tensorflow as tf

    return tf.exp, tf.tanh, tf.sinh, tf.asinh
