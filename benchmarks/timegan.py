"""The discriminative and the predictive score of TimeGAN, in its own protocol and in one without a leak.

Yoon, Jarrett, van der Schaar, "Time-series generative adversarial networks" (NeurIPS 2019), section 5: a small GRU is
trained to tell real windows from generated ones, and its accuracy on held-out windows is compared with 1/2; another is
trained on generated windows to forecast the last column from the others, and its error on real windows is reported.

- `published` does what the paper's code does, to give figures that stand beside its table (.102 and .038 for Google's
  stock): the file is read backwards in time, scaled by its overall extremes, cut into overlapping windows, and these
  are split at random, so that nearly every test window shares most of its days with training windows.
- `gap` trains on windows of the first 70 % of the rows and tests on windows of the rest, one window's width later. Each
  window holds the logarithms of its rows over its first one, scaled by the extremes of the training windows, and time
  runs forwards. Levels would not do: prices grow out of the range that the classifier was trained on, and on Google's
  stock it told real windows from real ones (.13) more surely than from noise (.09). The two protocols' figures can't
  be compared.

On that stock, training windows themselves get .00 and .037 of `published` and .01 to .03 and .025 to .027 of `gap`;
uniform noise gets .50 and .41, and .50 and .028. So the predictive score of `gap` hardly tells good from bad: how a
day's volume compares with that of a month ago can't be forecast much better than by a constant.

Two deviations from that code, neither of which favours a model: real and generated windows pass through the same
classifier, and each class has half the weight in its accuracy, whatever the number of windows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gankit.errors import DataError

Protocol = Literal["published", "gap"]
WIDTH = 24  # rows of a window
BATCH = 128  # windows of each class a step
TRAIN = {"published": 0.8, "gap": 0.7}  # of the windows, and of the rows


@dataclass(frozen=True)
class Windows:
    """Real windows, and how they were made.

    Attributes:
        train: `[n, width, columns]` float32, in [0, 1].
        test: `[m, width, columns]` float32; of `gap` it may leave [0, 1].
        low: `[columns]` float64, what became 0: values of the table, or of `gap` log ratios to the first row.
        range: `[columns]` float64, what became 1, less `low`.
        protocol: By which they were made.
    """

    train: np.ndarray
    test: np.ndarray
    low: np.ndarray
    range: np.ndarray
    protocol: Protocol

    def scaled(self, fake: np.ndarray) -> np.ndarray:
        """Windows `[k, width, columns]` in units of the table, time forwards, made like the real ones: float32.

        Raises:
            DataError: Of `gap`, values that are not positive.
        """
        fake = _relative(fake) if self.protocol == "gap" else np.asarray(fake)[:, ::-1]
        return ((fake - self.low) / self.range).astype(np.float32)


def windows(table: np.ndarray, width: int = WIDTH, protocol: Protocol = "published", seed: int = 0) -> Windows:
    """Cuts a table into training and test windows; see the module's docstring.

    Args:
        table: `[n, columns]`, the oldest row first.
        width: Rows of a window.
        protocol: Which split.
        seed: Of the random split of `published`.

    Raises:
        DataError: Another shape, not finite, a constant column, too short, or of `gap` values that are not positive.
        ValueError: Another protocol.
    """
    if protocol not in TRAIN:
        raise ValueError(f"the protocols are 'published' and 'gap', not {protocol!r}")
    table = np.asarray(table, np.float64)
    if table.ndim != 2 or table.shape[1] < 2 or not np.isfinite(table).all():
        raise DataError("this is no table of numbers with at least two columns", "give [rows, columns], all finite")
    gap, n = protocol == "gap", len(table)
    cut = int(n * TRAIN["gap"]) if gap else n
    if cut < width + 1 or (gap and n - cut - width < width):
        raise DataError(f"{n} rows are too few for windows of {width}", "give more rows, or smaller windows")
    train = _relative(_cut(table[:cut], width)) if gap else table
    low, extent = train.min(axis=(0, 1) if gap else 0), np.ptp(train, axis=(0, 1) if gap else 0)
    if (extent == 0).any():
        raise DataError(f"column {int(np.argmin(extent)) + 1} is constant", "leave it out")
    if gap:
        train, test = ((x - low) / extent for x in (train, _relative(_cut(table[cut + width :], width))))
    else:  # the earliest window is left out there, too
        train, test = _split(_cut((table[::-1] - low) / extent, width)[:-1], seed)
    return Windows(train.astype(np.float32), test.astype(np.float32), low, extent, protocol)


def discriminative(
    real: np.ndarray,
    fake: np.ndarray,
    *,
    real_test: np.ndarray,
    fake_test: np.ndarray,
    iterations: int = 2000,
    seed: int = 0,
) -> float:
    """Distance of a classifier's accuracy from 1/2: 0 where it can't tell, 1/2 where it always can.

    Args:
        real: `[n, width, columns]` float32 to train on.
        fake: `[m, width, columns]` float32 to train on.
        real_test: To test on.
        fake_test: To test on.
        iterations: Steps of Adam, each on 128 windows of each class.
        seed: Of the initial weights and the batches.

    Returns:
        In [0, 1/2].

    Raises:
        DataError: Windows of different shapes, or none.
    """
    import tensorflow as tf

    _alike(real, fake, real_test, fake_test)
    rng = np.random.default_rng(seed)
    network = _network(real.shape[1:], sequences=False, activation=None, seed=seed)
    everything = tf.constant(np.concatenate([real, fake]), tf.float32)
    size = min(BATCH, len(real), len(fake))
    batches = np.concatenate(
        [_batches(rng, len(real), size, iterations), len(real) + _batches(rng, len(fake), size, iterations)], axis=1
    )
    label = tf.repeat([[1.0], [0.0]], size, axis=0)

    def loss(rows: Any) -> Any:
        logit = network(tf.gather(everything, rows), training=True)
        # The paper's code adds up the means of both classes.
        return 2 * tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(label, logit))

    _train(network, loss, batches)
    said_real = [(_applied(network, test) > 0).mean() for test in (real_test, fake_test)]
    return float(abs((said_real[0] + 1 - said_real[1]) / 2 - 0.5))


def predictive(fake: np.ndarray, real_test: np.ndarray, *, iterations: int = 5000, seed: int = 0) -> float:
    """Mean absolute error on real windows of a network that learned from generated ones.

    It forecasts the next row's last column from all rows up to this one, without their last column.

    Args:
        fake: `[n, width, columns]` float32 to train on, its last column in [0, 1].
        real_test: `[m, width, columns]` float32.
        iterations: Steps of Adam on 128 windows each.
        seed: Of the initial weights and the batches.

    Returns:
        In units of the scaled column.

    Raises:
        DataError: Windows of different shapes, or none.
    """
    import tensorflow as tf

    _alike(fake, real_test)
    rng = np.random.default_rng(seed)
    width, columns = fake.shape[1:]
    network = _network((width - 1, columns - 1), sequences=True, activation="sigmoid", seed=seed)
    everything = tf.constant(fake, tf.float32)

    def loss(rows: Any) -> Any:
        batch = tf.gather(everything, rows)
        return tf.reduce_mean(tf.abs(network(batch[:, :-1, :-1], training=True) - batch[:, 1:, -1:]))

    _train(network, loss, _batches(rng, len(fake), min(BATCH, len(fake)), iterations))
    forecast = _applied(network, real_test[:, :-1, :-1])
    return float(np.abs(forecast - real_test[:, 1:, -1:]).mean(dtype=np.float64))


def scores(
    table: np.ndarray,
    fake: np.ndarray,
    protocol: Protocol = "published",
    *,
    classify: int = 2000,
    forecast: int = 5000,
    seed: int = 0,
) -> dict[str, float]:
    """Both scores of generated windows.

    Args:
        table: `[n, columns]` real rows, the oldest first.
        fake: `[m, width, columns]` generated windows in the units of the table, time forwards; of `gap`, of a model
            that was trained on the first 70 % of the rows alone.
        protocol: How real windows are cut and split; the generated ones are split at random in the same proportion.
        classify: Iterations of the classifier.
        forecast: Iterations of the forecaster.
        seed: Of the splits, the weights and the batches.

    Returns:
        `discriminative` and `predictive`; lower is better. The forecaster is tested on all real windows of
        `published`, as there, and on the test windows of `gap`.

    Raises:
        DataError: As `windows` and `discriminative`.
    """
    fake = np.asarray(fake)
    if fake.ndim != 3 or len(fake) < 5 or not np.isfinite(fake).all():
        raise DataError(f"generated windows have the shape {list(fake.shape)}", "give [5 or more, width, columns]")
    real = windows(table, fake.shape[1], protocol, seed)
    if fake.shape[2] != len(real.low):
        raise DataError(f"generated rows have {fake.shape[2]} columns, the table {len(real.low)}", "give the same ones")
    fake = real.scaled(fake)
    train, test = _split(fake, seed + 1, TRAIN[protocol])
    told = discriminative(real.train, train, real_test=real.test, fake_test=test, iterations=classify, seed=seed)
    goal = np.concatenate([real.train, real.test]) if protocol == "published" else real.test
    return {"discriminative": told, "predictive": predictive(fake, goal, iterations=forecast, seed=seed)}


def _cut(rows: np.ndarray, width: int) -> np.ndarray:
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(rows, width, axis=0).transpose(0, 2, 1))


def _relative(windows: np.ndarray) -> np.ndarray:
    """Logarithms of all rows over the first of their window."""
    windows = np.asarray(windows, np.float64)
    if not (windows > 0).all():
        raise DataError("windows hold values that are not positive", "leave out days without a price or without volume")
    logs = np.log(windows)
    return logs - logs[:, :1]


def _split(x: np.ndarray, seed: int, share: float = TRAIN["published"]) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(seed).permutation(len(x))
    cut = int(len(x) * share)
    return x[order[:cut]], x[order[cut:]]


def _alike(*sets: np.ndarray) -> None:
    if any(x.ndim != 3 or not len(x) or x.shape[1:] != sets[0].shape[1:] for x in sets):
        raise DataError(f"windows have the shapes {', '.join(str(list(x.shape)) for x in sets)}", "give like windows")


def _batches(rng: np.random.Generator, n: int, size: int, iterations: int) -> np.ndarray:
    """Rows of each step, `[iterations, size]` int32, no row twice in a step."""
    return np.stack([rng.choice(n, size, replace=False) for _ in range(iterations)]).astype(np.int32)


def _network(shape: tuple[int, ...], *, sequences: bool, activation: str | None, seed: int) -> Any:
    """A GRU with half as many units as a row has columns (of the whole table), and one output."""
    import keras

    units = max(1, (shape[1] + int(sequences)) // 2)
    start = [keras.initializers.GlorotUniform(seed=seed), keras.initializers.Orthogonal(seed=seed + 1)]
    head = keras.initializers.GlorotUniform(seed=seed + 2)
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.GRU(
                units,
                kernel_initializer=start[0],
                recurrent_initializer=start[1],
                return_sequences=sequences,
                reset_after=False,  # the cell of TensorFlow 1
            ),
            keras.layers.Dense(1, activation, kernel_initializer=head),
        ]
    )


def _applied(network: Any, x: np.ndarray) -> np.ndarray:
    """What the network says of `[n, ...]`, in pieces that fit the memory."""
    return np.concatenate([network(x[i : i + 4096], training=False).numpy() for i in range(0, len(x), 4096)])


def _train(network: Any, loss: Callable[[Any], Any], batches: np.ndarray) -> None:
    """One compiled loop over all steps; `batches` is `[iterations, rows]`."""
    import keras
    import tensorflow as tf

    optimizer, variables = keras.optimizers.Adam(1e-3, epsilon=1e-8), network.trainable_variables
    optimizer.build(variables)

    def run(steps: Any) -> None:
        for i in tf.range(tf.shape(steps)[0]):
            with tf.GradientTape() as tape:
                value = loss(steps[i])
            optimizer.apply(tape.gradient(value, variables), variables)

    steps = tf.constant(batches)
    # A concrete function: each network needs a new one, of which TensorFlow would warn.
    tf.function(run).get_concrete_function(steps)(steps)
