"""The recipe `stock-gan-paper`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gankit import Data, Evaluation, Recipe, Stage
from gankit_stock_gan.paper.config import PaperConfig


class StockGANPaper(Recipe):
    """Tomorrow's bar from the last five, by an LSTM that a perceptron judges: the paper, as it was published.

    It is here to be measured. A forecast is a point; figures stand beside persistence, drift, the window's mean and
    the same LSTM without a discriminator, and a test says whether there is any skill. For distributions and simulated
    paths there is the recipe `stock-gan`.
    """

    name = "stock-gan-paper"
    summary = "Tomorrow's close by the LSTM-against-perceptron GAN of 2019, beside honest baselines."
    paper = (
        "Zhang et al., Stock Market Prediction Based on Generative Adversarial Network, Procedia Computer Science 147, "
        "2019, doi:10.1016/j.procs.2019.01.256"
    )
    Config = PaperConfig
    exports = {
        "generator": "z-scores of a window (high, low, open, close, turnover, volume, ma5 by day) and a mask of ones "
        "-> those of the next day",
        "lstm": "the same, trained without a discriminator",
    }
    tiny = {"steps": 4, "units": 8, "test": 40, "since": "2017-01-01", "training.batch_size": 16}

    def check(self, source: str) -> tuple[dict[str, Any], str]:
        """What a file of bars holds, and what cleaning it would do."""
        from gankit_stock_gan import bars

        found = bars.describe(self.config.model_copy(update={"data": source}).series(0))
        return found, bars.text(found)

    def data(self) -> Data:
        """Windows of the series that are named, cut by the protocol."""
        from gankit_stock_gan.paper.data import open_data

        return open_data(self.config)

    def networks(self, data: Data) -> dict[str, Any]:
        """Generator, discriminator, and the LSTM that has none."""
        from gankit_stock_gan.paper import networks

        config, window = self.config, data.facts["window"]
        shape = (window, config.units, config.output, config.target)
        return {
            "generator": networks.generator(*shape),
            "discriminator": networks.discriminator(window),
            "lstm": networks.generator(*shape, name="lstm"),
        }

    def optimizers(self) -> dict[str, Any]:
        """Adam for each."""
        import keras

        rates = {"discriminator": self.config.discriminator_lr, "generator": self.config.lr, "lstm": self.config.lr}
        # With Keras' epsilon of 1e-7 Adam makes full steps of the rounding of gradients that are nearly 0.
        return {name: keras.optimizers.Adam(rate, epsilon=1e-5) for name, rate in rates.items()}

    def stages(self, data: Data) -> list[Stage]:
        """One stage."""
        from gankit_stock_gan.paper.phases import PaperGame

        return [PaperGame(self.config).stage()]

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Errors of the held-out closes beside their baselines', with a verdict."""
        from gankit_stock_gan.paper.evaluation import evaluate

        return evaluate(self, networks, data)

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """Predicted and actual closes: a picture of each asset, and a table."""
        from gankit_stock_gan.paper.pictures import draw

        return draw(self, networks, data, out)
