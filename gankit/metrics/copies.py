"""Memorisation: whether generated samples lie closer to the training data than unseen real samples do.

For a sample of the true distribution, generated or real, the distance to the nearest training sample has the same
distribution. So real samples that were held out give the scale, and two figures have known values for a healthy model:

- `copied`: the share of generated samples nearer to a training sample than 1 % of the held-out ones are. A healthy
  model has 1 %; one that copies has 100 %; one that copies half of the time has 50 %, however bad the other half is.
- `nearer`: how often a generated sample is nearer than a held-out one (the area under the curve that tells the two by
  their distance). A healthy model has 1/2, one that copies 1. Samples of poor quality lie far from everything and draw
  it towards 0, so it must be read beside a figure of quality (Meehan, Chaudhuri, Dasgupta, "A non-parametric test to
  detect data-copying in generative models", 2020, test the same statistic).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gankit.errors import DataError
from gankit.metrics.distances import TIE, nearest
from gankit.metrics.samples import checked
from gankit.metrics.score import Score


def memorisation(
    train: Any,
    held_out: Any,
    fake: Any,
    *,
    features: str | Mapping[str, Any],
    quantile: float = 0.01,
) -> dict[str, Score]:
    """Both figures; see the module's docstring.

    Args:
        train: `[n, width]`, the features of the very samples that the model was trained on: of all of them, since a
            copy of one that is left out would not be found.
        held_out: `[m, width]`, of real samples that it was not trained on, drawn like the training data.
        fake: `[g, width]`, of generated ones.
        features: What the features are: the network, the hash of its weights, how images were resized.
        quantile: Share of the held-out samples that sets the threshold of `copied`.

    Returns:
        `copied` and `nearer`. The protocol's `healthy` is the value for a healthy model: for `copied` the share of
        held-out samples within the threshold, which exceeds `quantile` where the real data repeat themselves. The
        errors are standard errors, of `copied` for the chance in both samples, of `nearer` for a healthy model.

    Raises:
        DataError: Fewer held-out samples than 1 / `quantile`, different widths, or values that are not finite.
        ValueError: The quantile is not between 0 and 1.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> train, held_out = rng.normal(size=(2, 200, 2))
        >>> memorisation(train, held_out, train, features="the numbers themselves")["copied"].value
        1.0
    """
    if not 0 < quantile < 1:
        raise ValueError(f"a quantile lies between 0 and 1, not at {quantile}")
    train = checked(train, "training features")
    width = train.shape[1]
    held_out = checked(held_out, "held-out features", 1, width)
    fake = checked(fake, "generated features", 1, width)
    n, m = len(held_out), len(fake)
    if n * quantile < 1:
        raise DataError(
            f"a quantile of {quantile} needs {math.ceil(1 / quantile)} held-out samples, and there are {n}",
            "hold out more samples, or take a larger quantile, which is another protocol",
        )
    real_distance, distance = (nearest(x, train)[:, 0] for x in (held_out, fake))
    threshold = np.partition(real_distance, round(n * quantile) - 1)[round(n * quantile) - 1]
    threshold *= 1 + TIE
    # Of a healthy model's samples j / (n + 1) are below the j-th of n, on average.
    healthy = np.count_nonzero(real_distance <= threshold) / (n + 1)
    copied = np.count_nonzero(distance <= threshold) / m
    copied_error = math.sqrt(copied * (1 - copied) / m + healthy * (1 - healthy) / n)
    real_distance.sort()
    below = np.searchsorted(real_distance, distance * (1 - TIE), "left")
    upto = np.searchsorted(real_distance, distance * (1 + TIE), "right")
    nearer = 1 - (below + upto).mean() / (2 * n)  # a tie counts half
    nearer_error = math.sqrt((n + m + 1) / (12 * n * m))  # Mann and Whitney (1947)
    protocol = {
        "features": features,
        "width": width,
        "train": len(train),
        "held_out": n,
        "fake": m,
        "error": "standard error",
    }
    return {
        "copied": Score("copied", copied, copied_error, protocol | {"quantile": quantile, "healthy": healthy}),
        "nearer": Score("nearer", nearer, nearer_error, protocol | {"healthy": 0.5}),
    }
