"""Stylised facts of log returns, and how far simulated paths are from the real ones.

Returns hardly correlate with each other, their sizes do for months (volatility clusters), falls are followed by higher
volatility (the leverage effect), tails are heavy and grow lighter over longer horizons (Cont, "Empirical properties of
asset returns: stylized facts and statistical issues", 2001).

The distances are those of Wiese, Knobloch, Korn and Kretschmer, "Quant GANs: deep generation of financial time series"
(2020), section 7: a function of the lag is computed of the real series and, path by path, of the simulated ones; the
mean over the paths is compared with the real one over the lags 1 to 250. That of autocorrelations is the root of the
mean squared difference, that of the leverage function, corr(r_t, r_{t+k}^2), the root of the sum. This scaling was
found by recomputing published figures. On the S&P 500 from May 2009 to December 2018 (2,433 returns), paths of the same
length give, with the standard deviation over seeds of 500 paths behind the sign:

| paths | acf | acf_abs | acf_sq | leverage |
|---|---|---|---|---|
| GARCH(1,1), constant mean, Gaussian innovations | .0221 ± .0001 | .0299 ± .0004 | .0256 ± .0003 | .436 ± .003 |
| the paper's GARCH | .0223 | .0291 | .0253 | .464 |
| stationary bootstrap, blocks of 50 days on average | .0168 ± .0001 | .0332 ± .0004 | .0248 ± .0003 | .251 ± .001 |

Both correlation functions divide by n and not by n - k (so do the figures above): their bias towards 0 depends on the
length, so give paths as long as the real series. No score of a true model would be 0, since one real series has chance
in it; a model that replays history, like the bootstrap, can be nearer to it than the truth: see `copies`.
"""

from __future__ import annotations

import numpy as np

from gankit.errors import DataError

LAGS = 250  # a year of sessions
TAIL = 0.05
HORIZONS = (1, 5, 20, 100)  # days: a day, a week, a month, and the longest of the paper


def acf(x: np.ndarray, lags: int) -> np.ndarray:
    """Autocorrelations at the lags 1 to `lags`, of the biased estimator.

    Args:
        x: `[..., n]` float, with n > `lags`.
        lags: The greatest lag, at least 1.

    Returns:
        `[..., lags]` float64.

    Raises:
        DataError: Too short, constant, or not finite.
    """
    x, scale = _centred(checked(x, lags + 1))
    return _products(x, x, lags) / (scale**2)[..., None]


def leverage(r: np.ndarray, lags: int) -> np.ndarray:
    """Correlation of each return with the squared return k days later, for k from 1 to `lags`.

    Args:
        r: Log returns, `[..., n]` float, with n > `lags`.
        lags: The greatest lag, at least 1.

    Returns:
        `[..., lags]` float64; negative where falls announce volatility.

    Raises:
        DataError: Too short, constant (in value or in size), or not finite.
    """
    r = checked(r, lags + 1)
    (x, x_scale), (y, y_scale) = _centred(r), _centred(r**2)
    return _products(x, y, lags) / (x_scale * y_scale)[..., None]


def moment(r: np.ndarray, order: int) -> np.ndarray:
    """Standardised moment of `[..., n]`, as `[...]` float64: the third is the skewness, the fourth 3 for a Gaussian.

    Raises:
        DataError: Constant or not finite.
    """
    x, scale = _centred(checked(r, 2))
    return ((x / scale[..., None]) ** order).sum(axis=-1) * x.shape[-1] ** (order / 2 - 1)


def hill(r: np.ndarray, tail: float = TAIL) -> np.ndarray:
    """Tail index of the upper tail (Hill 1975); that of the lower one is `hill(-r)`.

    The density falls like x^-(1 + index): daily returns have an index of about 3, and smaller is heavier.

    Args:
        r: `[..., n]` float.
        tail: Share of the values that count as the tail.

    Returns:
        `[...]` float64, positive.

    Raises:
        DataError: Fewer than two values in the tail, or the tail is not above 0, or all in it are equal.
    """
    r = checked(r, 2)
    n = r.shape[-1]
    k = int(n * tail)
    if k < 2:
        raise DataError(f"the tail of {n} returns has {k} value(s)", f"give at least {int(np.ceil(2 / tail))} returns")
    top = np.partition(r, n - k - 1, axis=-1)[..., n - k - 1 :]
    least = top[..., :1]
    if (least <= 0).any() or (top.max(axis=-1) == least[..., 0]).any():
        raise DataError("the largest returns are not above 0, or all equal", "look for repeated or missing prices")
    return k / np.log(top[..., 1:] / least).sum(axis=-1)


def summed(r: np.ndarray, days: int) -> np.ndarray:
    """Log returns over `days` days, overlapping: `[..., n]` gives `[..., n - days + 1]` float64."""
    total = np.cumsum(r, axis=-1, dtype=np.float64)
    total[..., days:] -= total[..., :-days].copy()
    return total[..., days - 1 :]


def facts(r: np.ndarray) -> dict[str, float]:
    """Figures of the distribution; of several paths `[paths, n]`, the median over them, as few huge ones rule a mean.

    Returns:
        `skewness`; `kurtosis` of daily and `kurtosis_20` of monthly returns (lower: returns over longer horizons are
        nearer to a Gaussian); `hill_upper` and `hill_lower`, the tail indices.

    Raises:
        DataError: As the functions of these names.
    """
    r = checked(r, max(HORIZONS))
    each = {
        "skewness": moment(r, 3),
        "kurtosis": moment(r, 4) - 3,
        "kurtosis_20": moment(summed(r, 20), 4) - 3,
        "hill_upper": hill(r),
        "hill_lower": hill(-r),
    }
    return {name: float(np.median(value)) for name, value in each.items()}


def distances(real: np.ndarray, paths: np.ndarray, lags: int = LAGS) -> dict[str, float]:
    """How far paths are from the real series; 0 is best.

    Args:
        real: `[n]` log returns.
        paths: `[paths, n]` simulated ones; the same n makes the figures comparable.
        lags: The greatest lag.

    Returns:
        `acf`, `acf_abs`, `acf_sq` (of returns, of their sizes, of their squares) and `leverage`: see the module.
        `emd_1`, `emd_5`, `emd_20`, `emd_100`: the Wasserstein-1 distance, in log return, of the distributions of
        returns over that many days, of all paths together.

    Raises:
        DataError: Wrong shapes, fewer than `lags` + 1 or 100 returns, a constant path, or not finite.
    """
    from scipy.stats import wasserstein_distance

    real, paths = (checked(x, max(lags + 1, *HORIZONS)) for x in (real, paths))
    if real.ndim != 1 or paths.ndim != 2:
        raise DataError(
            f"the real returns have the shape {list(real.shape)}, the paths {list(paths.shape)}",
            "give one real series, [n], and paths, [paths, n]",
        )
    found = {}
    for name, shape in (("acf", np.asarray), ("acf_abs", np.abs), ("acf_sq", np.square)):
        gap = acf(shape(real), lags) - acf(shape(paths), lags).mean(axis=0)
        found[name] = float(np.sqrt(np.mean(gap**2)))
    found["leverage"] = float(np.linalg.norm(leverage(real, lags) - leverage(paths, lags).mean(axis=0)))
    for days in HORIZONS:
        found[f"emd_{days}"] = float(wasserstein_distance(summed(real, days), summed(paths, days).ravel()))
    return found


def checked(x: np.ndarray, least: int) -> np.ndarray:
    """Returns as float64 `[..., n]`.

    Raises:
        DataError: Fewer than `least` of them, or not finite.
    """
    x = np.asarray(x, np.float64)
    if x.ndim == 0 or x.size == 0 or x.shape[-1] < least:
        raise DataError(f"{x.shape[-1] if x.ndim else 0} returns are too few, {least} are needed", "give longer series")
    if not np.isfinite(x).all():
        raise DataError("returns must be finite, and some are not", "look for missing or zero prices")
    return x


def _centred(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Less the mean `[..., n]`, and the root of the sum of squares `[...]`."""
    largest = np.abs(x).max(axis=-1)
    x = x - x.mean(axis=-1, keepdims=True)
    # Rounding leaves some 1e-16 of the size to a constant series.
    if (np.abs(x).max(axis=-1) <= 1e-12 * largest).any():
        raise DataError("a series of returns, or of their sizes, is constant", "it has no correlations; leave it out")
    return x, np.sqrt((x**2).sum(axis=-1))


def _products(x: np.ndarray, y: np.ndarray, lags: int) -> np.ndarray:
    """Sums over t of x_t y_{t+k}, for k from 1 to `lags`, by FFT; zeros behind the end keep it from wrapping round."""
    size = 1 << (x.shape[-1] + lags - 1).bit_length()
    spectrum = np.fft.rfft(x, size).conj() * np.fft.rfft(y, size)
    return np.fft.irfft(spectrum, size)[..., 1 : lags + 1]
