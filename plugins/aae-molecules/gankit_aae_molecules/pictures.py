"""What a run draws: the latent space, and what is asked for against what is read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gankit import Data
from gankit_aae_molecules.autoencoder import Autoencoder
from gankit_aae_molecules.evaluation import control
from gankit_aae_molecules.tables.compounds import write_unresolved

MOST = 3000  # points of a picture


def draw(recipe: Any, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
    """Both pictures, and the table of compounds without a structure if there are any."""
    model, train, summary = Autoencoder(networks, data.facts), data.held_out["train"], data.held_out["table"].summary
    lost = [write_unresolved(summary, out / "unresolved.csv")] if summary.unresolved or summary.bad_smiles else []
    return [
        *lost,
        latent(model, data.held_out, out / "latent.png"),
        asked(model, train, recipe.config.generated, out / "control.png"),
    ]


def latent(model: Autoencoder, held_out: Mapping[str, Any], out: Path) -> Path:
    """Held-out compounds in the latent space, coloured by their mean responses, before held-out structures."""
    rng, test = np.random.default_rng(0), held_out["test"]
    chosen = rng.permutation(test.present)[:MOST]
    response = np.bincount(test.compound, test.response)[chosen] / np.bincount(test.compound)[chosen]
    unseen = rng.permutation(held_out["unseen"])[:MOST]
    bits = np.concatenate([test.compounds.fingerprint[chosen], unseen])
    normal, _ = model.encode(bits, np.zeros((len(bits), 1)))
    title = "held-out compounds (grey: held-out structures)"
    return scatter(normal[: len(chosen)], response, out, title, model.response.unit, normal[len(chosen) :])


def scatter(
    normal: np.ndarray, response: np.ndarray, out: Path, title: str, unit: str, behind: np.ndarray | None = None
) -> Path:
    """The first two principal axes of normal neurons `[n, latent]`, coloured by responses `[n]`.

    Args:
        normal: Of compounds.
        response: Of the same.
        out: File.
        title: Over the picture.
        unit: Of the responses.
        behind: `[m, latent]`, drawn in grey; the axes are those of all.
    """
    from matplotlib.figure import Figure
    from sklearn.decomposition import PCA

    behind = np.zeros((0, normal.shape[1])) if behind is None else behind
    if len(whole := np.concatenate([normal, behind])) > 2 and whole.shape[1] > 2:
        axes_of = PCA(2, random_state=0).fit(whole)
        normal, behind = axes_of.transform(normal), axes_of.transform(behind) if len(behind) else behind[:, :2]
    order = np.argsort(response, kind="stable")  # the rarest labels, actives, are drawn last
    if normal.shape[1] == 1:
        normal, behind = (np.pad(x, ((0, 0), (0, 1))) for x in (normal, behind))
    figure = Figure(figsize=(5.6, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.scatter(behind[:, 0], behind[:, 1], c="0.85", s=4, linewidths=0)
    size = 40 if len(normal) < 100 else 6
    dots = axes.scatter(normal[order, 0], normal[order, 1], c=response[order], s=size, cmap="viridis", linewidths=0)
    figure.colorbar(dots, label=unit)
    axes.set(title=title, xlabel="first axis", ylabel="second axis")
    figure.savefig(out, dpi=100)
    return out


def asked(model: Autoencoder, train: Any, count: int, out: Path) -> Path:
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
