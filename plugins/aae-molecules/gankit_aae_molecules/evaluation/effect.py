"""How well the GI neuron foretells the response of compounds that were held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.tree import DecisionTreeRegressor

from gankit import Evaluation
from gankit_aae_molecules.autoencoder import Autoencoder
from gankit_aae_molecules.data import Rows
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.response import Response

MOST_ROWS = 30_000  # that a forest is trained on: more take minutes and gain nothing here
TREES = 200

Predictor = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Fingerprints `[n, 166]` and standardised concentrations `[n, 1]` -> responses `[n]`."""


def baselines(train: Rows, response: Response, seed: int = 0) -> dict[str, Predictor]:
    """Methods of the field, trained on the same rows: random forest, linear model, nearest neighbour, dose alone."""
    rows = np.arange(len(train))
    if len(rows) > MOST_ROWS and not response.labelled:
        rows = np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False)
    x, y = _features(train.fingerprint[rows], train.concentration[rows]), train.response[rows]
    if response.labelled:
        woods = RandomForestClassifier(500, class_weight="balanced_subsample", n_jobs=-1, random_state=seed).fit(x, y)
        logistic = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000).fit(x, y)
        return {
            "random forest": lambda bits, dose: woods.predict_proba(_features(bits, dose))[:, 1],
            "logistic regression": lambda bits, dose: logistic.predict_proba(_features(bits, dose))[:, 1],
            "nearest neighbour": nearest_active(train),
        }
    forest = RandomForestRegressor(TREES, min_samples_leaf=5, max_features=1 / 3, n_jobs=-1, random_state=seed)
    forest.fit(x, y)
    ridge = Ridge(10.0).fit(x, y)
    found: dict[str, Predictor] = {
        "random forest": lambda bits, dose: forest.predict(_features(bits, dose)),
        "ridge": lambda bits, dose: ridge.predict(_features(bits, dose)),
        "nearest neighbour": nearest_response(train),
    }
    if response.dosed:
        tree = DecisionTreeRegressor(max_leaf_nodes=16).fit(train.concentration, train.response)
        found["dose only"] = lambda bits, dose: tree.predict(dose)
    return found


def nearest_active(train: Rows) -> Predictor:
    """Tanimoto similarity to the nearest compound with the label active."""
    words = tanimoto.pack(train.fingerprint[train.response > 0.5])
    return lambda bits, dose: tanimoto.nearest(tanimoto.pack(bits), words)[0] if words.size else np.zeros(len(bits))


def nearest_response(train: Rows) -> Predictor:
    """Mean response of the most similar compounds, those of equal similarity together, at their nearest dose."""
    words = tanimoto.pack(train.compounds.fingerprint[train.present])
    counts, order = tanimoto.ones(words), np.argsort(train.compound, kind="stable")
    edges = np.searchsorted(train.compound[order], [*train.present, train.present[-1] + 1])

    def predict(bits: np.ndarray, dose: np.ndarray) -> np.ndarray:
        unique, inverse = np.unique(np.concatenate([bits, dose], axis=1), axis=0, return_inverse=True)
        answers = np.empty(len(unique))
        for i, row in enumerate(unique):
            near = tanimoto.similarities(tanimoto.pack(row[None, :-1].astype(np.uint8))[:, 0], words, counts)
            best = np.flatnonzero(near == near.max())
            rows = np.concatenate([order[edges[j] : edges[j + 1]] for j in best])
            away = np.abs(train.concentration[rows, 0] - row[-1])
            answers[i] = train.response[rows[away <= away.min() + 1e-6]].mean()
        return answers[inverse.ravel()]

    return predict


def evaluate(model: Autoencoder, train: Rows, test: Rows, rivals: Mapping[str, Predictor]) -> Evaluation:
    """Of percent growth and pGI50 R2, RMSE and Spearman's rho; of labels AUROC, AP and enrichment in the first 1 %."""
    bits, dose = test.fingerprint, test.concentration
    score = _ranked if model.response.labelled else _fitted
    guess = model.predict(bits, dose)
    guesses = {name: predict(bits, dose) for name, predict in rivals.items()}
    ours = score(test.response, guess)
    others = {name: score(test.response, theirs) for name, theirs in guesses.items()}
    better = {name: "lower" if name == "gi_rmse" else "higher" for name in ours}
    forest = len(train) if model.response.labelled else min(len(train), MOST_ROWS)
    protocol = {"trained_on": len(train), "tested_on": len(test), "forest_rows": forest}
    if not model.response.labelled:
        protocol["nine_tenths_within"] = round(float(np.quantile(np.abs(test.response - guess), 0.9)), 4)
    return Evaluation(ours, others, {"gi": protocol}, better, by_compound(test, {"model": guess, **guesses}))


def by_compound(test: Rows, guesses: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Responses and guesses of each held-out compound at each concentration, repeated ones as one row.

    Args:
        test: The held-out rows.
        guesses: Method -> responses `[n]`.

    Returns:
        Rows of `compound`, `concentration` (standardised), `measured` (how many responses), `response` (their mean),
        `deviation` (of the population) and each method's guess.
    """
    keys = np.stack([test.compound.astype(np.float64), test.concentration[:, 0].astype(np.float64)], axis=1)
    _, first, inverse, counts = np.unique(keys, axis=0, return_index=True, return_inverse=True, return_counts=True)
    inverse = inverse.ravel()
    mean = np.bincount(inverse, test.response) / counts
    spread = np.sqrt(np.bincount(inverse, (test.response - mean[inverse]) ** 2) / counts)
    return [
        {
            "compound": test.compounds.name[test.compound[row]],
            "concentration": float(test.concentration[row, 0]),
            "measured": int(counts[i]),
            "response": float(mean[i]),
            "deviation": float(spread[i]),
            **{name: float(values[row]) for name, values in guesses.items()},
        }
        for i, row in enumerate(first)
    ]


def enrichment(truth: np.ndarray, score: np.ndarray, share: float = 0.01) -> float:
    """Actives among the best-ranked share, over what chance would have there; ties count by their expectation."""
    wanted = max(1.0, share * len(truth))
    threshold = np.sort(score)[::-1][int(np.ceil(wanted)) - 1]
    above, tied = score > threshold, score == threshold
    hits = truth[above].sum() + truth[tied].mean() * (wanted - above.sum())
    return float(hits / wanted / truth.mean())


def _ranked(truth: np.ndarray, score: np.ndarray) -> dict[str, float]:
    if truth.min() == truth.max():
        return {}
    return {
        "gi_auroc": float(roc_auc_score(truth, score)),
        "gi_ap": float(average_precision_score(truth, score)),
        "gi_ef1": enrichment(truth, score),
    }


def _fitted(truth: np.ndarray, guess: np.ndarray) -> dict[str, float]:
    error = float(np.mean((truth - guess) ** 2))
    found = {"gi_r2": 1 - error / float(truth.var())} if truth.var() else {}
    found["gi_rmse"] = error**0.5
    if np.ptp(guess) > 0 and np.ptp(truth) > 0:
        found["gi_rho"] = float(spearmanr(truth, guess).statistic)
    return found


def _features(bits: np.ndarray, dose: np.ndarray) -> np.ndarray:
    return np.concatenate([bits, dose], axis=1, dtype=np.float32)
