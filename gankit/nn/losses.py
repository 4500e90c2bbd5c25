"""Losses as one value an example: `[batch, ...]` -> `[batch]`. The engine averages over the global batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

Mean = Callable[[Any], Any]
"""`[batch, ...]` -> `[...]` over the examples of all replicas: `Turn.global_mean`."""


def per_example(x: Any) -> tf.Tensor:
    """Mean over everything but the batch: `[batch, ...]` -> `[batch]`.

    Examples:
        >>> per_example(tf.constant([[1.0, 3.0], [5.0, 5.0]])).numpy().tolist()
        [2.0, 5.0]
    """
    return tf.reduce_mean(tf.reshape(x, (tf.shape(x)[0], -1)), axis=1)


def absolute_error(a: Any, b: Any) -> tf.Tensor:
    """Mean |a - b| of each example, `[batch]`.

    Examples:
        >>> absolute_error(tf.constant([[1.0, 2.0]]), [[1.0, 4.0]]).numpy().tolist()
        [1.0]
    """
    return per_example(tf.abs(a - b))


def squared_error(a: Any, b: Any) -> tf.Tensor:
    """Mean (a - b)^2 of each example, `[batch]`.

    Examples:
        >>> squared_error(tf.constant([[1.0, 2.0]]), [[1.0, 4.0]]).numpy().tolist()
        [2.0]
    """
    return per_example(tf.square(a - b))


def cross_entropy(logits: Any, real: bool, label: float = 1.0) -> tf.Tensor:
    """Binary cross-entropy of a discriminator's logits against one label.

    With the discriminator's own labels this is its loss in Goodfellow et al. (2014); the generator that asks for `real`
    minimises -log D(G(z)), the non-saturating loss of the same paper, section 3.

    Args:
        logits: `[batch, ...]` float.
        real: The label: whether the examples should be judged real.
        label: The probability that stands for certainty; 0.9 for real examples alone is one-sided label smoothing
            (Salimans et al. 2016, section 3.4).

    Returns:
        `[batch]`: softplus(-logits) or softplus(logits), averaged over what is not the batch.

    Examples:
        >>> float(cross_entropy(tf.constant([[0.0]]), real=True)[0]) == float(tf.math.log(2.0))
        True
    """
    sure, doubt = (-logits, logits) if real else (logits, -logits)
    loss = per_example(tf.nn.softplus(sure))
    return loss if label == 1 else label * loss + (1 - label) * per_example(tf.nn.softplus(doubt))


def feature_matching(real: Any, fake: Any, mean: Mean) -> tf.Tensor:
    """Squared distance between the mean features of real and of generated examples (Salimans et al. 2016, section 3.1).

    Args:
        real: `[batch, ...]`, a layer of the discriminator on real examples.
        fake: The same on generated ones.
        mean: `Turn.global_mean`.

    Returns:
        `[batch]`: the distance of the whole batch, for each example, averaged over the features.

    Examples:
        >>> mean = lambda x: tf.reduce_mean(x, axis=0)
        >>> feature_matching(tf.constant([[1.0]]), tf.constant([[3.0]]), mean).numpy().tolist()
        [4.0]
    """
    distance = tf.reduce_mean(tf.square(mean(real) - mean(fake)))
    return tf.fill((tf.shape(fake)[0],), distance)


@dataclass(frozen=True)
class Adversarial:
    """What discriminator and generator each minimise, as functions of the discriminator's outputs.

    Attributes:
        discriminator: (real, fake, mean) -> terms, `[batch]` each: "real" and "fake", or "pair" of both.
        generator: (real, fake, mean) -> terms; `real` is None unless `relative`.
        relative: Whether the generator's loss looks at real examples, too.

    Examples:
        >>> sorted(ADVERSARIAL["hinge"].discriminator(tf.zeros((2, 1)), tf.zeros((2, 1)), None))
        ['fake', 'real']
    """

    discriminator: Callable[[Any, Any, Mean], dict[str, tf.Tensor]]
    generator: Callable[[Any, Any, Mean], dict[str, tf.Tensor]]
    relative: bool = False


def _judged(real: Any, fake: Any, mean: Mean) -> dict[str, tf.Tensor]:
    return {"real": cross_entropy(real, True), "fake": cross_entropy(fake, False)}


def _relativistic(real: Any, fake: Any, mean: Mean) -> dict[str, tf.Tensor]:
    return _judged(real - mean(fake), fake - mean(real), mean)


def _inverted(real: Any, fake: Any, mean: Mean) -> dict[str, tf.Tensor]:
    terms = _relativistic(fake, real, mean)
    return {"real": terms["fake"], "fake": terms["real"]}


def _paired(real: Any, fake: Any, mean: Mean) -> dict[str, tf.Tensor]:
    return {"pair": cross_entropy(real - fake, True)}


def _criticised(real: Any, fake: Any, mean: Mean) -> dict[str, tf.Tensor]:
    return {"real": per_example(-real), "fake": per_example(fake)}


ADVERSARIAL: dict[str, Adversarial] = {
    # Goodfellow et al. 2014, equation 1: the generator minimises log(1 - D(G(z))).
    "minimax": Adversarial(_judged, lambda real, fake, mean: {"fake": -cross_entropy(fake, False)}),
    # The same, section 3: it maximises log D(G(z)).
    "non-saturating": Adversarial(_judged, lambda real, fake, mean: {"fake": cross_entropy(fake, True)}),
    # Mao et al. 2017, equation 9: the labels are 0 and 1, and the generator wants 1.
    "least-squares": Adversarial(
        lambda real, fake, mean: {"real": squared_error(real, 1.0) / 2, "fake": squared_error(fake, 0.0) / 2},
        lambda real, fake, mean: {"fake": squared_error(fake, 1.0) / 2},
    ),
    # Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17.
    "hinge": Adversarial(
        lambda real, fake, mean: {
            "real": per_example(tf.nn.relu(1 - real)),
            "fake": per_example(tf.nn.relu(1 + fake)),
        },
        lambda real, fake, mean: {"fake": per_example(-fake)},
    ),
    # Arjovsky et al. 2017, equation 2: minus the sum of the critic's terms estimates the distance.
    "wasserstein": Adversarial(_criticised, lambda real, fake, mean: {"fake": per_example(-fake)}),
    # Jolicoeur-Martineau 2018, the relativistic average GAN: more real than the average of the other kind.
    "relativistic": Adversarial(_relativistic, _inverted, relative=True),
    # The same paper's relativistic GAN: more real than the example of the other kind that stands at its place in the
    # batch. R3GAN (Huang et al. 2024) has it with the penalties R1 and R2.
    "relativistic-paired": Adversarial(_paired, lambda real, fake, mean: _paired(fake, real, mean), relative=True),
}
"""The adversarial losses by name."""
