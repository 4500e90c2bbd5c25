"""Earlier fakes for a discriminator, which then does not forget what the generator has stopped making."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from gankit.recipe import Turn


@dataclass(frozen=True)
class ImagePool:
    """A pool of generated examples (Shrivastava et al. 2017, section 2.3; CycleGAN's, Zhu et al. 2017, section 4).

    While it is not full, each fake goes into it and is shown to the discriminator. Once it is, a fake is shown as it
    is, or, with probability 1/2, takes the place of a random one in the pool, which is shown instead. The fakes of all
    replicas are offered one after the other, so that the number of replicas changes nothing.

    Attributes:
        shape: Of one example.
        size: Examples in the pool; 50 in CycleGAN.
        name: Of its state; two pools of a stage need two.

    Examples:
        A stage's discriminator looks at `pool.exchange(turn, turn.shared["fake"])`, and the stage has

        >>> pool = ImagePool((64, 64, 3))
        >>> sorted(pool.state)
        ['pool', 'pool count']
        >>> update = lambda turn: pool.update(turn, turn.shared["fake"])
    """

    shape: tuple[int, ...]
    size: int = 50
    name: str = "pool"

    @property
    def state(self) -> dict[str, Any]:
        """For `Stage.state`: `[size, *shape]` floats, and how many examples have been offered."""
        return {self.name: np.zeros((self.size, *self.shape), np.float32), f"{self.name} count": 0}

    def exchange(self, turn: Turn, examples: Any) -> tf.Tensor:
        """What the discriminator is shown for these fakes, `[batch, *shape]`; no gradient flows to earlier ones."""
        everyone = turn.gather(examples)
        shown, _ = self._play(turn, everyone.shape[0])
        return turn.own(self._rows(turn, everyone, shown))

    def update(self, turn: Turn, examples: Any) -> Mapping[str, Any]:
        """The pool after these fakes, for `Stage.update`."""
        everyone = tf.stop_gradient(turn.gather(examples))
        _, owner = self._play(turn, everyone.shape[0])
        return {
            self.name: self._rows(turn, everyone, owner),
            f"{self.name} count": turn.state[f"{self.name} count"] + everyone.shape[0],
        }

    def _rows(self, turn: Turn, everyone: Any, numbers: Any) -> tf.Tensor:
        """Rows of the pool, numbers below `size`, and of the batch, from there on."""
        pool = tf.cast(turn.state[self.name], everyone.dtype)
        old = tf.gather(pool, tf.minimum(numbers, self.size - 1))
        new = tf.gather(everyone, tf.maximum(numbers - self.size, 0))
        return tf.where(tf.reshape(numbers < self.size, (-1, *[1] * len(self.shape))), old, new)

    def _play(self, turn: Turn, count: int) -> tuple[tf.Tensor, tf.Tensor]:
        """What offering the examples one after the other comes to, by numbers alone.

        Returns:
            Which row is shown for each example, `[count]`; which row each place of the pool ends with, `[size]`.
        """
        draws = turn.gather(turn.uniform(f"exchange with {self.name}", 2))
        order = tf.range(count)
        offered = tf.cast(turn.state[f"{self.name} count"], tf.int32) + order
        full = offered >= self.size
        swap = full & (draws[:, 0] < 0.5)
        places = tf.where(full, tf.cast(draws[:, 1] * self.size, tf.int32), offered)
        taken = tf.where(swap | ~full, order, -1)  # who takes the place, and stays there until another one does

        def last(same: Any) -> Any:
            """The last of those that take a place; -1 if none does."""
            return tf.reduce_max(tf.where(same, taken, -1), axis=1)

        earlier = last((places[:, None] == places) & (order[:, None] > order))
        owner, everywhere = tf.where(earlier < 0, places, self.size + earlier), tf.range(self.size)
        latest = last(everywhere[:, None] == places)
        return (
            tf.where(swap, owner, self.size + order),
            tf.where(latest < 0, everywhere, self.size + latest),
        )
