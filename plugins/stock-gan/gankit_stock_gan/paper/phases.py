"""The losses of Zhang et al. (2019), and the squared error alone for the LSTM beside the game.

The discriminator minimises cross-entropy over windows followed by the real and by the predicted day; the generator
minimises lambda_1 MSE + lambda_2 log(1 - D). There is no noise: a forecast is a point. The second LSTM has the same
layers and sees the same batches, so that what the discriminator contributes is the difference between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gankit import Monitor, Phase, Stage, Turn
from gankit.nn import ADVERSARIAL, squared_error
from gankit_stock_gan.paper.config import PaperConfig


@dataclass(frozen=True)
class PaperGame:
    """The phases of the only stage.

    Attributes:
        config: The recipe's.
    """

    config: PaperConfig

    def stage(self) -> Stage:
        """The stage. The monitors look at held-out windows, which training never reads."""
        weights = {"mse": self.config.mse_weight, "fake": self.config.adversarial_weight}
        phases = (
            Phase("discriminator", ("discriminator",), self.discriminate),
            Phase("generator", ("generator",), self.generate, weights),
            Phase("lstm", ("lstm",), self.regress),
        )
        monitor = Monitor(self.watched, reads=("held_out",))
        return Stage("training", self.config.steps, phases, shared=self.shared, reads=("windows",), monitor=monitor)

    def mask(self, turn: Turn, name: str) -> Any:
        """Inverted dropout: `[batch, units]`, 0 or 1 / (1 - share)."""
        hidden = self.config.dropout
        drawn = turn.uniform(name, self.config.units)
        return tf.cast(drawn >= hidden, drawn.dtype) / (1 - hidden)

    def shared(self, turn: Turn) -> dict[str, Any]:
        """The generator's day, which both players judge."""
        return {"next": turn("generator", turn["past"], self.mask(turn, "dropout"))}

    def discriminate(self, turn: Turn) -> dict[str, Any]:
        """Cross-entropy of the real and of the predicted day."""
        real = turn("discriminator", turn["past"], turn["next"])
        fake = turn("discriminator", turn["past"], turn.shared["next"])
        return ADVERSARIAL[self.config.loss].discriminator(real, fake, turn.global_mean)

    def generate(self, turn: Turn) -> dict[str, Any]:
        """Squared error over the seven factors, and the adversarial loss."""
        ahead = turn.shared["next"]
        judged = turn("discriminator", turn["past"], ahead)
        adversarial = ADVERSARIAL[self.config.loss].generator(None, judged, turn.global_mean)
        return {"mse": squared_error(ahead, turn["next"]), **adversarial}

    def regress(self, turn: Turn) -> dict[str, Any]:
        """Squared error alone."""
        ahead = turn("lstm", turn["past"], self.mask(turn, "dropout of the lstm"))
        return {"mse": squared_error(ahead, turn["next"])}

    def watched(self, turn: Turn) -> dict[str, Any]:
        """The discriminator's outputs on held-out windows.

        The days themselves are left out: point forecasts vary less than days do, which is no collapse.
        """
        past = turn["past"]
        ahead = turn("generator", past, tf.ones_like(turn.uniform("all", self.config.units)))
        return {"real": turn("discriminator", past, turn["next"]), "fake": turn("discriminator", past, ahead)}
