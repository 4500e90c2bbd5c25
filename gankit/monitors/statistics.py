"""Statistics of one look at a training: what the discriminator says, and how the samples compare with real examples.

All are cheap enough for a look every few seconds: wide examples are reduced to sums of 256 groups first, so distances
are right to a few per cent. They are meant for alarms; `gankit.metrics` has the figures that one reports.

`duplicates` and `copied` count what is within the range of 1 % of real examples: a perfect generator has 1 % or less.
Real data may repeat themselves, and then so may samples: only what exceeds the share of repeated examples counts.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from gankit.metrics.distances import TIE, distance_blocks
from gankit.metrics.neighbours import expected_coverage

NEIGHBOURS = 5  # of coverage, as Naeem et al. (2020) take them
QUANTILE = 0.01  # share of real examples that sets the thresholds of `duplicates` and `copied`
TWINS = 0.5  # of the threshold, the distance below which samples are duplicates
REPEATED = 0.5  # where more real examples than this are repeated, repeated samples tell nothing
FEWEST = 10  # examples; the distances of fewer set no threshold
REFERENCES = 20_000  # training examples at most, among which copies are sought
_PROBES = 1000  # of them, whose own distances set the threshold of `copied`
_WIDE, _GROUPS = 512, 256  # examples with more values than this are reduced to so many
_NARROW = 64  # up to this width, distances are short against float32's rounding, and float64 is cheap
_BLOCK = 256  # rows of a matrix product
_MOST = 1024  # samples and examples that are compared with each other


def watch_statistics(
    *,
    real_outputs: Any = None,
    fake_outputs: Any = None,
    probabilities: bool = False,
    generated: Any = None,
    examples: Any = None,
    reference: Reference | None = None,
) -> dict[str, float]:
    """The statistics that can be had from what is there.

    What is missing, empty or not finite is passed over, and so are the statistics that need it.

    Args:
        real_outputs: `[batch, ...]`, the discriminator's outputs on real examples, larger for what looks real.
        fake_outputs: `[batch, ...]`, on generated ones.
        probabilities: The outputs are logits of the probability that an example is real.
        generated: `[batch, ...]` samples, of any shape and real dtype.
        examples: `[batch, ...]` real training examples like them, best as many.
        reference: Training examples among which copies are sought.

    Returns:
        A part of these, all finite:

        - `d_real`, `d_fake`: mean outputs. `p_real`, `p_fake`: mean probabilities.
        - `auc`: how often a real example gets a larger output than a generated one, where ties count half (Mann and
          Whitney 1947). 1/2 where the discriminator tells nothing apart, 1 where it tells everything.
        - `diversity`: mean distance of two samples, over that of two real examples. About 1; 0 for equal samples.
        - `duplicates`: share of samples with another one much closer than real examples have: at less than half of the
          distance that 1 % of those have. (At the whole of it, most samples of small networks are: they lack the noise
          of real examples.)
        - `coverage`: share of real examples with a sample among their 5 nearest neighbours (Naeem et al. 2020), over
          its expectation for a perfect generator. About 1; 0 where the samples are unlike anything real.
        - `copied`: see `Reference.copied`.

    Raises:
        ValueError: Samples, examples and reference are of different sizes.

    Examples:
        >>> found = watch_statistics(real_outputs=np.array([3.0, 1.0]), fake_outputs=np.array([-1.0, -3.0]))
        >>> found["auc"]
        1.0
    """
    found = _judgements(_usable(real_outputs), _usable(fake_outputs), probabilities)
    fake, real = _usable(generated), _usable(examples)
    if fake is not None:
        fake = reduced(fake)
        if real is not None:
            found |= _comparison(fake, reduced(real))
        if reference is not None and (copied := reference.copied(fake)) is not None:
            found["copied"] = copied
    return found


class Reference:
    """Training examples, to find copies of.

    Args:
        batches: Arrays `[batch, ...]` of examples as the generator should make them, all of one shape; only
            their reductions are kept. Of large sets, `REFERENCES` are enough; copies of others aren't found.

    Examples:
        >>> Reference([np.random.default_rng(0).normal(size=(100, 2))]).copied(np.zeros((5, 2))) >= 0
        True
    """

    def __init__(self, batches: Iterable[Any]) -> None:
        kept = [reduced(x) for batch in batches if (x := _usable(batch)) is not None]
        rows = np.concatenate(kept) if kept else np.empty((0, 1), np.float32)
        places: dict[bytes, list[int]] = {}
        for place, row in enumerate(rows + 0):  # -0 becomes 0, which is other bytes
            places.setdefault(row.tobytes(), []).append(place)
        twins = sum(len(equal) for equal in places.values() if len(equal) > 1)
        self._repeated = twins / max(1, len(rows))
        rows = rows[[equal[0] for equal in places.values()]]
        self._threshold: float | None = None
        self._rows = rows
        if len(rows) < FEWEST or self._repeated > REPEATED:
            return
        self._centre = rows.mean(axis=0, dtype=np.float64).astype(rows.dtype)
        self._rows = rows - self._centre
        # [x, 1] times this is |y|^2 - 2 x.y: the squared distance less |x|^2, in one product.
        lengths = np.einsum("ij,ij->i", self._rows, self._rows)
        self._factors = np.concatenate([-2 * self._rows, lengths[:, None]], axis=1).T.copy()
        probes = np.random.default_rng(0).permutation(len(rows))[:_PROBES]
        self._threshold = float(_lowest(self._ratios(self._rows[probes], probes)))

    def copied(self, generated: Any) -> float | None:
        """Share of samples that are copies.

        A copy is much nearer to one training example than to the next: the ratio of the two distances is below that of
        99 % of the training examples themselves, each among the others. The distance alone would not do: where data
        are noisy and samples are not, a sample is nearer to everything than real examples are to each other.

        Args:
            generated: `[batch, ...]` samples.

        Returns:
            About 0.01 for samples as good as real ones, 1 for copies. None where it cannot be told: fewer than 10
            distinct training examples, or more than half of them repeated, such as rows of a few categories.

        Raises:
            ValueError: The samples have another size than the training examples.
        """
        if self._threshold is None:
            return None
        x = reduced(np.asarray(generated))
        _same_width(x, self._rows)
        ratios = self._ratios(x - self._centre)
        return _excess(float((ratios <= self._threshold).mean()), self._repeated)

    def _ratios(self, x: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
        """Distance to the nearest example over that to the second; `own` are the rows of `x` in the reference."""
        ratios = np.empty(len(x))
        for start in range(0, len(x), _BLOCK):
            part = x[start : start + _BLOCK]
            line = np.arange(len(part))
            squares = np.concatenate([part, np.ones_like(part[:, :1])], axis=1) @ self._factors
            if own is not None:
                squares[line, own[start : start + _BLOCK]] = np.inf
            nearest: list[np.ndarray] = []
            for _ in range(2):
                found = squares.argmin(axis=1)
                squares[line, found] = np.inf
                # The product has rounded short distances away.
                nearest.append(np.linalg.norm((part - self._rows[found]).astype(np.float64), axis=1))
            first, second = np.minimum(*nearest), np.maximum(*nearest)
            ratios[start : start + _BLOCK] = first / np.maximum(second, np.finfo(np.float64).tiny)
        return ratios


def reduced(x: np.ndarray) -> np.ndarray:
    """Examples as vectors short enough for many distances.

    More than 512 values are reduced to 256: they are dealt out to as many groups at random, and each group is summed
    with random signs (the hashing of Weinberger et al., "Feature hashing for large scale multitask learning", 2009).
    Squared distances keep their expectation, with a standard deviation of at most 9 %, as under a random Gaussian
    projection, which would need a matrix of width x 256.

    Args:
        x: `[batch, ...]`, any real dtype.

    Returns:
        `[batch, width]`, width at most 512: float64 if it is at most 64, else float32. Depends on nothing but `x`.
    """
    x = x.reshape(len(x), -1)
    if (width := x.shape[1]) <= _WIDE:
        return x.astype(np.float64 if width <= _NARROW else np.float32)
    order, signs = _groups(width)
    result = np.empty((len(x), _GROUPS), np.float32)
    step = max(1, 2**22 // width)
    for start in range(0, len(x), step):
        part = x[start : start + step]
        padded = np.zeros((len(part), len(order)), np.float32)
        np.multiply(part, signs, out=padded[:, :width], casting="unsafe")
        grouped = padded[:, order].reshape(len(part), _GROUPS, -1)
        result[start : start + step] = grouped.sum(axis=2)
    return result


@functools.lru_cache(maxsize=4)
def _groups(width: int) -> tuple[np.ndarray, np.ndarray]:
    """An order of the values, padded to a multiple of the groups, and a sign for each."""
    rng = np.random.default_rng(width)
    return rng.permutation(-(-width // _GROUPS) * _GROUPS), rng.choice(np.array([-1, 1], np.float32), width)


def _usable(x: Any) -> np.ndarray | None:
    if x is None:
        return None
    x = np.asarray(x)
    if x.dtype.kind == "V":  # bfloat16
        x = x.astype(np.float32)
    return x if x.size and np.isfinite(x).all() else None


def _judgements(real: np.ndarray | None, fake: np.ndarray | None, probabilities: bool) -> dict[str, float]:
    found = {}
    for name, outputs in (("real", real), ("fake", fake)):
        if outputs is not None:
            found[f"d_{name}"] = float(outputs.mean(dtype=np.float64))
            if probabilities:
                # tanh neither overflows nor divides.
                found[f"p_{name}"] = float((0.5 + 0.5 * np.tanh(outputs.astype(np.float64) / 2)).mean())
    if real is not None and fake is not None:
        real, fake = (x.reshape(len(x), -1).mean(axis=1, dtype=np.float64) for x in (real, fake))
        fake.sort()
        wins = np.searchsorted(fake, real, "left") + np.searchsorted(fake, real, "right")
        found["auc"] = float(wins.mean() / (2 * len(fake)))
    return found


def _comparison(fake: np.ndarray, real: np.ndarray) -> dict[str, float]:
    _same_width(fake, real)
    fake, real = fake[:_MOST], real[:_MOST]
    found = {}
    among_fake, among_real = _distances(fake, fake), _distances(real, real)
    if len(fake) > 1 and len(real) > 1 and (scale := _mean(among_real)) > 0:
        found["diversity"] = _mean(among_fake) / scale
    among_real.sort(axis=1)  # the first of each row is its distance to itself
    n = min(len(fake), len(real))
    if n >= FEWEST:
        # The more examples there are, the nearer they lie, so as many of each.
        distances = among_real[:, 1] if n == len(real) else _nearest(_distances(real[:n], real[:n]))
        if (repeated := float((distances == 0).mean())) <= REPEATED:
            near = _nearest(among_fake[:n, :n]) <= TWINS * _lowest(distances[distances > 0])
            found["duplicates"] = _excess(float(near.mean()), repeated)
    if len(real) > NEIGHBOURS:
        balls = among_real[:, NEIGHBOURS] * (1 + TIE)
        covered = (_distances(real, fake) <= balls[:, None]).any(axis=1)
        found["coverage"] = float(covered.mean()) / expected_coverage(len(real), len(fake), NEIGHBOURS)
    return found


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    squares = np.empty((len(a), len(b)))
    for rows, columns, block in distance_blocks(a, b):
        squares[rows, columns] = block
    return np.sqrt(squares)


def _mean(distances: np.ndarray) -> float:
    """Over the pairs of a set."""
    return float(distances.sum()) / (len(distances) * (len(distances) - 1))


def _nearest(distances: np.ndarray) -> np.ndarray:
    """Distance of each of a set to the next of the others."""
    return (distances + np.diag(np.full(len(distances), np.inf))).min(axis=1)


def _lowest(values: np.ndarray) -> float:
    """The value that 1 % of them, or the lowest one, do not exceed but for rounding."""
    place = max(1, round(len(values) * QUANTILE)) - 1
    return np.partition(values, place)[place] * (1 + TIE)


def _excess(share: float, repeated: float) -> float:
    """The share among samples that would not be equal to another one by the data's own repetitions."""
    return max(0.0, (share - repeated) / (1 - repeated))


def _same_width(a: np.ndarray, b: np.ndarray) -> None:
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"samples and examples differ in size: {a.shape[1]} and {b.shape[1]} values")
