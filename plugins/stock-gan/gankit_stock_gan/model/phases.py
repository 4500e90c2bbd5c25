"""The game: what the generator and the discriminator minimise.

- `score`: the CRPS of each session's return given those before, in units of its volatility, over every session of the
  window (Gneiting & Raftery 2007, equation 20). The noise is stratified: m quantiles, jittered together, so that little
  of the gradient is chance.
- `path`: the energy score (equation 22 there) of the days up to the horizon, as cumulated returns.
- `adversarial`: the discriminator's verdict on a window with its future, real or generated.
- `lstm`: apart from the game, a network like the generator learns the mean of the next return by least squares: the
  baseline of the same size.

Both scores are proper: they are least, on average, for the true distribution. An adversarial loss alone has no such
minimum in a finite game, which is why weights are selected by the held-out CRPS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from gankit import Data, Monitor, Phase, Selection, Stage, Terms, Turn
from gankit.nn import cross_entropy
from gankit_stock_gan.config import StockConfig
from gankit_stock_gan.model.memory import figures, scale, update
from gankit_stock_gan.model.noise import MEAN, SHAPES, shaped
from gankit_stock_gan.model.windows import HELD_OUT, TRAIN

STRATA = 16  # quantiles of the noise in the score
# Of sorted draws, sum_ij |x_i - x_j| / (2 m^2) is the sum of these times the draws.
_RANKS = (2 * np.arange(STRATA) - STRATA + 1) / STRATA**2
SETTLED = 5  # sessions that the LSTM reads before it is scored


@dataclass(frozen=True)
class ReturnsGame:
    """The losses of one training.

    Attributes:
        config: Weights and sizes.
        probe: (networks, data) -> "crps_bps", by which weights are chosen.
    """

    config: StockConfig
    probe: Callable[[Mapping[str, Any], Data], Mapping[str, float]]

    def stage(self) -> Stage:
        """The only stage."""
        config, weights = self.config, self.config.weights
        share = {name: weight for name, weight in weights if weight}
        phases = [
            Phase("generator", ("generator",), self.generate, share, lr=config.rate, clip=1.0),
            Phase("lstm", ("lstm",), self.regress, lr=config.rate, clip=1.0),
        ]
        if weights.adversarial:
            phases.insert(0, Phase("discriminator", ("discriminator",), self.discriminate, lr=config.rate))
        monitor = Monitor(self.watched, reads=(HELD_OUT,)) if weights.adversarial else None
        return Stage(
            "training", config.steps, tuple(phases), self.shared, reads=(TRAIN,), monitor=monitor,
            selection=Selection("crps_bps", ("generator",)), probe=self.probe,
        )  # fmt: skip

    def shared(self, turn: Turn) -> Mapping[str, Any]:
        """What the window says of each next session, and paths that continue it."""
        shapes, state = self._window(turn, "generator")
        return {"shapes": shapes, "paths": self._paths(turn, shapes[:, -1], state)}

    def _window(self, turn: Turn, network: str) -> tuple[Any, Any]:
        """What a network says after each session, `[batch, window, SHAPES]`, and its last state."""
        seen, shapes = turn["seen"], []
        state = tf.zeros((tf.shape(seen)[0], 2 * self.config.units), seen.dtype)
        for day in range(self.config.window):
            shape, state = self._read(turn, network, seen[:, day], state)
            shapes.append(shape)
        return tf.stack(shapes, 1), state

    def _read(self, turn: Turn, network: str, seen: Any, state: Any) -> tuple[Any, Any]:
        found = tf.cast(turn(network, tf.concat([seen, state], -1)), seen.dtype)
        return found[:, :SHAPES], found[:, SHAPES:]

    def _paths(self, turn: Turn, shape: Any, state: Any) -> Any:
        """Returns after the window, `[batch, samples, horizon]`."""
        count, days = self.config.samples, self.config.horizon
        noise = tf.reshape(turn.normal("noise", count, days), (-1, days))
        memory, shape, state = (tf.repeat(x, count, axis=0) for x in (turn["memory"], shape, state))
        noise = tf.cast(noise, memory.dtype)
        path = []
        for day in range(days):
            drawn = scale(memory) * shaped(shape, noise[:, day : day + 1])[:, 0]
            path.append(drawn)
            if day + 1 < days:
                memory = update(memory, drawn)
                shape, state = self._read(turn, "generator", figures(memory, drawn), state)
        return tf.reshape(tf.stack(path, 1), (-1, count, days))

    def generate(self, turn: Turn) -> Terms:
        """The generator's losses."""
        weights, terms = self.config.weights, {}
        if weights.score:
            terms["score"] = self.score(turn)
        if weights.path:
            terms["path"] = self.path(turn)
        if weights.adversarial:
            terms["adversarial"] = cross_entropy(self._judged(turn, turn.shared["paths"][:, 0]), True)
        return terms

    def score(self, turn: Turn) -> Any:
        """Mean CRPS over the sessions of the window, in units of their volatility, `[batch]`."""
        target, unit = self._targets(turn)
        strata = (tf.range(STRATA, dtype=unit.dtype) + tf.cast(turn.uniform("strata", 1), unit.dtype)) / STRATA
        noise = tf.math.ndtri(tf.clip_by_value(strata, 1e-4, 1 - 1e-4))
        drawn = shaped(turn.shared["shapes"][:, SETTLED:], noise[:, None])
        miss = tf.reduce_mean(tf.abs(drawn - target[..., None]), -1)
        spread = tf.reduce_sum(drawn * _RANKS.astype(unit.dtype.as_numpy_dtype), -1)
        return tf.reduce_mean(miss - spread, 1)

    def regress(self, turn: Turn) -> Terms:
        """The baseline's squared error, of the mean of each next return in units of its scale."""
        shapes, _ = self._window(turn, "lstm")
        target, _ = self._targets(turn)
        return {"square": tf.reduce_mean(tf.square(shapes[:, SETTLED:, MEAN] - target), 1)}

    def _targets(self, turn: Turn) -> tuple[Any, Any]:
        """The return after each session that is scored, in units of the scale there, and that scale."""
        unit = turn["scale"][:, SETTLED:]
        return tf.concat([turn["past"], turn["future"][:, :1]], 1)[:, SETTLED + 1 :] / unit, unit

    def path(self, turn: Turn) -> Any:
        """Energy score of the cumulated returns up to the horizon, `[batch]`."""
        paths, future = turn.shared["paths"], turn["future"]
        days = tf.range(1, self.config.horizon + 1, dtype=future.dtype)
        unit = scale(turn["memory"])[:, None] * tf.sqrt(days)

        def place(returns: Any) -> Any:
            return tf.cumsum(returns, axis=-1)

        def apart(a: Any, b: Any) -> Any:
            return tf.sqrt(tf.reduce_mean(tf.square((a - b) / unit[:, None]), -1) + 1e-6)

        count = self.config.samples
        miss = tf.reduce_mean(apart(place(paths), place(future)[:, None]), 1)
        pairs = [apart(place(paths), tf.roll(place(paths), shift, axis=1)) for shift in range(1, count)]
        return miss - tf.reduce_mean(tf.add_n(pairs) / (count - 1), 1) / 2

    def discriminate(self, turn: Turn) -> Terms:
        """The discriminator's losses."""
        fake = turn.shared["paths"][:, 0]
        return {
            "real": cross_entropy(self._judged(turn, turn["future"]), True),
            "fake": cross_entropy(self._judged(turn, fake), False),
        }

    def _judged(self, turn: Turn, future: Any) -> Any:
        whole = tf.concat([turn["past"], future], 1) / scale(turn["memory"])[:, None]
        return turn("discriminator", tf.asinh(whole))

    def watched(self, turn: Turn) -> Mapping[str, Any]:
        """What the discriminator says of held-out windows."""
        fake = turn.shared["paths"][:, 0]
        return {"real": self._judged(turn, turn["future"]), "fake": self._judged(turn, fake)}
