"""Held-out figures, each beside baselines that are trained in the same call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gankit import Data, Evaluation


def evaluate(recipe: Any, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """All figures of the model."""
    from gankit_aae_molecules.autoencoder import Autoencoder
    from gankit_aae_molecules.evaluation import control, effect, latent, reconstruction

    model, train, test = Autoencoder(networks, data.facts), data.held_out["train"], data.held_out["test"]
    rivals = effect.baselines(train, model.response)
    parts = [
        effect.evaluate(model, train, test, rivals),
        reconstruction.evaluate(model, data.held_out["structures"], data.held_out["unseen"]),
        latent.evaluate(model, data.held_out["structures"], data.held_out["unseen"]),
        control.evaluate(model, train, rivals["random forest"], recipe.config.generated),
    ]
    if recipe.config.vae:
        from gankit_aae_molecules.evaluation import vae

        parts.append(vae.evaluate(networks, model.latent, data.held_out["unseen"]))
    if model.response.labelled:
        from gankit_aae_molecules.evaluation import enrichment

        parts.append(enrichment.evaluate(model, train, test, recipe.config.generated))
    facts = {key: data.facts[key] for key in ("file", "split", "compounds", "rows", "structures", "cell_lines")}
    return Evaluation({}, {}, {"data": facts, "response": model.response.unit}).merged(*parts)
