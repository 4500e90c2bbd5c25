"""Generate, then screen: do the generated fingerprints find the active compounds among those that were held out?"""

from __future__ import annotations

from sklearn.metrics import roc_auc_score

from gankit import Evaluation
from gankit_aae_molecules.autoencoder import Autoencoder
from gankit_aae_molecules.data import Rows
from gankit_aae_molecules.evaluation.effect import enrichment
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.library.search import density

REQUEST = 0.9  # probability of the label active


def evaluate(model: Autoencoder, train: Rows, test: Rows, count: int) -> Evaluation:
    """Enrichment in the first 1 % and AUROC of held-out compounds ranked by what was generated."""
    truth, library = test.response, tanimoto.pack(test.fingerprint)
    if truth.min() == truth.max():
        return Evaluation({})
    wanted, _ = model.generate(REQUEST, count, seed=4)
    usual, _ = model.generate(float(train.response.mean()), count, seed=5)
    scores = {
        "tanimoto": tanimoto.nearest(library, tanimoto.pack(wanted > 0.5))[0],
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
