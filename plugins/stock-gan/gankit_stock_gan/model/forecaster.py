"""A trained generator at work, in NumPy: what it says of the next session, for every session at once.

The network is tiny, and simulation calls it once a day of each path: calls into TensorFlow would cost more than the
arithmetic. `tests/test_model.py` holds both to the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gankit_stock_gan.model import calibration
from gankit_stock_gan.model.memory import BURN_IN, FIGURES
from gankit_stock_gan.model.noise import shaped
from gankit_stock_gan.model.windows import Past


@dataclass(frozen=True)
class Forecaster:
    """The generator's weights, and what using it takes.

    Attributes:
        weights: Of `networks.days`: the LSTM's kernel, recurrent kernel and bias; kernel and bias of the layers behind.
        window: Sessions that are read before a forecast.
        memory: Past forecasts that correct the next one.
    """

    weights: tuple[np.ndarray, ...]
    window: int
    memory: int

    @classmethod
    def of(cls, network: Any, window: int, memory: int) -> Forecaster:
        """From the Keras network."""
        return cls(tuple(np.asarray(w, np.float64) for w in network.get_weights()), window, memory)

    @property
    def units(self) -> int:
        """Of the LSTM."""
        return len(self.weights[1])

    @property
    def earliest(self) -> int:
        """The first session whose successor is forecast."""
        return BURN_IN + self.window - 1

    def start(self, count: int) -> np.ndarray:
        """The LSTM's state before it has read anything, `[count, 2 units]`."""
        return np.zeros((count, 2 * self.units))

    def read(self, seen: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One session.

        Args:
            seen: `[n, FIGURES]`.
            state: `[n, 2 units]`.

        Returns:
            The shape of the next return's distribution, `[n, SHAPES]`, and the state afterwards.
        """
        kernel, recurrent, bias, hidden, hidden_bias, last, last_bias = self.weights
        output, carry = state[:, : self.units], state[:, self.units :]
        gates = np.split(seen @ kernel + output @ recurrent + bias, 4, axis=1)
        enter, forget, leave = (_sigmoid(gates[i]) for i in (0, 1, 3))
        carry = forget * carry + enter * np.tanh(gates[2])
        output = leave * np.tanh(carry)
        shape = np.tanh(np.concatenate([output, seen], 1) @ hidden + hidden_bias) @ last + last_bias
        return shape, np.concatenate([output, carry], 1)

    def after(self, past: Past, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the generator says after each of some sessions, from the `window` sessions up to it.

        Args:
            past: The series.
            rows: `[k]`, none before `earliest`.

        Returns:
            Shapes of the next returns, `[k, SHAPES]`, and states, `[k, 2 units]`.
        """
        assert past.seen.shape[1] == FIGURES and rows.min(initial=self.earliest) >= self.earliest
        state = self.start(len(rows))
        for back in range(self.window - 1, -1, -1):
            shape, state = self.read(past.seen[rows - back], state)
        return shape, state

    def raw(self, past: Past, rows: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Uncorrected quantiles of the return after each of some sessions.

        Args:
            past: The series.
            rows: `[k]`.
            levels: `[m]`, or `[k, m]` for levels of their own.

        Returns:
            `[k, m]` log returns, ascending where the levels are.
        """
        from scipy.special import ndtri

        shape, _ = self.after(past, rows)
        return past.scale[rows, None] * shaped(shape, ndtri(np.broadcast_to(levels, (len(rows), np.shape(levels)[-1]))))

    def pits(self, past: Past) -> np.ndarray:
        """Levels at which the raw forecasts had put each return, `[n]`; NaN up to `earliest`."""
        rows, grid = np.arange(self.earliest, len(past.returns) - 1), calibration.levels(400)
        found = np.full(len(past.returns), np.nan)
        if len(rows):
            quantiles = self.raw(past, rows, grid)
            for row, line in zip(rows, quantiles, strict=True):
                found[row + 1] = np.interp(past.returns[row + 1], line, grid)
        return found

    def levels(self, past: Past, rows: np.ndarray, count: int) -> np.ndarray:
        """Corrected levels of `count` equally likely draws for the session after each of some, `[k, count]`."""
        return calibration.rolling(self.pits(past), rows + 1, self.memory, calibration.levels(count))

    def forecast(self, past: Past, rows: np.ndarray, count: int) -> np.ndarray:
        """Corrected, equally likely draws of the return after each of some sessions, `[k, count]`, ascending."""
        return self.raw(past, rows, self.levels(past, rows, count))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
