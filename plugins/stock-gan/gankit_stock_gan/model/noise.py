"""How noise becomes a return: the sinh-arcsinh transformation, for arrays and for tensors."""

from __future__ import annotations

from typing import Any

from gankit_stock_gan.model.memory import functions

SHAPES = 4  # a, b, c, d
MEAN = 1  # which of them the baseline LSTM, which learns a mean alone, is asked for
WIDEST, SKEWEST = 1.5, 1.0  # bounds of a and c
FARTHEST = 0.3  # of b: a median that is further from 0, in units of volatility, would make a fortune in a year
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
    exp, tanh, sinh, asinh = functions(z, "exp", "tanh", "sinh", "asinh")
    a, b, c, d = (tanh(shape[..., i : i + 1]) for i in range(4))
    tails = MIDDLE * exp(TAILS * d)
    middle = sinh(SKEWEST * c / tails)
    return exp(WIDEST * a) * (FARTHEST * b + tails * (sinh((asinh(z) + SKEWEST * c) / tails) - middle))
