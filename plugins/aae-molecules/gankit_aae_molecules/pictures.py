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
    """Held-out compounds in the latent space, coloured by their responses."""
    chosen = np.random.default_rng(0).permutation(len(rows))[:MOST]
    normal, _ = model.encode(rows.fingerprint[chosen], rows.concentration[chosen])
    return scatter(normal, rows.response[chosen], out, "held-out compounds", model.response.unit)


def scatter(normal: np.ndarray, response: np.ndarray, out: Path, title: str, unit: str) -> Path:
    """The first two principal axes of normal neurons `[n, latent]`, coloured by responses `[n]`."""
    from matplotlib.figure import Figure
    from sklearn.decomposition import PCA

    if min(normal.shape) > 2:
        normal = PCA(2, random_state=0).fit_transform(normal)
    order = np.argsort(response, kind="stable")  # the rarest labels, actives, are drawn last
    across = np.zeros(len(normal)) if normal.shape[1] == 1 else normal[:, 1]
    figure = Figure(figsize=(5.6, 4.6), layout="constrained")
    axes = figure.subplots()
    dots = axes.scatter(normal[order, 0], across[order], c=response[order], s=6, cmap="viridis")
    figure.colorbar(dots, label=unit)
    axes.set(title=f"{title}: normal neurons", xlabel="first axis", ylabel="second axis")
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
