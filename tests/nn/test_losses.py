"""Losses against their closed forms, also where they matter most: far out."""

import numpy as np
import pytest
import tensorflow as tf

from gankit.nn import losses
from gankit.nn.losses import ADVERSARIAL

FAR = np.array([-1e4, -50.0, -1.0, 0.0, 1.0, 50.0, 1e4])
RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(1, 2, (7, 3)), RNG.normal(-1, 2, (7, 3))


def mean(x):
    return tf.reduce_mean(x, axis=0)


def log_sigmoid(x):
    return -np.logaddexp(0, -x)


@pytest.mark.parametrize("real", [True, False])
def test_cross_entropy_is_finite_everywhere(real):
    sign = -1 if real else 1
    expected = np.logaddexp(0, sign * FAR)
    np.testing.assert_allclose(losses.cross_entropy(FAR[:, None], real), expected, rtol=1e-12)


def test_one_sided_label_smoothing():
    p = 1 / (1 + np.exp(-REAL))
    expected = -(0.9 * np.log(p) + 0.1 * np.log(1 - p)).mean(1)
    np.testing.assert_allclose(losses.cross_entropy(REAL, True, 0.9), expected)


def test_a_discriminator_that_has_won_still_teaches_the_generator():
    """-log D(G(z)) has the gradient D - 1 in the logit: -1 where log(1 - D(G(z))) has none left."""

    def gradient(name):
        logits = tf.constant(FAR[:, None])
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = ADVERSARIAL[name].generator(None, logits, mean)["fake"]
        return tape.gradient(loss, logits).numpy()[:, 0]

    d = 1 / (1 + np.exp(-np.clip(FAR, -700, None)))
    np.testing.assert_allclose(gradient("non-saturating"), d - 1, atol=1e-12)
    np.testing.assert_allclose(gradient("minimax"), -d, atol=1e-12)


JUDGED = {"real": -log_sigmoid(REAL), "fake": -log_sigmoid(-FAKE)}
EXPECTED = {
    "minimax": (JUDGED, {"fake": log_sigmoid(-FAKE)}),
    "non-saturating": (JUDGED, {"fake": -log_sigmoid(FAKE)}),
    "least-squares": ({"real": (REAL - 1) ** 2 / 2, "fake": FAKE**2 / 2}, {"fake": (FAKE - 1) ** 2 / 2}),
    "hinge": ({"real": np.maximum(0, 1 - REAL), "fake": np.maximum(0, 1 + FAKE)}, {"fake": -FAKE}),
    "wasserstein": ({"real": -REAL, "fake": FAKE}, {"fake": -FAKE}),
    "relativistic": (
        {"real": -log_sigmoid(REAL - FAKE.mean(0)), "fake": -log_sigmoid(-(FAKE - REAL.mean(0)))},
        {"fake": -log_sigmoid(FAKE - REAL.mean(0)), "real": -log_sigmoid(-(REAL - FAKE.mean(0)))},
    ),
    "relativistic-paired": ({"pair": -log_sigmoid(REAL - FAKE)}, {"pair": -log_sigmoid(FAKE - REAL)}),
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_losses_are_those_of_the_papers(name):
    loss, given = ADVERSARIAL[name], tf.constant(REAL)
    found = (
        loss.discriminator(given, tf.constant(FAKE), mean),
        loss.generator(given if loss.relative else None, tf.constant(FAKE), mean),
    )
    for terms, expected in zip(found, EXPECTED[name], strict=True):
        assert set(terms) == set(expected)
        for term, values in expected.items():
            np.testing.assert_allclose(terms[term], values.mean(1), err_msg=term)


def test_the_paired_loss_looks_at_the_example_beside_and_at_no_other():
    """d softplus(f_i - r_i) / d f_i = sigmoid(f_i - r_i) (Jolicoeur-Martineau 2018, section 4.1)."""
    fake = tf.constant(FAKE[:, :1])
    with tf.GradientTape() as tape:
        tape.watch(fake)
        loss = ADVERSARIAL["relativistic-paired"].discriminator(tf.constant(REAL[:, :1]), fake, None)["pair"]
    jacobian = tape.jacobian(loss, fake).numpy()[..., 0]
    np.testing.assert_allclose(jacobian, np.diag(1 / (1 + np.exp(REAL[:, 0] - FAKE[:, 0]))))


def test_feature_matching_is_the_distance_of_means():
    expected = ((REAL.mean(0) - FAKE.mean(0)) ** 2).mean()
    np.testing.assert_allclose(losses.feature_matching(REAL, tf.constant(FAKE), mean), [expected] * 7)
