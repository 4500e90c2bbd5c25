"""The stage that most classics are: a discriminator that tells real from generated, and a generator that resists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from gankit import Monitor, Phase, Stage, Turn
from gankit.images import augment
from gankit.nn import ADVERSARIAL, cross_entropy, dragan, feature_matching, squared_gradient, wgan_gp
from gankit_classics.config import WEIGHTS, AdversarialConfig


@dataclass(frozen=True)
class Players:
    """What is peculiar to a recipe.

    Attributes:
        fake: Turn -> generated examples.
        output: (turn, examples) -> the discriminator's output `[batch, 1]`.
        real: Turn -> real examples.
        features: (turn, examples) -> what the discriminator has learned about them, for feature matching.
        made: (turn, examples) -> what of an example the generator makes, for the monitors.
        discriminator: Networks that its phase trains; the phase has the first one's name.
        generator: As `discriminator`.
        both: Further terms of both phases.
        weights: Weights of the further terms.
    """

    fake: Callable[[Turn], Any]
    output: Callable[[Turn, Any], Any]
    real: Callable[[Turn], Any] = lambda turn: turn["image"]
    features: Callable[[Turn, Any], Any] | None = None
    made: Callable[[Turn, Any], Any] = lambda turn, examples: examples
    discriminator: tuple[str, ...] = ("discriminator",)
    generator: tuple[str, ...] = ("generator",)
    both: Callable[[Turn], Mapping[str, Any]] = lambda turn: {}
    weights: Mapping[str, float] = field(default_factory=dict)


def adversarial_stage(config: AdversarialConfig, players: Players, name: str = "adversarial") -> Stage:
    """The stage of a game with the loss, penalty and tricks of a configuration."""
    loss, policies = ADVERSARIAL[config.loss], [policy for policy in config.augment.split(",") if policy]

    def shown(turn: Turn, examples: Any, kind: str) -> Any:
        """The discriminator's output on examples as it is shown them."""
        if config.instance_noise:
            noise = turn.normal(f"noise on {kind}", *examples.shape[1:])
            examples = examples + turn.knobs["instance noise"] * tf.cast(noise, examples.dtype)
        if policies:
            examples = augment(turn, examples, policies, f"augment {kind}")
        return players.output(turn, examples)

    def discriminate(turn: Turn) -> Mapping[str, Any]:
        real, fake = players.real(turn), turn.shared["fake"]
        on_real, on_fake = shown(turn, real, "real"), shown(turn, fake, "fake")
        terms = dict(loss.discriminator(on_real, on_fake, turn.global_mean))
        if config.smoothing:
            terms["real"] = cross_entropy(on_real, True, label=1 - config.smoothing)
        if config.loss == "wasserstein":
            terms["distance"] = -(terms["real"] + terms["fake"])  # the estimate that should fall; for the log alone
        if config.penalty != "none":
            terms["penalty"] = _penalty(config.penalty, turn, lambda x: players.output(turn, x), real, fake)
        return {**terms, **players.both(turn)}

    def generate(turn: Turn) -> Mapping[str, Any]:
        fake = turn.shared["fake"]
        on_real = shown(turn, players.real(turn), "real") if loss.relative else None
        terms = dict(loss.generator(on_real, shown(turn, fake, "fake"), turn.global_mean))
        if config.feature_matching and players.features:
            real, ours = players.features(turn, players.real(turn)), players.features(turn, fake)
            terms["features"] = feature_matching(real, ours, turn.global_mean)
        return {**terms, **players.both(turn)}

    def monitored(turn: Turn) -> Mapping[str, Any]:
        real, fake = players.real(turn), players.fake(turn)
        outputs = {"real": players.output(turn, real), "fake": players.output(turn, fake)}
        return {**outputs, "examples": players.made(turn, real), "generated": players.made(turn, fake)}

    weights = dict(players.weights)
    if config.loss == "wasserstein":
        weights["distance"] = 0.0
    if config.penalty != "none":
        weights["penalty"] = WEIGHTS[config.penalty] if config.penalty_weight is None else config.penalty_weight
    matching = {"features": config.feature_matching} if config.feature_matching else {}
    discriminator, generator = players.discriminator[0], players.generator[0]
    peak = config.rate(config.lr_discriminator or config.lr)
    first = Phase(discriminator, players.discriminator, discriminate, weights, lr=peak, repeats=config.critic_steps)
    second = Phase(generator, players.generator, generate, {**players.weights, **matching}, lr=config.rate(config.lr))
    return Stage(
        name,
        config.steps,
        (first, second),
        shared=lambda turn: {"fake": players.fake(turn)},
        knobs={"instance noise": config.noise_level} if config.instance_noise else {},
        monitor=Monitor(monitored, generator, saturating=config.loss in ("minimax", "non-saturating")),
    )


def _penalty(kind: str, turn: Turn, critic: Callable[[Any], Any], real: Any, fake: Any) -> Any:
    """A penalty on the critic's gradient, `[batch]`."""
    if kind == "r1":
        return squared_gradient(critic, real)
    if kind == "r2":
        return squared_gradient(critic, fake)
    if kind == "wgan-gp":
        return wgan_gp(critic, real, fake, turn.uniform("line"))
    # The deviation is that of all replicas' examples, so that the penalty does not depend on their number.
    mean, square = (tf.reduce_mean(turn.global_mean(x)) for x in (real, real**2))
    around = turn.uniform("around", *real.shape[1:])
    return dragan(critic, real, around, turn.uniform("line"), tf.sqrt(square - mean**2))
