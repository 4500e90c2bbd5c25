"""The stage that most GANs are: a discriminator that tells real from generated, and a generator that resists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from gankit.errors import UsageError
from gankit.nn.augmentation import augment
from gankit.nn.losses import ADVERSARIAL, cross_entropy, feature_matching
from gankit.nn.options import WEIGHTS, AdversarialOptions
from gankit.nn.penalties import Critic, dragan, squared_gradient, wgan_gp
from gankit.recipe import Monitor, Phase, Stage, Terms, Turn


@dataclass(frozen=True)
class Players:
    """What is peculiar to a recipe.

    Attributes:
        latent: Numbers of noise that the generator makes an example of, where `fake` is not given.
        fake: Turn -> generated examples; None sends noise through the generator.
        output: (turn, examples) -> the discriminator's output `[batch, ...]`; None is what the network says.
        real: Turn -> real examples.
        features: (turn, examples) -> what the discriminator has learned about them, for feature matching.
        made: (turn, examples) -> what of an example the generator makes, for the monitors.
        discriminator: Networks on the way to `output`. The first one's name is that of the phase that trains them.
        generator: Networks on the way to `fake`, likewise.
        helpers: Networks that are trained with the discriminator and are not on the way to its output.
        observe: (turn, outputs on real examples, outputs on generated ones): the discriminator's loss calls it, so that
            it may log figures, such as those that `AdaptiveAugmentation` goes by.
        both: Turn -> further terms of both phases.
        weights: Weights of the further terms.

    Examples:
        >>> Players(latent=8, real=lambda turn: turn["point"]).generator
        ('generator',)
    """

    latent: int = 64
    fake: Callable[[Turn], Any] | None = None
    output: Callable[[Turn, Any], Any] | None = None
    real: Callable[[Turn], Any] = lambda turn: turn["image"]
    features: Callable[[Turn, Any], Any] | None = None
    made: Callable[[Turn, Any], Any] = lambda turn, examples: examples
    discriminator: tuple[str, ...] = ("discriminator",)
    generator: tuple[str, ...] = ("generator",)
    helpers: tuple[str, ...] = ()
    observe: Callable[[Turn, Any, Any], None] = lambda turn, on_real, on_fake: None
    both: Callable[[Turn], Terms] = lambda turn: {}
    weights: Mapping[str, float] = field(default_factory=dict)


def adversarial_stage(options: AdversarialOptions, players: Players | None = None, name: str = "adversarial") -> Stage:
    """The stage of a game with the loss, the penalties and the tricks that options name.

    Its phases have the names of the two networks. Penalties are terms of the discriminator's phase, or with
    `penalty_every` k > 1 of a phase "penalty" in every k-th step (the lazy regularisation of Karras et al. 2020,
    StyleGAN2, appendix B), which shares the discriminator's optimizer. Its weights are k times as large, and also
    `critic_steps` times, since it updates once where the discriminator does so often: the sum of its gradients is that
    of the penalties in each update. Adam's rates stay what they are.

    Args:
        options: Of the recipe.
        players: What is peculiar to the recipe; None is noise in, pictures of the field `image` out.
        name: Of the stage.

    Returns:
        The stage. `dataclasses.replace(stage, probe=...)` gives it what else a stage may have: a state, say.

    Raises:
        UsageError: Features are to be matched, and the players have none.

    Examples:
        >>> stage = adversarial_stage(AdversarialOptions(penalty="r1", penalty_every=16))
        >>> [(phase.name, phase.every, dict(phase.weights)) for phase in stage.phases]
        [('discriminator', 1, {}), ('penalty', 16, {'r1': 80.0}), ('generator', 1, {})]
    """
    players = players or Players()
    loss, penalties, policies = ADVERSARIAL[options.loss], options.penalties, options.policies
    discriminator, generator = players.discriminator[0], players.generator[0]
    fake_of = players.fake or (lambda turn: turn(generator, turn.normal("z", players.latent)))
    output = players.output or (lambda turn, examples: turn(discriminator, examples))
    if options.feature_matching and players.features is None:
        raise UsageError("this recipe has no features to match", "leave --feature-matching out")

    def shown(turn: Turn, examples: Any, kind: str) -> Any:
        """The discriminator's output on examples as it is shown them."""
        if options.instance_noise:
            noise = turn.normal(f"noise on {kind}", *examples.shape[1:])
            examples = examples + turn.knobs["instance noise"] * tf.cast(noise, examples.dtype)
        if policies:
            examples = augment(turn, examples, policies, f"augment {kind}")
        return output(turn, examples)

    def penalise(turn: Turn) -> Terms:
        real, fake = players.real(turn), turn.shared["fake"]
        return {kind: _PENALTIES[kind](turn, lambda x: output(turn, x), real, fake) for kind in penalties}

    def discriminate(turn: Turn) -> Terms:
        on_real, on_fake = shown(turn, players.real(turn), "real"), shown(turn, turn.shared["fake"], "fake")
        terms = dict(loss.discriminator(on_real, on_fake, turn.global_mean))
        if options.smoothing:
            terms["real"] = cross_entropy(on_real, True, label=1 - options.smoothing)
        if options.loss == "wasserstein":
            turn.log("distance", -(terms["real"] + terms["fake"]))  # the estimate that should fall
        players.observe(turn, on_real, on_fake)
        return {**terms, **({} if lazy else penalise(turn)), **players.both(turn)}

    def generate(turn: Turn) -> Terms:
        fake = turn.shared["fake"]
        on_real = shown(turn, players.real(turn), "real") if loss.relative else None
        terms = dict(loss.generator(on_real, shown(turn, fake, "fake"), turn.global_mean))
        if options.feature_matching and players.features:
            real, ours = players.features(turn, players.real(turn)), players.features(turn, fake)
            terms["features"] = feature_matching(real, ours, turn.global_mean)
        return {**terms, **players.both(turn)}

    def monitored(turn: Turn) -> Mapping[str, Any]:
        real, fake = players.real(turn), fake_of(turn)
        outputs = {"real": output(turn, real), "fake": output(turn, fake)}
        return {**outputs, "examples": players.made(turn, real), "generated": players.made(turn, fake)}

    lazy = options.penalty_every > 1
    given = {kind: WEIGHTS[kind] if options.penalty_weight is None else options.penalty_weight for kind in penalties}
    matching = {"features": options.feature_matching} if options.feature_matching else {}
    weights = {**players.weights, **({} if lazy else given)}
    trains, rate = players.discriminator + players.helpers, options.rate(options.lr_discriminator or options.lr)
    phases = [Phase(discriminator, trains, discriminate, weights, lr=rate, repeats=options.critic_steps)]
    if lazy:
        missed = options.penalty_every * options.critic_steps
        weights = {kind: missed * weight for kind, weight in given.items()}
        phases.append(
            Phase("penalty", players.discriminator, penalise, weights, discriminator, rate, every=options.penalty_every)
        )
    weights = {**players.weights, **matching}
    phases.append(Phase(generator, players.generator, generate, weights, lr=options.rate(options.lr)))
    return Stage(
        name,
        options.steps,
        tuple(phases),
        shared=lambda turn: {"fake": fake_of(turn)},
        knobs={"instance noise": options.noise_level} if options.instance_noise else {},
        monitor=Monitor(monitored, generator, saturating=options.loss in ("minimax", "non-saturating")),
    )


def _dragan(turn: Turn, critic: Critic, real: Any, fake: Any) -> tf.Tensor:
    # The deviation is that of all replicas' examples, so that the penalty does not depend on their number.
    mean, square = (tf.reduce_mean(turn.global_mean(x)) for x in (real, real**2))
    around = turn.uniform("around", *real.shape[1:])
    return dragan(critic, real, around, turn.uniform("line"), tf.sqrt(square - mean**2))


_PENALTIES: dict[str, Callable[[Turn, Critic, Any, Any], tf.Tensor]] = {
    "r1": lambda turn, critic, real, fake: squared_gradient(critic, real),
    "r2": lambda turn, critic, real, fake: squared_gradient(critic, fake),
    "dragan": _dragan,
    "wgan-gp": lambda turn, critic, real, fake: wgan_gp(critic, real, fake, turn.uniform("line")),
}
