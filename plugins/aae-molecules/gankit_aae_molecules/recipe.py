"""The recipe `aae-molecules`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gankit import Data, Evaluation, Recipe, Stage
from gankit_aae_molecules.config import AAEConfig

AVERAGED = ("encoder", "decoder")
VAE = ("vae_encoder", "vae_decoder")


class AAEMolecules(Recipe):
    """From a drug-response table to candidates: fingerprints encoded into effect and structure, and back.

    One latent neuron is the response, the others are matched to N(0, I) by a discriminator. To generate, the response
    is set, the others are drawn, and the decoded fingerprint is looked up in a library of molecules.
    """

    name = "aae-molecules"
    summary = "Candidate molecules from a drug-response table (adversarial autoencoder of fingerprints)."
    paper = (
        "Kadurin et al., The cornucopia of meaningful leads: applying deep adversarial autoencoders for new molecule "
        "development in oncology, Oncotarget 8, 2017, doi:10.18632/oncotarget.14073"
    )
    Config = AAEConfig
    exports = {
        "encoder": "166 MACCS bits and the standardised log concentration -> normal neurons, GI neuron",
        "decoder": "normal neurons, GI neuron -> logits of 166 MACCS bits, standardised log concentration",
    }
    tiny = {"molecules": "none", "pretrain_steps": 2, "steps": 2, "generated": 50, "training.batch_size": 16}

    def __init__(self, config: AAEConfig) -> None:
        super().__init__(config)
        self.ema = dict.fromkeys((*AVERAGED, *(VAE if config.vae else ())), 0.999)  # type: ignore[misc]

    @classmethod
    def commands(cls) -> Any:
        """`gankit aae-molecules screen` and its like."""
        from gankit_aae_molecules.commands import group

        return group

    def check(self, source: str) -> tuple[dict[str, Any], str]:
        """What a drug-response table holds, and what of it would be dropped, clipped or merged."""
        from gankit_aae_molecules import tables
        from gankit_aae_molecules.data import read

        found = tables.describe(read(self.config.model_copy(update={"fingerprints": source})))
        return found, tables.text(found)

    def data(self) -> Data:
        """The table and the structures."""
        from gankit_aae_molecules.data import open_data

        return open_data(self.config)

    def networks(self, data: Data) -> dict[str, Any]:
        """Encoder, decoder and discriminator."""
        from gankit_aae_molecules import networks

        latent, hidden = data.facts["latent"], data.facts["hidden"]
        activation = "relu" if self.config.variant == "oncology" else "tanh"
        built = {
            "encoder": networks.encoder(hidden, activation, {"latent": latent, "gi": 1}),
            "decoder": networks.decoder(latent, hidden[::-1], activation),
            "discriminator": networks.discriminator(latent, data.facts["judge"]),
        }
        if self.config.vae:
            heads = {"mean": latent + 1, "log_variance": latent + 1}
            built["vae_encoder"] = networks.encoder(hidden, activation, heads, "vae_encoder")
            built["vae_decoder"] = networks.decoder(latent, hidden[::-1], activation, name="vae_decoder")
        return built

    def optimizers(self) -> dict[str, Any]:
        """AdamW for encoder and decoder, Adam for the discriminator; the rates come from the phases."""
        import keras

        lr = self.config.lr
        # With Keras' epsilon of 1e-7 Adam makes full steps of the rounding of gradients that are nearly 0.
        built = {
            "discriminator": keras.optimizers.Adam(lr, beta_1=0.5),
            "autoencoder": keras.optimizers.AdamW(lr, weight_decay=self.config.decay, epsilon=1e-5),
        }
        return {**built, "vae": keras.optimizers.Adam(lr)} if self.config.vae else built

    def stages(self, data: Data) -> list[Stage]:
        """Structures alone, then with responses."""
        from dataclasses import replace

        from gankit_aae_molecules.phases import Losses
        from gankit_aae_molecules.response import Response

        facts, config = data.facts, self.config
        doses = (facts["dose"]["low"], facts["dose"]["high"])
        losses = Losses(config, Response(**facts["response"]), facts["latent"], doses, responses=True)
        stages = [losses.stage("responses", config.steps)]
        if config.pretrain_steps:
            stages.insert(0, replace(losses, responses=False).stage("structures", config.pretrain_steps))
        return stages

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Held-out figures beside their baselines."""
        from gankit_aae_molecules.evaluation import evaluate

        return evaluate(self, networks, data)

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """The latent space, and requested against read-back responses."""
        from gankit_aae_molecules.pictures import draw

        return draw(self, networks, data, out)
