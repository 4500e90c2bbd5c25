"""Generate, then screen: do the generated fingerprints find the active compounds among those that were held out?"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from gankit import Evaluation
from gankit_aae_molecules.data import Rows
from gankit_aae_molecules.evaluation.effect import enrichment
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.library.search import density
from gankit_aae_molecules.model import Model

REQUEST = 0.9  # probability of the label active


def evaluate(model: Model, train: Rows, test: Rows, count: int) -> Evaluation:
    """Enrichment in the first 1 % and AUROC of held-out compounds ranked by what was generated."""
    truth, library = test.response, tanimoto.pack(test.fingerprint)
    if truth.min() == truth.max():
        return Evaluation({})
    wanted, _ = model.generate(REQUEST, count, seed=4)
    usual, _ = model.generate(float(train.response.mean()), count, seed=5)
    scores = {
        "tanimoto": best_similarity(wanted, library),
        "likelihood": density(wanted, library),
        "ratio": density(wanted, library) - density(usual, library),
    }
    metrics = {}
    for name, score in scores.items():
        metrics[f"screen_{name}_ef1"] = enrichment(truth, score)
        metrics[f"screen_{name}_auroc"] = float(roc_auc_score(truth, score))
    return Evaluation(
        metrics,
        {"random": {name: 1.0 if name.endswith("ef1") else 0.5 for name in metrics}},
        {"screen": {"generated": count, "request": REQUEST, "library": len(truth), "actives": int(truth.sum())}},
        dict.fromkeys(metrics, "higher"),
    )


def best_similarity(probabilities: np.ndarray, library: np.ndarray) -> np.ndarray:
    """Tanimoto similarity of each molecule `[n]` to the nearest generated fingerprint."""
    counts, best = tanimoto.ones(library), np.zeros(library.shape[1], np.float32)
    for query in tanimoto.pack((probabilities > 0.5).astype(np.uint8)).T:
        np.maximum(best, tanimoto.similarities(query, library, counts), out=best)
    return best
