"""The stage that the classics share: what its phases minimise, and what options change."""

import numpy as np
import pytest
from gankit_classics.config import AdversarialConfig, PictureConfig
from pydantic import ValidationError


class FakeTurn:
    """A turn over fixed outputs: the discriminator says the first value of an example."""

    def __init__(self, real, fake, step=0.0):
        import tensorflow as tf

        self.real, self.fake = tf.constant(real, tf.float32)[:, None], tf.constant(fake, tf.float32)[:, None]
        self.shared, self.knobs = {"fake": self.fake}, {"instance noise": step}

    def __getitem__(self, field):
        return self.real

    def global_mean(self, x):
        import tensorflow as tf

        return tf.reduce_mean(x, axis=0)

    def uniform(self, name, *shape):
        import tensorflow as tf

        return tf.fill((len(self.real), *shape), 0.25)

    def normal(self, name, *shape):
        import tensorflow as tf

        return tf.ones((len(self.real), *shape))


def phases(**options):
    from gankit_classics.games.adversarial import Players, adversarial_stage

    players = Players(fake=lambda turn: turn.fake, output=lambda turn, x: x, features=lambda turn, x: 2 * x)
    stage = adversarial_stage(AdversarialConfig(**options), players)
    return stage, *stage.phases


def terms(phase, turn):
    return {name: np.asarray(value) for name, value in phase.loss(turn).items()}


REAL, FAKE = np.array([2.0, -1.0, 0.5]), np.array([0.3, 1.5, -2.0])


def softplus(x):
    return np.log1p(np.exp(x))


def test_the_default_is_the_non_saturating_game():
    _, discriminator, generator = phases()
    turn = FakeTurn(REAL, FAKE)
    judged = terms(discriminator, turn)
    np.testing.assert_allclose(judged["real"], softplus(-REAL), rtol=1e-5)
    np.testing.assert_allclose(judged["fake"], softplus(FAKE), rtol=1e-5)
    np.testing.assert_allclose(terms(generator, turn)["fake"], softplus(-FAKE), rtol=1e-5)


def test_smoothing_moves_the_real_label_alone():
    _, discriminator, _ = phases(smoothing=0.1)
    judged = terms(discriminator, FakeTurn(REAL, FAKE))
    np.testing.assert_allclose(judged["real"], 0.9 * softplus(-REAL) + 0.1 * softplus(REAL), rtol=1e-5)
    np.testing.assert_allclose(judged["fake"], softplus(FAKE), rtol=1e-5)


def test_the_wasserstein_estimate_is_logged_and_not_minimised():
    _, discriminator, generator = phases(loss="wasserstein", penalty="wgan-gp", penalty_weight=3)
    judged = terms(discriminator, FakeTurn(REAL, FAKE))
    np.testing.assert_allclose(judged["distance"].mean(), REAL.mean() - FAKE.mean(), rtol=1e-5)
    assert dict(discriminator.weights) == {"distance": 0.0, "penalty": 3}
    np.testing.assert_allclose(judged["penalty"], 0, atol=1e-5)  # the slope of the identity is 1
    np.testing.assert_allclose(terms(generator, FakeTurn(REAL, FAKE))["fake"], -FAKE, rtol=1e-6)


@pytest.mark.parametrize(("kind", "expected", "weight"), [("r1", 1.0, 5), ("r2", 1.0, 5), ("dragan", 0.0, 10)])
def test_penalties_of_the_identity(kind, expected, weight):
    _, discriminator, _ = phases(penalty=kind)
    np.testing.assert_allclose(terms(discriminator, FakeTurn(REAL, FAKE))["penalty"], expected, atol=1e-5)
    assert discriminator.weights["penalty"] == weight


def test_instance_noise_falls_to_nothing():
    stage, discriminator, _ = phases(instance_noise=0.5, steps=100)
    schedule = stage.knobs["instance noise"]
    assert schedule(0) == 0.5 and schedule(100) == 0 and schedule(50) == pytest.approx(0.5 / 8)
    noisy = terms(discriminator, FakeTurn(REAL, FAKE, step=0.5))
    np.testing.assert_allclose(noisy["real"], softplus(-(REAL + 0.5)), rtol=1e-5)


def test_feature_matching_compares_means():
    _, _, generator = phases(feature_matching=2.0)
    judged = terms(generator, FakeTurn(REAL, FAKE))
    np.testing.assert_allclose(judged["features"], (2 * REAL.mean() - 2 * FAKE.mean()) ** 2, rtol=1e-5)
    assert generator.weights == {"features": 2.0}


def test_rates_follow_their_schedules():
    _, discriminator, generator = phases(lr=1e-3, lr_discriminator=4e-3, schedule="cosine", steps=100)
    assert discriminator.lr(0) == 4e-3 and generator.lr(50) == pytest.approx(5e-4) and generator.lr(100) < 1e-12
    _, discriminator, _ = phases(lr=1e-3, schedule="constant")
    assert discriminator.lr(70) == 1e-3


def test_the_monitors_are_told_what_saturates():
    assert phases()[0].monitor.saturating and not phases(loss="hinge")[0].monitor.saturating
    seen = phases()[0].monitor.outputs(FakeTurn(REAL, FAKE))
    np.testing.assert_allclose(np.asarray(seen["generated"])[:, 0], FAKE, rtol=1e-6)


@pytest.mark.parametrize(
    "options",
    [{"smoothing": 0.1, "loss": "hinge"}, {"augment": "colour"}, {"critic_steps": 0}, {"ema": 1.0}, {"penalty": "r3"}],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValidationError):
        AdversarialConfig(**options)


def test_sides_must_be_halved():
    with pytest.raises(ValidationError, match="divisible by 4"):
        PictureConfig(size=30)


def test_lapgan_refuses_what_its_networks_lack():
    from gankit_classics.lapgan import LAPGANConfig

    with pytest.raises(ValidationError, match="not for the networks of lapgan"):
        LAPGANConfig(spectral=True)
