"""Single forecasts of the close that the model has to beat; each knows only the closes up to its origin.

    persistence   the last close
    drift         the last close, moved on by the mean log return of the whole past
    ridge         ridge regression of the coming log return on the last five
    arima         ARIMA(1, 1, 1) with drift of the log close

Sources: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.2 (persistence is their naive method) and
chapter 9; Hoerl & Kennard 1970.
"""

from __future__ import annotations

import numpy as np

from gankit.errors import DataError

LAGS = 5
RIDGE = 1.0  # penalty, on standardised inputs
LEAST_PAST = 60  # closes before the first origin
ARIMA_REFIT = 3  # an exact likelihood of thousands of days is slow: a new one at every third refit only


def points(close: np.ndarray, start: int, horizon: int = 1, refit: int = 21) -> dict[str, np.ndarray]:
    """Forecasts of every close from `start` on, each made `horizon` days before.

    Ridge and ARIMA take new parameters every `refit` days (ARIMA every third time), from the closes up to the
    origin of the block's first forecast, and go on with the newest closes between.

    Args:
        close: Positive closes, float64 `[n]`.
        start: The first row to forecast.
        horizon: Days ahead: the forecast of row t uses `close[: t - horizon + 1]`.
        refit: Days between two estimates.

    Returns:
        `persistence`, `drift`, `ridge`, `arima` -> float64 `[n - start]`, in the unit of the closes.

    Raises:
        DataError: If a close is not a positive number, or too few lie before `start`.
    """
    close = np.asarray(close, np.float64)
    if not (np.isfinite(close).all() and (close > 0).all()):
        raise DataError("a close is not a positive number", "drop or mend the rows without a price")
    if not LEAST_PAST + 2 * horizon <= start < len(close):
        raise DataError(
            f"{len(close)} closes cannot be split at {start}",
            f"at least {LEAST_PAST + 2 * horizon} must lie before the first forecast, and one after",
        )
    log = np.log(close)
    origins = np.arange(start, len(close)) - horizon
    moves = {
        "persistence": np.zeros(len(origins)),
        "drift": horizon * (log[origins] - log[0]) / origins,
        "ridge": _ridge(log, origins, horizon, refit),
        "arima": _arima(log, origins, horizon, ARIMA_REFIT * refit),
    }
    return {name: close[origins] * np.exp(move) for name, move in moves.items()}


def _ridge(log: np.ndarray, origins: np.ndarray, horizon: int, refit: int) -> np.ndarray:
    """Expected log return of the next `horizon` days at each origin, `[origins]`."""
    from sklearn.linear_model import Ridge

    returns = np.diff(log)
    inputs = np.lib.stride_tricks.sliding_window_view(returns, LAGS)  # row i: returns up to close i + LAGS
    found = []
    for block in np.split(origins, range(refit, len(origins), refit)):  # each shares an estimate, made at its first
        known = np.arange(LAGS, block[0] - horizon + 1)  # origins whose outcome was known at the estimate
        x = inputs[known - LAGS]
        mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-12)
        line = Ridge(RIDGE).fit((x - mean) / spread, log[known + horizon] - log[known])
        weights = line.coef_ / spread
        shift = float(line.intercept_) - mean @ weights
        # Lag by lag, since a product of matrices may round a row differently when the block has another length.
        found.append(shift + sum(inputs[block - LAGS, lag] * weights[lag] for lag in range(LAGS)))
    return np.concatenate(found)


def _arima(log: np.ndarray, origins: np.ndarray, horizon: int, refit: int) -> np.ndarray:
    """Expected log return of the next `horizon` days at each origin, `[origins]`.

    The difference of an ARIMA(1, 1, 1) is an ARMA(1, 1): statsmodels estimates it, and its one-step errors are
    followed from the first return on, whose own error is taken as its distance from the mean.
    """
    from scipy.signal import lfilter

    returns, found = np.diff(log), []
    for block in np.split(origins, range(refit, len(origins), refit)):  # each shares an estimate, made at its first
        mean, ar, ma = _arma(returns[: block[0]])
        rest = returns[: block[-1]] - mean
        errors = lfilter([1.0, -ar], [1.0, ma], rest)
        following = ar * rest + ma * errors  # expected next return, less the mean
        found.append(horizon * mean + following[block - 1] * sum(ar**k for k in range(horizon)))
    return np.concatenate(found)


def _arma(returns: np.ndarray) -> tuple[float, float, float]:
    """Mean, AR and MA coefficient of an ARMA(1, 1) by exact likelihood; of returns that never vary, no dependence."""
    import warnings

    from statsmodels.tsa.arima.model import ARIMA

    scale = float(returns.std())
    if scale < 1e-12:
        return float(returns.mean()), 0.0, 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a start that is not stationary: the estimate is made so
        fitted = ARIMA(returns / scale, order=(1, 0, 1), trend="c").fit(method="innovations_mle")
    mean, ar, ma = (float(value) for value in fitted.params[:3])
    return mean * scale, ar, ma
