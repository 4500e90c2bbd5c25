"""Pictures of a run: the latent space, and what is asked for against what is read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gankit import Data
from gankit_aae_molecules.evaluation import control
from gankit_aae_molecules.model import Model

MOST = 3000  # points of a picture


def draw(recipe: Any, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
    """Both pictures."""
    model, train, test = Model(networks, data.facts), data.held_out["train"], data.held_out["test"]
    return [latent(model, test, out / "latent.png"), asked(model, train, recipe.config.generated, out / "control.png")]


def latent(model: Model, rows: Any, out: Path) -> Path:
    """The first two principal axes of held-out compounds' normal neurons, coloured by response."""
    from matplotlib.figure import Figure
    from sklearn.decomposition import PCA

    chosen = np.random.default_rng(0).permutation(len(rows))[:MOST]
    normal, _ = model.encode(rows.fingerprint[chosen], rows.concentration[chosen])
    if normal.shape[1] > 2 and len(normal) > 2:
        normal = PCA(2, random_state=0).fit_transform(normal)
    order = np.argsort(rows.response[chosen])  # the rarest labels, actives, are drawn last
    figure = Figure(figsize=(5.6, 4.6), layout="constrained")
    axes = figure.subplots()
    across = np.zeros(len(normal)) if normal.shape[1] == 1 else normal[:, 1]
    dots = axes.scatter(normal[order, 0], across[order], c=rows.response[chosen][order], s=6, cmap="viridis")
    figure.colorbar(dots, label=model.response.unit)
    axes.set(title="held-out compounds, normal neurons", xlabel="first axis", ylabel="second axis")
    figure.savefig(out, dpi=100)
    return out


def asked(model: Model, train: Any, count: int, out: Path) -> Path:
    """What the encoder reads of generated fingerprints, for each response that was asked for."""
    from matplotlib.figure import Figure

    wanted = control.requests(train, model.response.labelled)
    bits, dose = control.read_back(model, wanted, min(count, 500))
    read = [model.predict(b, d) for b, d in zip(bits, dose, strict=True)]
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.boxplot(read, positions=range(len(wanted)), showfliers=False)
    axes.plot(range(len(wanted)), wanted, "C1o--", label="as asked for")
    axes.set_xticks(range(len(wanted)), [f"{value:.3g}" for value in wanted])
    axes.set(title="read back from generated fingerprints", xlabel=f"asked for: {model.response.unit}", ylabel="read")
    axes.legend()
    figure.savefig(out, dpi=100)
    return out
