"""Losses against their closed forms, where they matter most: far out."""

import numpy as np
import pytest

FAR = np.array([-1e4, -50.0, -1.0, 0.0, 1.0, 50.0, 1e4])


@pytest.mark.parametrize("real", [True, False])
def test_cross_entropy_is_finite_everywhere(real):
    from gankit import losses

    sign = -1 if real else 1
    expected = np.logaddexp(0, sign * FAR)
    np.testing.assert_allclose(losses.cross_entropy(FAR[:, None], real), expected, rtol=1e-12)


def test_a_discriminator_that_has_won_still_teaches_the_generator():
    """-log D(G(z)) has the gradient D - 1 in the logit: -1 where log(1 - D(G(z))) would have none left."""
    import tensorflow as tf

    from gankit import losses

    logits = tf.constant(FAR[:, None])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = losses.cross_entropy(logits, True)
    gradient = tape.gradient(loss, logits).numpy()[:, 0]
    np.testing.assert_allclose(gradient, -1 / (1 + np.exp(np.clip(FAR, None, 700))), atol=1e-12)
    assert gradient[:2].max() < -0.999
