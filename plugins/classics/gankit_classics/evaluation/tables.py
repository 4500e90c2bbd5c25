"""How well generated rows of a table do, beside simpler ways to make rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import ks_2samp
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from gankit import Data, Evaluation
from gankit.metrics import memorisation, sliced_wasserstein
from gankit_classics.data import Draw

BETTER = {"columns": "lower", "correlations": "lower", "sliced_wasserstein": "lower", "detection": "lower"}
MOST = 5000  # rows that are told apart by a forest
FEATURES = "columns as the network has them"
DRAWN = 12  # columns in the picture

Columns = Mapping[str, np.ndarray]
"""Name -> the values of a table's column, `[rows]`."""


def scores(train: np.ndarray, test: np.ndarray, rows: np.ndarray, facts: Mapping[str, Any]) -> dict[str, float]:
    """Scores of rows, all as the network has them, `[n, width]`.

    Returns:
        `columns`: mean over columns of the largest difference of the distribution functions (Kolmogorov and Smirnov)
        or, for words, of the total variation. `correlations`: mean |difference| of the correlation matrices.
        `sliced_wasserstein`. `detection`: area under the curve of a random forest that tells the rows from real ones,
        1/2 at best. `copied`: share of rows nearer to a training row than 1 % of the real ones are.
    """
    numbers = facts["width"] - sum(facts["groups"])
    apart = [ks_2samp(test[:, i], rows[:, i]).statistic for i in range(numbers)]
    apart += [np.abs(test[:, part].mean(0) - rows[:, part].mean(0)).sum() / 2 for part in _columns(facts)[numbers:]]
    count = min(len(test), len(rows), MOST)
    both = np.concatenate([test[:count], rows[:count]])
    truth = np.repeat([0, 1], count)
    forest = RandomForestClassifier(100, min_samples_leaf=5, random_state=0, n_jobs=1)
    seen = cross_val_predict(forest, both, truth, cv=3, method="predict_proba")[:, 1]
    figures = {
        "columns": float(np.mean(apart)),
        "correlations": _correlations(test, rows),
        "sliced_wasserstein": sliced_wasserstein(test[:count], rows[:count], features=FEATURES).value,
        "detection": float(roc_auc_score(truth, seen)),
    }
    if len(test) >= 100:
        figures["copied"] = memorisation(train, test, rows, features=FEATURES)["copied"].value
    return figures


def _correlations(a: np.ndarray, b: np.ndarray) -> float:
    """Mean |difference| of correlations of pairs of columns; those of a constant column count as 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = (np.nan_to_num(np.corrcoef(x.T).reshape(x.shape[1], -1)) for x in (a, b))
    pairs = np.triu_indices(len(first), 1)
    return float(np.abs(first - second)[pairs].mean()) if len(pairs[0]) else 0.0


def _columns(facts: Mapping[str, Any]) -> list[slice]:
    """Where each column of the table stands in a row."""
    start = facts["width"] - sum(facts["groups"])
    parts = [slice(i, i + 1) for i in range(start)]
    for size in facts["groups"]:
        parts.append(slice(start, start + size))
        start += size
    return parts


def independent(train: np.ndarray, facts: Mapping[str, Any], count: int) -> np.ndarray:
    """Rows whose columns are each drawn on their own from the training rows: right columns, no relations."""
    rng = np.random.default_rng(3)
    return np.concatenate([train[rng.integers(0, len(train), count)][:, part] for part in _columns(facts)], axis=1)


def gaussian(train: np.ndarray, rounded: Callable[[np.ndarray], np.ndarray], count: int) -> np.ndarray:
    """Rows of one normal distribution with the training rows' mean and covariance, rounded as a table's values are."""
    rng = np.random.default_rng(4)
    rows = rng.multivariate_normal(train.mean(0), np.cov(train.T).reshape(train.shape[1], -1), count)
    return rounded(rows)


def table_evaluation(
    data: Data, samples: int, draw: Draw, untrained: Draw, rounded: Callable[[np.ndarray], np.ndarray]
) -> Evaluation:
    """Generated rows against those that were held out; all of them as the network has them, `[n, width]`.

    `rounded` gives rows the nearest values that a table can hold.
    """
    train, test, facts = data.held_out["train"], data.held_out["test"], data.facts
    count = min(samples, max(100, len(test)))
    others = {
        "training rows": train[np.random.default_rng(5).integers(0, len(train), count)],
        "independent columns": independent(train, facts, count),
        "one Gaussian": gaussian(train, rounded, count),
        "untrained": untrained(count),
    }
    ours = scores(train, test, draw(count), facts)
    beside = {name: scores(train, test, rows, facts) for name, rows in others.items()}
    if "copied" in ours:  # training rows are copies of themselves
        healthy = memorisation(train, test, test, features=FEATURES)["copied"].protocol["healthy"]
        beside["training rows"]["copied"] = healthy
    rows = {"train": len(train), "test": len(test), "generated": count}
    return Evaluation(ours, beside, {"data": facts["data"], "rows": rows}, BETTER, limits=("training rows",))


def draw_distributions(rows: Columns, real: Columns, facts: Mapping[str, Any], out: Path) -> Path:
    """Histograms of the first columns, generated on real."""
    shown = facts["columns"][:DRAWN]
    wide = min(4, len(shown))
    tall = -(-len(shown) // wide)
    figure = Figure(figsize=(3 * wide, 2.4 * tall), layout="constrained")
    for i, column in enumerate(shown):
        axes, name = figure.add_subplot(tall, wide, i + 1), column["name"]
        axes.set_title(name[:24], fontsize=9)
        if words := column.get("words"):
            places = np.arange(len(words))
            for offset, (label, table) in zip((-0.2, 0.2), (("real", real), ("generated", rows)), strict=True):
                axes.bar(places + offset, [np.mean(table[name] == word) for word in words], 0.4, label=label)
            axes.set_xticks(places, [word[:8] for word in words], fontsize=6, rotation=90)
        else:
            bins = np.linspace(column["knots"][1], column["knots"][-2], 31)
            for label, table in (("real", real), ("generated", rows)):
                axes.hist(table[name].astype(float), bins, density=True, alpha=0.5, label=label)
        axes.tick_params(labelsize=7)
        if i == 0:
            axes.legend(fontsize=7)
    figure.savefig(out, dpi=100)
    return out
