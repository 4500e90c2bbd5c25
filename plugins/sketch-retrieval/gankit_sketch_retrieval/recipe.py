"""The recipe `sketch-retrieval`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gankit import Data, Evaluation, Recipe, Stage
from gankit_sketch_retrieval.config import SketchConfig


class SketchRetrieval(Recipe):
    """Features of drawn marks, learned without labels.

    A discriminator tells drawn marks from generated ones (the paper's game), or each mark, drawn anew, from all others
    (the default, which learns more). What its layers know of a mark is a vector, and the nearest vectors are the marks
    that look alike.
    """

    name = "sketch-retrieval"
    summary = "Learn marks without labels, then find them, alone and inside scanned pages."
    paper = "Creswell & Bharath, Adversarial Training For Sketch Retrieval, ECCV Workshops 2016, arXiv:1607.02748"
    Config = SketchConfig
    exports = {
        "discriminator": "marks [64, 64, 1] in [0, 1], ink bright -> the logit that they are drawn (untrained if "
        "no game was played), and activations",
        "head": "the discriminator's last activation -> coordinates by which marks are compared, at unit length",
        "generator": "noise -> marks [64, 64, 1] in [0, 1]",
        "encoder": "of a BiGAN: marks -> codes, and activations",
    }
    tiny = {"steps": 3, "width": 4, "latent": 5, "dimensions": 8, "training.batch_size": 8}

    def __init__(self, config: SketchConfig) -> None:
        super().__init__(config)
        read = (config.reader, "head") if config.contrast_weight else (config.reader,)
        self.ema = dict.fromkeys(read, 0.99)  # type: ignore[misc]

    @classmethod
    def commands(cls) -> Any:
        """`gankit sketch-retrieval index` and its like."""
        from gankit_sketch_retrieval.commands import group

        return group

    def check(self, source: str) -> tuple[dict[str, Any], str]:
        """How many marks a folder or file holds, and what would be left out."""
        from gankit_sketch_retrieval.data import described

        return described(source, self.config)

    def data(self) -> Data:
        """The marks."""
        from gankit_sketch_retrieval.data import open_data

        return open_data(self.config)

    def test_data(self, source: str) -> Data:
        """Other marks."""
        from gankit_sketch_retrieval.data import other

        return other(self.config, source)

    def networks(self, data: Data) -> dict[str, Any]:
        """Discriminator, generator, and what the game needs besides."""
        from gankit_sketch_retrieval.model import networks

        config = self.config
        found = networks.shape(config.network, config.width)
        bigan = config.game == "bigan"
        discriminator = networks.reader(
            found, spectral=config.spectral, beside=config.latent if bigan else 0, name="discriminator"
        )
        built = {"discriminator": discriminator}
        if config.adversarial_weight:
            built["generator"] = networks.generator(found, config.latent)
        if bigan:
            built["encoder"] = networks.reader(found, config.latent, name="encoder")
        if config.contrast_weight:
            built["head"] = networks.head(discriminator)
        return built

    def optimizers(self) -> dict[str, Any]:
        """Adam; the rates come from the phases."""
        import keras

        config = self.config
        # A game alone needs the low momentum of the paper's; the contrast settles sooner with the usual one.
        beta = 0.9 if config.contrast_weight else 0.5
        built = {"discriminator": keras.optimizers.Adam(config.lr_discriminator, beta_1=beta, epsilon=1e-5)}
        if config.adversarial_weight:
            built["generator"] = keras.optimizers.Adam(config.lr_resisting, beta_1=0.5, epsilon=1e-5)
        return built

    def stages(self, data: Data) -> list[Stage]:
        """One stage."""
        from gankit_sketch_retrieval.model.phases import MarkLosses

        return [MarkLosses(self.config).stage()]

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """How well held-out marks are found, beside features that need no training."""
        from gankit_sketch_retrieval.evaluation.held_out import evaluate

        return evaluate(self, networks, data)

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """What was found for some held-out marks, and generated marks."""
        from gankit_sketch_retrieval.pictures import draw

        return draw(self, networks, data, out)
