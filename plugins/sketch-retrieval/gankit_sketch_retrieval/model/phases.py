"""The game: what discriminator and generator minimise.

- `real`, `fake`: the discriminator tells drawn marks from generated ones (Goodfellow et al. 2014). In a BiGAN it sees
  marks with their codes: drawn ones with what the encoder says of them, generated ones with the noise that they were
  made of; encoder and generator resist together (Donahue et al. 2017, equation 3).
- `contrast`: it also tells each mark, drawn anew, from all others of the batch and from generated ones: the normalised
  temperature-scaled cross-entropy of Chen et al. 2020 (SimCLR, equation 1), which Jeong & Shin 2021 (ContraD) put into
  a discriminator.
- `penalty`: R1 (Mescheder et al. 2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gankit import Phase, Stage, Terms, Turn, Watch
from gankit.losses import cross_entropy
from gankit.penalties import squared_gradient
from gankit.replicas import gather
from gankit_sketch_retrieval.config import SketchConfig


@dataclass(frozen=True)
class Game:
    """The losses of one training."""

    config: SketchConfig

    def stage(self) -> Stage:
        """The only stage."""
        config = self.config
        given = {
            "real": config.adversarial_weight,
            "fake": config.adversarial_weight,
            "contrast": config.contrast_weight,
            "penalty": config.r1,
        }
        weights = {name: weight for name, weight in given.items() if weight}
        trained = ("discriminator", "head") if config.contrast_weight else ("discriminator",)
        phases = [Phase("discriminator", trained, self.judge, weights, lr=config.rate(config.lr))]
        if not config.adversarial_weight:
            return Stage("training", config.steps, tuple(phases))
        resisting = ("generator", "encoder") if config.game == "bigan" else ("generator",)
        phases.append(Phase("generator", resisting, self.resist, lr=config.rate(config.lr_generator)))
        return Stage("training", config.steps, tuple(phases), self.shared, watch=Watch(self.look))

    def shared(self, turn: Turn) -> Mapping[str, Any]:
        """Generated marks with their noise; in a BiGAN, codes of drawn ones."""
        z = turn.normal("z", self.config.latent)
        codes = {"code": turn("encoder", turn["mark"])[0]} if self.config.game == "bigan" else {}
        return {"fake": turn("generator", z), "z": z, **codes}

    def _judged(self, turn: Turn, mark: Any, code: Any) -> list[Any]:
        inputs = (mark, code) if self.config.game == "bigan" else (mark,)
        found: list[Any] = turn("discriminator", *inputs)
        return found

    def _placed(self, turn: Turn, last: Any) -> Any:
        return tf.math.l2_normalize(turn("head", last), axis=1)

    def judge(self, turn: Turn) -> Terms:
        """The discriminator's losses."""
        config, terms, strangers = self.config, {}, None
        drawn = turn["mark"]
        code = turn.shared["code"] if config.game == "bigan" else None
        logit, *_, last = self._judged(turn, drawn, code)
        if config.adversarial_weight:
            shared = turn.shared
            judged, *_, generated = self._judged(turn, shared["fake"], shared["z"])
            terms = {"real": cross_entropy(logit, True), "fake": cross_entropy(judged, False)}
            strangers = self._placed(turn, generated) if config.contrast_weight else None
        if config.contrast_weight:
            *_, again = self._judged(turn, turn["other"], None)
            first, second = self._placed(turn, last), self._placed(turn, again)
            terms["contrast"] = contrast(first, second, strangers, config.temperature)
        if config.r1:
            terms["penalty"] = squared_gradient(lambda x: self._judged(turn, x, code)[0], drawn)
        return terms

    def resist(self, turn: Turn) -> Terms:
        """The generator's losses, and a BiGAN's encoder's."""
        shared = turn.shared
        terms = {"fake": cross_entropy(self._judged(turn, shared["fake"], shared["z"])[0], True)}
        if self.config.game == "bigan":
            terms["real"] = cross_entropy(self._judged(turn, turn["mark"], shared["code"])[0], False)
        return terms

    def look(self, turn: Turn) -> Mapping[str, Any]:
        """What the discriminator says of drawn and of generated marks."""
        seen = self.shared(turn)
        return {
            "real": self._judged(turn, turn["mark"], seen.get("code"))[0],
            "fake": self._judged(turn, seen["fake"], seen["z"])[0],
            "examples": turn["mark"],
            "generated": seen["fake"],
        }


def contrast(first: Any, second: Any, strangers: Any | None, temperature: float) -> tf.Tensor:
    """Cross-entropy of finding each mark's other view among those of all marks.

    Args:
        first: `[batch, n]` unit vectors, one view of each mark.
        second: The other view.
        strangers: `[batch, n]` unit vectors that are nobody's view, or None.
        temperature: By which dot products are divided.

    Returns:
        `[batch]`: the mean over both directions. The marks of all replicas are among the others.
    """
    (every_first, start), (every_second, _) = gather(first), gather(second)
    rows = start + tf.range(tf.shape(first)[0])
    others = [] if strangers is None else [gather(strangers)[0]]
    itself = tf.one_hot(rows, tf.shape(every_first)[0], dtype=first.dtype) * 1e9  # a view is no rival of itself
    losses = []
    for own, mine, theirs in ((first, every_first, every_second), (second, every_second, every_first)):
        near = [own @ tf.transpose(theirs), own @ tf.transpose(mine) - itself]
        near += [own @ tf.transpose(other) for other in others]
        logits = tf.concat(near, 1) / temperature
        losses.append(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=rows, logits=logits))
    return (losses[0] + losses[1]) / 2
