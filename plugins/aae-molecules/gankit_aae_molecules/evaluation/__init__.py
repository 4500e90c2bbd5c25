"""Held-out figures, each beside baselines that are trained in the same call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gankit import Data, Evaluation
from gankit_aae_molecules.autoencoder import Autoencoder
from gankit_aae_molecules.evaluation import control, effect, enrichment, latent, reconstruction, vae


def evaluate(recipe: Any, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """All figures of the model."""
    model, train, test = Autoencoder(networks, data.facts), data.held_out["train"], data.held_out["test"]
    rivals, known, unseen = (
        effect.baselines(train, model.response),
        data.held_out["structures"],
        data.held_out["unseen"],
    )
    parts = [
        effect.evaluate(model, train, test, rivals),
        reconstruction.evaluate(model, known, unseen),
        latent.evaluate(model, known, unseen),
        control.evaluate(model, train, rivals["random forest"], recipe.config.generated),
    ]
    if recipe.config.vae:
        parts.append(vae.evaluate(networks, model.latent, unseen))
    if model.response.labelled:
        parts.append(enrichment.evaluate(model, train, test, recipe.config.generated))
    facts = {key: data.facts[key] for key in ("file", "split", "compounds", "rows", "structures", "cell_lines")}
    return Evaluation({}, {}, {"data": facts, "response": model.response.unit}).merged(*parts)
