"""Whether a difference is more than luck: tests of forecasts and of Value at Risk, and a bootstrap.

Sources: Diebold & Mariano 1995 with the correction of Harvey, Leybourne & Newbold 1997; Newey & West 1987; Kupiec 1995;
Christoffersen 1998; Politis & Romano 1994.
"""

from __future__ import annotations

import math

import numpy as np

from gankit.errors import DataError


def diebold_mariano(loss_a: np.ndarray, loss_b: np.ndarray, horizon: int = 1) -> tuple[float, float]:
    """Whether two forecasts have the same expected loss.

    The variance of the mean difference takes the first horizon - 1 autocovariances with equal weights, since forecasts
    of h days ahead have errors that overlap on h - 1 days. If that is not positive, Bartlett's falling weights are
    taken, which are never negative. The statistic is shrunk for short samples and held against Student's t with
    n - 1 degrees of freedom.

    Args:
        loss_a: Daily losses, float64 `[days]`; lower is better.
        loss_b: Those of the other forecast on the same days.
        horizon: Days ahead of both forecasts.

    Returns:
        The statistic, negative if `a` is better, and the two-sided p value. Equal losses give (0, 1).

    Raises:
        DataError: If the days differ in number, hold a value that is not finite, or are too few for the horizon.
    """
    if len(loss_a) != len(loss_b) or len(loss_a) < max(3, 2 * horizon):
        raise DataError(
            f"{len(loss_a)} and {len(loss_b)} losses at {horizon} days ahead cannot be compared",
            "both forecasts need the same test days, at least 3 and at least twice the horizon",
        )
    from scipy.stats import t as student

    difference = np.asarray(loss_a, float) - np.asarray(loss_b, float)
    n, mean = len(difference), float(difference.mean())
    if not math.isfinite(mean):
        raise DataError("a daily loss is not a finite number", "look for missing prices in the test days")
    rest = difference - mean
    covariances = np.array([rest[k:] @ rest[: n - k] / n for k in range(horizon)])
    variance = covariances[0] + 2 * covariances[1:].sum()
    if variance <= 0:
        variance = covariances[0] + 2 * ((1 - np.arange(1, horizon) / horizon) * covariances[1:]).sum()
    if variance <= 0:
        return (0.0, 1.0) if mean == 0 else (math.copysign(math.inf, mean), 0.0)
    shrink = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    statistic = mean / math.sqrt(variance / n) * math.sqrt(shrink)
    return statistic, float(2 * student.sf(abs(statistic), n - 1))


def kupiec(violations: int, days: int, level: float) -> tuple[float, float]:
    """Whether a Value at Risk was broken as often as its level says.

    Args:
        violations: Days whose loss was larger.
        days: All days, at least one.
        level: Expected share, for instance 0.01.

    Returns:
        The likelihood ratio and its p value (chi square, one degree of freedom).
    """
    from scipy.special import xlogy
    from scipy.stats import chi2

    def likelihood(share: float) -> float:
        return float(xlogy(violations, share) + xlogy(days - violations, 1 - share))

    ratio = max(2 * (likelihood(violations / days) - likelihood(level)), 0.0)
    return ratio, float(chi2.sf(ratio, 1))


def christoffersen(hits: np.ndarray) -> tuple[float, float]:
    """Whether violations come independently, against a first-order Markov chain in which they come in clusters.

    Args:
        hits: Whether the Value at Risk was broken, bool `[days]`.

    Returns:
        The likelihood ratio and its p value (chi square, one degree of freedom); (0, 1) where it says nothing,
        because there was no violation or nothing else.
    """
    from scipy.special import xlogy
    from scipy.stats import chi2

    before, after = np.asarray(hits, bool)[:-1], np.asarray(hits, bool)[1:]

    def likelihood(days: np.ndarray) -> float:
        ones, zeros = int(days.sum()), int((~days).sum())
        return float(xlogy(ones, ones / max(len(days), 1)) + xlogy(zeros, zeros / max(len(days), 1)))

    ratio = max(2 * (likelihood(after[before]) + likelihood(after[~before]) - likelihood(after)), 0.0)
    return ratio, float(chi2.sf(ratio, 1))


def stationary_bootstrap_indices(n: int, mean_block: float, rng: np.random.Generator, count: int) -> np.ndarray:
    """Rows of resampled series that keep the dependence of neighbouring days.

    Blocks start anywhere, last a geometric number of days and go round the end of the series.

    Args:
        n: Days of the series.
        mean_block: Mean length of a block in days, at least 1.
        rng: Source of chance.
        count: Number of resampled series.

    Returns:
        int64 `[count, n]` with values in [0, n).
    """
    starts = rng.integers(n, size=(count, n))
    return blocks(starts, rng.random(starts.shape) < 1 / mean_block, n)


def blocks(starts: np.ndarray, begins: np.ndarray, n: int) -> np.ndarray:
    """Rows of a series of n days, in blocks.

    Args:
        starts: The row at which a block starts, if one begins there, int64 `[count, length]`.
        begins: Where a block begins, bool `[count, length]`; one always begins at the first place.
        n: Days of the series; behind its end it goes on from its beginning.
    """
    begins[:, 0] = True
    day = np.arange(starts.shape[1])
    first = np.maximum.accumulate(np.where(begins, day, 0), axis=1)  # of the block in which each day lies
    return (np.take_along_axis(starts, first, axis=1) + day - first) % n
