"""The recipe `stock-gan`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gankit import Data, Evaluation, Recipe, Stage
from gankit_stock_gan.config import StockConfig


class StockGAN(Recipe):
    """The distribution of the next returns, given those before.

    An LSTM reads a window of sessions and says how noise becomes the next return, in units of the present volatility;
    fed with its own returns it simulates whole paths. A discriminator judges windows with their futures, proper scores
    teach calibration, and the weights are those of the best held-out CRPS.
    """

    name = "stock-gan"
    summary = "Probabilistic forecasts and simulated paths of prices, beside GARCH and persistence."
    paper = (
        "Zhang et al., Stock Market Prediction Based on Generative Adversarial Network, Procedia Computer Science 147, "
        "2019, doi:10.1016/j.procs.2019.01.256 (LSTM generator, perceptron discriminator; the rest is ours)"
    )
    Config = StockConfig
    ema = {"generator": 0.99, "lstm": 0.99}
    exports = {
        "generator": "seven figures of a session and the LSTM's state -> four numbers that shape the next return's "
        "distribution, and the state",
        "lstm": "the same; the second number is the mean of the next return in units of its scale",
        "discriminator": "scaled returns of a window and what follows -> the logit that they are real",
    }
    tiny = {
        "steps": 4, "validation": 30, "test": 40, "window": 6, "horizon": 2, "units": 3, "hidden": 4, "samples": 2,
        "calibration": 50, "draws": 50, "refit": 100, "since": "2016-01-01",
        "training.batch_size": 8,
    }  # fmt: skip

    @classmethod
    def commands(cls) -> Any:
        """`gankit stock-gan forecast` and its like."""
        from gankit_stock_gan.commands import group

        return group

    def check(self, source: str) -> tuple[dict[str, Any], str]:
        """What a file of bars holds, and what cleaning it would do."""
        from gankit_stock_gan import bars
        from gankit_stock_gan.data import needed

        found = bars.describe(self.config.model_copy(update={"data": source}).series(0))
        found["needed"] = needed(self.config)
        short = [one["name"] for one in found["series"] if one["rows"] < found["needed"]]
        said = f"\n\nto train    {found['needed']:,} rows are needed with these options"
        return found, bars.text(found) + said + (f"; too short: {', '.join(short)}" if short else "")

    def data(self) -> Data:
        """The bars, cut in time."""
        from gankit_stock_gan.data import open_data

        return open_data(self.config)

    def test_data(self, source: str) -> Data:
        """Other bars; the last sessions of each series are forecast, as many as of the run's own."""
        from gankit_stock_gan.data import other

        return other(self.config, source)

    def networks(self, data: Data) -> dict[str, Any]:
        """Generator and discriminator, and the LSTM that is a baseline."""
        from gankit_stock_gan.model import networks

        facts = data.facts
        return {
            **{name: networks.days(facts["units"], facts["hidden"], name) for name in ("generator", "lstm")},
            "discriminator": networks.discriminator(facts["window"] + facts["horizon"]),
        }

    def optimizers(self) -> dict[str, Any]:
        """AdamW and Adam; the rates come from the phases."""
        import keras

        config = self.config
        return {
            "generator": keras.optimizers.AdamW(config.lr, weight_decay=config.decay, epsilon=1e-5),
            "lstm": keras.optimizers.AdamW(config.lr, weight_decay=config.decay, epsilon=1e-5),
            "discriminator": keras.optimizers.Adam(config.lr, beta_1=0.5, epsilon=1e-5),
        }

    def stages(self, data: Data) -> list[Stage]:
        """One stage; it ends with the weights of the best held-out CRPS."""
        from gankit_stock_gan.model.phases import ReturnsGame
        from gankit_stock_gan.model.selection import validation_crps

        def probe(networks: Mapping[str, Any], opened: Data) -> dict[str, float]:
            return {"crps_bps": validation_crps(self.config, networks["generator"], opened.held_out["assets"])}

        return [ReturnsGame(self.config, probe).stage()]

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Held-out figures beside their baselines."""
        from gankit_stock_gan.backtest.evaluation import evaluate

        return evaluate(self, networks, data)

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """Calibration, the equity curve and a fan of the last days, of held-out sessions."""
        from gankit_stock_gan.pictures import draw

        return draw(self, networks, data, out)
