"""The game: what discriminator and generator minimise.

- `real`, `fake`: the discriminator tells drawn marks from generated ones, and the generator resists (Goodfellow et al.
  2014). In a BiGAN it sees marks with their codes: drawn ones with what the encoder says of them, generated ones with
  the noise that they were made of; encoder and generator resist together (Donahue et al. 2017, equation 3).
- `contrast`: the discriminator's layers tell each mark, drawn anew, from all others of the batch: the normalised
  temperature-scaled cross-entropy of Chen et al. 2020 (SimCLR, equation 1), with which Jeong & Shin 2021 (ContraD)
  train a discriminator. It learns more of a mark than the game does, and best alone; a game beside it is played in
  some of the steps only.
- `penalty`: R1 (Mescheder et al. 2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gankit import Monitor, Phase, Stage, Terms, Turn
from gankit.engine import gather
from gankit.nn import cross_entropy, squared_gradient
from gankit_sketch_retrieval.config import SketchConfig


@dataclass(frozen=True)
class MarkLosses:
    """The losses of one training."""

    config: SketchConfig

    def stage(self) -> Stage:
        """The only stage."""
        config, phases = self.config, []
        lr = config.rate(config.lr_discriminator)
        if config.contrast_weight:
            weights = {"contrast": config.contrast_weight}
            phases.append(
                Phase("contrast", ("discriminator", "head"), self.contrast_terms, weights, "discriminator", lr=lr)
            )
        if not config.adversarial_weight:
            return Stage("training", config.steps, tuple(phases))
        every = config.play_every if config.contrast_weight else 1
        # What happens in every n-th step counts n times.
        weights = dict.fromkeys(("real", "fake"), config.adversarial_weight * every)
        if config.r1:
            weights["penalty"] = config.r1 * every
        phases.append(Phase("discriminator", ("discriminator",), self.discriminator_terms, weights, lr=lr, every=every))
        resisting = ("generator", "encoder") if config.game == "bigan" else ("generator",)
        schedule = config.rate(config.lr_resisting)
        phases.append(Phase("generator", resisting, self.generator_terms, lr=schedule, every=every))
        return Stage("training", config.steps, tuple(phases), self.shared, monitor=Monitor(self.seen))

    def shared(self, turn: Turn) -> Mapping[str, Any]:
        """Generated marks with their noise; in a BiGAN, codes of drawn ones."""
        z = turn.normal("z", self.config.latent)
        codes = {"code": turn("encoder", turn["mark"])[0]} if self.config.game == "bigan" else {}
        return {"fake": turn("generator", z), "z": z, **codes}

    def _verdict(self, turn: Turn, mark: Any, code: Any) -> Any:
        inputs = (mark, code) if self.config.game == "bigan" else (mark,)
        return turn("discriminator", *inputs)[0]

    def contrast_terms(self, turn: Turn) -> Terms:
        """The discriminator's contrast."""

        def placed(view: str) -> Any:
            *_, last = turn("discriminator", turn[view])
            return tf.math.l2_normalize(turn("head", last), axis=1)

        return {"contrast": contrast(placed("mark"), placed("other"), self.config.temperature)}

    def discriminator_terms(self, turn: Turn) -> Terms:
        """The discriminator's verdicts."""
        drawn, shared = turn["mark"], turn.shared
        code = shared.get("code")
        terms = {
            "real": cross_entropy(self._verdict(turn, drawn, code), True),
            "fake": cross_entropy(self._verdict(turn, shared["fake"], shared["z"]), False),
        }
        if self.config.r1:
            terms["penalty"] = squared_gradient(lambda x: self._verdict(turn, x, code), drawn)
        return terms

    def generator_terms(self, turn: Turn) -> Terms:
        """The generator's loss, and a BiGAN's encoder's."""
        shared = turn.shared
        terms = {"fake": cross_entropy(self._verdict(turn, shared["fake"], shared["z"]), True)}
        if self.config.game == "bigan":
            terms["real"] = cross_entropy(self._verdict(turn, turn["mark"], shared["code"]), False)
        return terms

    def seen(self, turn: Turn) -> Mapping[str, Any]:
        """What the discriminator says of drawn and of generated marks."""
        shared = self.shared(turn)
        return {
            "real": self._verdict(turn, turn["mark"], shared.get("code")),
            "fake": self._verdict(turn, shared["fake"], shared["z"]),
            "examples": turn["mark"],
            "generated": shared["fake"],
        }


def contrast(first: Any, second: Any, temperature: float) -> tf.Tensor:
    """Cross-entropy of finding each mark's other view among the views of all marks.

    Args:
        first: `[batch, n]` unit vectors, one view of each mark.
        second: The other view.
        temperature: By which dot products are divided.

    Returns:
        `[batch]`: the mean over both directions. The marks of all replicas are among the others.
    """
    (every_first, start), (every_second, _) = gather(first), gather(second)
    rows = start + tf.range(tf.shape(first)[0])
    itself = tf.one_hot(rows, tf.shape(every_first)[0], dtype=first.dtype) * 1e9  # a view is no rival of itself
    losses = []
    for own, mine, theirs in ((first, every_first, every_second), (second, every_second, every_first)):
        logits = tf.concat([own @ tf.transpose(theirs), own @ tf.transpose(mine) - itself], 1) / temperature
        losses.append(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=rows, logits=logits))
    return (losses[0] + losses[1]) / 2
