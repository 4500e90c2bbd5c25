"""Augmentation that grows as long as the discriminator learns its examples by heart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gankit.nn.augmentation import augment
from gankit.recipe import Turn

MEMORY = 4  # batches whose signs decide, as in the paper


@dataclass(frozen=True)
class AdaptiveAugmentation:
    """Adaptive discriminator augmentation (Karras et al. 2020, arXiv:2006.06676, section 3).

    Each change is made to an image with a probability that rises while r = E[sign(D(real))] is above `target`, and
    falls otherwise. r is 0 where the discriminator knows nothing, and 1 where it calls every real image real.

    Attributes:
        policies: What may be changed: keys of `gankit.nn.POLICIES`.
        target: The r that is aimed at.
        images: Real images in which the probability can rise from 0 to 1.
        phase: Whose loss calls `observe`.
        name: Of its state.

    Examples:
        Both networks' losses show the discriminator `ada.changed(turn, images, "fake")`; the discriminator's also calls
        `ada.observe(turn, outputs_on_real)`; the stage has `state=ada.state, update=ada.update`.

        >>> ada = AdaptiveAugmentation(("translation",))
        >>> ada.state
        {'augmentation': 0.0, 'augmentation sign': 0.0}
    """

    policies: tuple[str, ...] = ("color", "translation")
    target: float = 0.6
    images: float = 500_000
    phase: str = "discriminator"
    name: str = "augmentation"

    @property
    def state(self) -> dict[str, Any]:
        """For `Stage.state`: the probability, and the mean sign of the newest batches."""
        return {self.name: 0.0, f"{self.name} sign": 0.0}

    def changed(self, turn: Turn, images: Any, kind: str) -> tf.Tensor:
        """Images as the discriminator is shown them, `[batch, height, width, channels]`.

        Args:
            turn: Gives the noise.
            images: Around 0.
            kind: "real", say: other kinds are changed independently.
        """
        return augment(turn, images, self.policies, f"{self.name} of {kind}", turn.state[self.name])

    def observe(self, turn: Turn, on_real: Any) -> None:
        """Logs the signs of the discriminator's outputs on real images, `[batch, ...]`, for the update."""
        outputs = tf.reshape(tf.stop_gradient(on_real), (on_real.shape[0], -1))
        turn.log("sign", tf.reduce_mean(tf.sign(outputs), axis=1))
        turn.log("augmentation", turn.state[self.name])

    def update(self, turn: Turn) -> Mapping[str, Any]:
        """The probability after this step, for `Stage.update`."""
        signs = turn.terms.get(f"{self.phase}/sign")
        if signs is None:  # the phase did not run in this step
            return {}
        probability, before = turn.state[self.name], turn.state[f"{self.name} sign"]
        sign = before + (tf.cast(turn.global_mean(signs), before.dtype) - before) / MEMORY
        stride = turn.gather(signs).shape[0] / self.images
        moved = tf.clip_by_value(probability + stride * tf.sign(sign - self.target), 0.0, 1.0)
        return {self.name: moved, f"{self.name} sign": sign}
