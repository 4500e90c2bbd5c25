"""How much of a fingerprint comes back from the latent neurons."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from gankit import Evaluation
from gankit_aae_molecules.autoencoder import Autoencoder


def evaluate(model: Autoencoder, train: np.ndarray, truth: np.ndarray) -> Evaluation:
    """Bits right, Tanimoto similarity and cross-entropy of held-out structures, beside PCA and the bits' frequencies.

    Args:
        model: The model.
        train: Fingerprints that structures were learned from, uint8 `[n, 166]`.
        truth: Those held out, uint8 `[n, 166]`; they are encoded at the middle dose.

    PCA has as many components as the model has latent neurons, the GI neuron included.
    """
    probabilities, _ = model.decode(*model.encode(truth, np.zeros((len(truth), 1))))
    frequencies = np.broadcast_to(train.mean(axis=0), truth.shape)
    components = min(model.latent + 1, *train.shape)
    pca = PCA(components, random_state=0).fit(train.astype(np.float32))
    rebuilt = pca.inverse_transform(pca.transform(truth.astype(np.float32)))
    better = {"bits": "higher", "tanimoto": "higher", "nats": "lower"}
    return Evaluation(
        {**likeness(truth, probabilities > 0.5), "nats": nats(truth, probabilities)},
        {
            "PCA": likeness(truth, rebuilt > 0.5),
            "bit frequencies": {**likeness(truth, frequencies > 0.5), "nats": nats(truth, frequencies)},
        },
        {"reconstruction": {"structures": len(truth), "neurons": model.latent + 1, "pca_components": components}},
        better,
    )


def likeness(truth: np.ndarray, guess: np.ndarray) -> dict[str, float]:
    """Share of equal bits, and mean Tanimoto similarity (0 for two empty fingerprints)."""
    truth, guess = truth.astype(bool), guess.astype(bool)
    union = (truth | guess).sum(axis=1)
    similarity = np.divide((truth & guess).sum(axis=1), union, out=np.zeros(len(truth)), where=union > 0)
    return {"bits": float((truth == guess).mean()), "tanimoto": float(similarity.mean())}


def nats(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean cross-entropy a bit; probabilities are held within [1e-6, 1 - 1e-6]."""
    p = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return float(-np.where(truth > 0, np.log(p), np.log1p(-p)).mean())
