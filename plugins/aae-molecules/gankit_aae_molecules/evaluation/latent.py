"""Whether the normal neurons are normal, and keep still while the concentration moves."""

from __future__ import annotations

import numpy as np
from scipy.stats import kstest

from gankit import Evaluation
from gankit_aae_molecules.autoencoder import Autoencoder

DOSES = 5
MOST = 2000  # compounds of the kernel's figure, which compares each with each


def evaluate(model: Autoencoder, known: np.ndarray, bits: np.ndarray) -> Evaluation:
    """Distances from N(0, I) over held-out structures `[n, 166]`, and the manifold's figures where there are doses.

    A sample of N(0, I) of the same size stands beside: no model is asked to be nearer. The structures that were learned
    from (`known`) are measured, too (`latent_known_ks`): where these match and the others do not, it is because the
    held-out ones are of another kind, as scaffolds are, and not for want of training.
    """
    normal, _ = model.encode(bits, np.zeros((len(bits), 1)))
    sample = np.random.default_rng(1).normal(size=normal.shape)
    better = {"latent_ks": "lower", "latent_mean": "lower", "latent_mmd": "lower", "latent_known_ks": "lower"}
    seen, _ = model.encode(known, np.zeros((len(known), 1)))
    metrics = {**normality(normal), "latent_known_ks": normality(seen)["latent_ks"]}
    protocol = {"structures": len(bits), "known": len(known), "mmd": "unbiased, RBF, width sqrt(dimensions)"}
    if model.response.dosed:
        low, high = model.facts["dose"]["low"], model.facts["dose"]["high"]
        metrics |= manifold(
            np.stack([model.encode(bits, np.full((len(bits), 1), dose))[0] for dose in np.linspace(low, high, DOSES)])
        )
        better |= {"manifold_within": "lower", "manifold_same": "higher"}
        protocol["doses"] = DOSES
    return Evaluation(metrics, {"N(0, I)": normality(sample)}, {"latent": protocol}, better, limits=("N(0, I)",))


def normality(x: np.ndarray) -> dict[str, float]:
    """Of each dimension of `[n, d]` against N(0, 1), the worst one's figure; and of all the kernel distance.

    Returns:
        `latent_ks` (Kolmogorov-Smirnov), `latent_mean` (|mean|), `latent_low` and `latent_high` (deviations), and
        `latent_mmd`, the squared maximum mean discrepancy from a sample of N(0, I).
    """
    deviations = x.std(axis=0)
    return {
        "latent_ks": max(float(kstest(column, "norm").statistic) for column in x.T),
        "latent_mean": float(np.abs(x.mean(axis=0)).max()),
        "latent_low": float(deviations.min()),
        "latent_high": float(deviations.max()),
        "latent_mmd": mmd2(x[:MOST], np.random.default_rng(2).normal(size=(min(len(x), MOST), x.shape[1]))),
    }


def mmd2(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased squared MMD (Gretton et al. 2012, equation 3) under exp(-|a - b|^2 / (2 d))."""

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
        return np.exp(-np.maximum(squared, 0) / (2 * a.shape[1]))

    def own(a: np.ndarray) -> float:
        found = kernel(a, a)
        return float((found.sum() - np.trace(found)) / (len(a) * (len(a) - 1)))

    if min(len(x), len(y)) < 2:
        return float("nan")
    return own(x) + own(y) - 2 * float(kernel(x, y).mean())


def manifold(x: np.ndarray) -> dict[str, float]:
    """Figures of `[doses, compounds, latent]`.

    Returns:
        `manifold_within`: variance within a fingerprint over the total; `manifold_same`: cosine between doses of one
        fingerprint; `manifold_different`: between fingerprints, near 0 unless all have collapsed to one place.
    """
    total = float(x.var(axis=(0, 1)).sum())
    unit = x / np.maximum(np.linalg.norm(x, axis=2, keepdims=True), 1e-12)
    same = float((unit[0] * unit[-1]).sum(axis=1).mean())
    middle = unit[len(unit) // 2]
    n = len(middle)
    different = float((np.square(middle.sum(axis=0)).sum() - n) / (n * (n - 1))) if n > 1 else float("nan")
    return {
        "manifold_within": float(x.var(axis=0).sum(axis=1).mean()) / total if total else 1.0,
        "manifold_same": same,
        "manifold_different": different,
    }
