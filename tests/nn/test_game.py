"""The game that most recipes play: what its phases minimise, what options change, and what a lazy penalty pulls."""

import numpy as np
import pytest
import tensorflow as tf

from gankit import ArraySource, Data, Recipe, Training, UsageError
from gankit.config import resolve
from gankit.nn import ADVERSARIAL, AdaptiveAugmentation, AdversarialOptions, Players, adversarial_stage
from gankit.runs import fit

REAL, FAKE = np.array([2.0, -1.0, 0.5]), np.array([0.3, 1.5, -2.0])


class FakeTurn:
    """A turn over fixed outputs: the discriminator says the first value of an example."""

    def __init__(self, real=REAL, fake=FAKE, level=0.0):
        self.real, self.fake = tf.constant(real, tf.float32)[:, None], tf.constant(fake, tf.float32)[:, None]
        self.shared, self.knobs, self.called, self.logged = {"fake": self.fake}, {"instance noise": level}, [], {}

    def __getitem__(self, field):
        return {"image": self.real}[field]

    def __call__(self, network, *inputs):
        self.called.append(network)
        return inputs[0]

    def log(self, name, value):
        self.logged[name] = np.asarray(value)

    def global_mean(self, x):
        return tf.reduce_mean(x, axis=0)

    def uniform(self, name, *shape):
        return tf.fill((len(self.real), *shape), 0.25)

    def normal(self, name, *shape):
        return tf.ones((len(self.real), *shape))


def phases(**options):
    players = Players(fake=lambda turn: turn.fake, output=lambda turn, x: x, features=lambda turn, x: 2 * x)
    stage = adversarial_stage(AdversarialOptions(**options), players)
    return stage, *stage.phases


def terms(phase, turn):
    return {name: np.asarray(value) for name, value in phase.loss(turn).items()}


def softplus(x):
    return np.log1p(np.exp(x))


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_the_phases_minimise_the_loss(name):
    """`test_losses` compares the losses with their closed forms."""
    _, discriminator, generator = phases(loss=name)
    turn, loss = FakeTurn(), ADVERSARIAL[name]
    expected = loss.discriminator(turn.real, turn.fake, turn.global_mean)
    found = terms(discriminator, turn)
    assert set(found) == set(expected)
    for term in expected:
        np.testing.assert_allclose(found[term], expected[term], rtol=1e-6)
    expected = loss.generator(turn.real, turn.fake, turn.global_mean)
    found = terms(generator, turn)
    assert set(found) == set(expected)
    for term in expected:
        np.testing.assert_allclose(found[term], expected[term], rtol=1e-6)


def test_players_are_networks_unless_they_say_otherwise():
    stage = adversarial_stage(AdversarialOptions(), Players(latent=5, generator=("painter",), discriminator=("judge",)))
    turn = FakeTurn()
    assert stage.shared(turn)["fake"].shape == (3, 5)  # noise, as our networks give back what they get
    np.testing.assert_allclose(terms(stage.phases[0], turn)["real"], softplus(-REAL), rtol=1e-5)
    assert turn.called == ["painter", "judge", "judge"]
    assert [(phase.name, phase.trains) for phase in stage.phases] == [("judge", ("judge",)), ("painter", ("painter",))]
    assert stage.monitor.generator == "painter"


def test_smoothing_moves_the_real_label_alone():
    _, discriminator, _ = phases(smoothing=0.1)
    judged = terms(discriminator, FakeTurn())
    np.testing.assert_allclose(judged["real"], 0.9 * softplus(-REAL) + 0.1 * softplus(REAL), rtol=1e-5)
    np.testing.assert_allclose(judged["fake"], softplus(FAKE), rtol=1e-5)


def test_the_wasserstein_estimate_is_logged_and_not_minimised():
    _, discriminator, _ = phases(loss="wasserstein", penalty="wgan-gp", penalty_weight=3)
    turn = FakeTurn()
    judged = terms(discriminator, turn)
    np.testing.assert_allclose(turn.logged["distance"].mean(), REAL.mean() - FAKE.mean(), rtol=1e-5)
    assert set(judged) == {"real", "fake", "wgan-gp"} and dict(discriminator.weights) == {"wgan-gp": 3}


@pytest.mark.parametrize(
    ("kind", "expected", "weight"), [("r1", 1.0, 5), ("r2", 1.0, 5), ("dragan", 0.0, 10), ("wgan-gp", 0.0, 10)]
)
def test_penalties_of_the_identity(kind, expected, weight):
    """Its slope is 1 everywhere."""
    _, discriminator, _ = phases(penalty=kind)
    np.testing.assert_allclose(terms(discriminator, FakeTurn())[kind], expected, atol=1e-5)
    assert discriminator.weights == {kind: weight}


def test_r1_looks_at_real_examples_and_r2_at_generated_ones():
    players = Players(fake=lambda turn: turn.fake, output=lambda turn, x: x**2)
    stage = adversarial_stage(AdversarialOptions(penalty="r1,r2", penalty_weight=0.5), players)
    found = terms(stage.phases[0], FakeTurn())
    np.testing.assert_allclose(found["r1"], (2 * REAL) ** 2, rtol=1e-5)
    np.testing.assert_allclose(found["r2"], (2 * FAKE) ** 2, rtol=1e-5)
    assert stage.phases[0].weights == {"r1": 0.5, "r2": 0.5}


def test_lazy_penalties_are_a_phase_of_the_same_optimizer():
    players = Players(
        output=lambda turn, x: x,
        helpers=("reader",),
        both=lambda turn: {"read": turn.real[:, 0]},
        weights={"read": 7.0},
    )
    options = AdversarialOptions(penalty="r1,r2", penalty_every=4, critic_steps=3, lr_discriminator=2e-3, steps=100)
    discriminator, penalty, generator = adversarial_stage(options, players).phases
    assert set(terms(discriminator, FakeTurn())) == {"real", "fake", "read"}
    assert set(terms(penalty, FakeTurn())) == {"r1", "r2"}
    assert discriminator.trains == ("discriminator", "reader") and penalty.trains == ("discriminator",)
    assert penalty.optimizer_key == discriminator.optimizer_key == "discriminator"
    assert (penalty.every, penalty.repeats, discriminator.repeats) == (4, 1, 3)
    assert [penalty.lr(step) for step in (0, 50)] == [discriminator.lr(step) for step in (0, 50)] != [1e-3, 5e-4]
    assert penalty.weights == {"r1": 60.0, "r2": 60.0}
    assert discriminator.weights == generator.weights == {"read": 7.0}


class PlaneOptions(AdversarialOptions):
    training: Training = Training(batch_size=4, log_every=100)


class Plane(Recipe):
    """A critic w x, whose penalties r1 and r2 are |w|^2 at every point; one point is real and generated.

    The loss then has no gradient, and descent at the rate c multiplies w by 1 - 2 c weight in each update.
    """

    name, summary, Config = "plane", "A critic that only penalties move.", PlaneOptions

    def data(self):
        return Data({"points": ArraySource(image=np.ones((8, 2), np.float32))})

    def networks(self, data):
        from keras import Sequential, layers

        generator = layers.Dense(2, kernel_initializer="zeros", bias_initializer="ones")
        critic = layers.Dense(1, use_bias=False, kernel_initializer="ones")
        return {name: Sequential([layers.Input((2,)), layer]) for name, layer in
                (("generator", generator), ("discriminator", critic))}  # fmt: skip

    def optimizers(self):
        from keras.optimizers import SGD

        return {name: SGD(1.0) for name in ("generator", "discriminator")}

    def stages(self, data):
        return [adversarial_stage(self.config, Players(latent=2))]


RATE, WEIGHT, STEPS = 1e-3, 0.5, 8


def shrunk(**options):
    """What is left of the critic's weights."""
    game = {"loss": "wasserstein", "lr": 1e-30, "lr_discriminator": RATE, "schedule": "constant", "steps": STEPS}
    config = resolve(PlaneOptions, options={**game, "penalty": "r1,r2", "penalty_weight": WEIGHT, **options})
    left = fit(Plane(config))["discriminator"].get_weights()[0]
    assert left[0] == left[1]
    return float(left[0, 0])


def test_a_lazy_penalty_pulls_as_much_as_an_eager_one():
    """At constant weights the pulls are equal; as the weights move they differ by their squares, here by 1 %."""
    pull = 2 * RATE * 2 * WEIGHT  # of an update by both penalties
    eager, lazy = (shrunk(critic_steps=2, penalty_every=every) for every in (1, 4))
    assert eager == pytest.approx((1 - pull) ** (2 * STEPS), rel=1e-6)
    assert lazy == pytest.approx((1 - 8 * pull) ** (STEPS // 4), rel=1e-6)
    assert 1 - lazy == pytest.approx(1 - eager, rel=8 * pull)


def test_instance_noise_falls_to_nothing():
    stage, discriminator, _ = phases(instance_noise=0.5, steps=100)
    schedule = stage.knobs["instance noise"]
    assert schedule(0) == 0.5 and schedule(100) == 0 and schedule(50) == pytest.approx(0.5 / 8)
    noisy = terms(discriminator, FakeTurn(level=0.5))
    np.testing.assert_allclose(noisy["real"], softplus(-(REAL + 0.5)), rtol=1e-5)


def test_both_players_see_augmented_pictures():
    """A draw of 1/4 darkens by 1/4, and halves the distance of a colour from grey; contrast is 3/4 of it."""
    pictures = np.arange(3.0)[:, None, None, None] * np.ones((1, 8, 8, 1))
    seen = []

    def output(turn, x):
        seen.append(np.asarray(x))
        return x[:, 0, 0]

    players = Players(fake=lambda turn: turn.fake, output=output)
    stage = adversarial_stage(AdversarialOptions(augment="color", loss="relativistic", penalty="r1"), players)
    turn = FakeTurn()
    turn.real = turn.fake = turn.shared["fake"] = tf.constant(pictures, tf.float32)
    for phase in stage.phases:
        phase.loss(turn)
    changed = [bool(np.allclose(x, pictures - 0.25)) for x in seen]
    # Real and generated for the discriminator, the penalty's clean ones, real and generated for the generator.
    assert changed == [True, True, False, True, True] and np.array_equal(seen[2], pictures)


def test_adaptive_augmentation_joins_in():
    """Two of three outputs are positive: a mean sign of 1/3."""
    ada = AdaptiveAugmentation(("translation",), target=0.0, images=6)
    players = Players(
        output=lambda turn, x: ada.changed(turn, x, "seen")[:, 0, 0],
        observe=lambda turn, real, fake: ada.observe(turn, real),
    )
    turn = FakeTurn()
    turn.real = turn.fake = turn.shared["fake"] = tf.reshape(tf.constant(REAL, tf.float32), (3, 1, 1, 1))
    turn.state = {name: tf.constant(value) for name, value in ada.state.items()}
    adversarial_stage(AdversarialOptions(), players).phases[0].loss(turn)
    np.testing.assert_array_equal(turn.logged["sign"], np.sign(REAL))
    turn.terms, turn.gather = {"discriminator/sign": tf.constant(turn.logged["sign"])}, lambda x: x
    assert float(ada.update(turn)["augmentation"]) == 0.5  # three images of six


def test_feature_matching_compares_means():
    _, _, generator = phases(feature_matching=2.0)
    judged = terms(generator, FakeTurn())
    np.testing.assert_allclose(judged["features"], (2 * REAL.mean() - 2 * FAKE.mean()) ** 2, rtol=1e-5)
    assert generator.weights == {"features": 2.0}


def test_a_recipe_without_features_says_so():
    with pytest.raises(UsageError, match="no features"):
        adversarial_stage(AdversarialOptions(feature_matching=1.0))


def test_each_player_has_its_rate():
    _, discriminator, generator = phases(lr=1e-3, lr_discriminator=4e-3, steps=100)
    assert discriminator.lr(0) == 4e-3 and generator.lr(0) == 1e-3 and generator.lr(50) == pytest.approx(5e-4)


def test_the_monitors_are_told_what_saturates():
    assert phases()[0].monitor.saturating and not phases(loss="hinge")[0].monitor.saturating
    seen = phases()[0].monitor.outputs(FakeTurn())
    np.testing.assert_allclose(np.asarray(seen["generated"])[:, 0], FAKE, rtol=1e-6)
