"""The stage that all classics are: a discriminator that tells real from generated, and a generator that resists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from gankit import Monitor, Phase, Stage, Turn
from gankit.nn import ADVERSARIAL, augment, cross_entropy, feature_matching, penalties
from gankit_classics.config import WEIGHTS, AdversarialConfig


def nothing(turn: Turn) -> Mapping[str, Any]:
    """No further terms."""
    return {}


def image(turn: Turn) -> Any:
    """The field `image`."""
    return turn["image"]


def whole(turn: Turn, examples: Any) -> Any:
    """The examples themselves."""
    return examples


@dataclass(frozen=True)
class Players:
    """What is peculiar to a recipe.

    Attributes:
        fake: Turn -> generated examples.
        judge: (turn, examples) -> the discriminator's outputs `[batch, 1]`.
        real: Turn -> real examples.
        features: (turn, examples) -> what the discriminator has learned about them, for feature matching.
        made: (turn, examples) -> what of an example the generator makes, for the monitors.
        discriminator: Networks that its phase trains; the phase has the first one's name.
        generator: As `discriminator`.
        teach: Further terms of the discriminator's phase.
        inform: Further terms of the generator's phase.
        weights: Of the further terms; those of both phases.
    """

    fake: Callable[[Turn], Any]
    judge: Callable[[Turn, Any], Any]
    real: Callable[[Turn], Any] = image
    features: Callable[[Turn, Any], Any] | None = None
    made: Callable[[Turn, Any], Any] = whole
    discriminator: Sequence[str] = ("discriminator",)
    generator: Sequence[str] = ("generator",)
    teach: Callable[[Turn], Mapping[str, Any]] = nothing
    inform: Callable[[Turn], Mapping[str, Any]] = nothing
    weights: Mapping[str, float] = field(default_factory=dict)


def adversarial_stage(config: AdversarialConfig, players: Players, name: str = "adversarial", **options: Any) -> Stage:
    """Builds the stage.

    Args:
        config: Loss, penalty and tricks.
        players: What is peculiar to the recipe.
        name: Of the stage.
        **options: Of `Stage`.
    """
    loss, policies = ADVERSARIAL[config.loss], [policy for policy in config.augment.split(",") if policy]

    def judged(turn: Turn, examples: Any, kind: str) -> Any:
        """The discriminator's outputs on examples as it is shown them."""
        if config.instance_noise:
            noise = turn.normal(f"noise on {kind}", *examples.shape[1:])
            examples = examples + turn.knobs["instance noise"] * tf.cast(noise, examples.dtype)
        if policies:
            examples = augment(turn, examples, policies, f"augment {kind}")
        return players.judge(turn, examples)

    def discriminate(turn: Turn) -> Mapping[str, Any]:
        real, fake = players.real(turn), turn.shared["fake"]
        on_real, on_fake = judged(turn, real, "real"), judged(turn, fake, "fake")
        terms = dict(loss.discriminator(on_real, on_fake, turn.global_mean))
        if config.smoothing:
            terms["real"] = cross_entropy(on_real, True, label=1 - config.smoothing)
        if config.loss == "wasserstein":
            terms["distance"] = -(terms["real"] + terms["fake"])  # the estimate that should fall; for the log alone
        if config.penalty != "none":
            terms["penalty"] = penalty(turn, real, fake)
        return {**terms, **players.teach(turn)}

    def penalty(turn: Turn, real: Any, fake: Any) -> Any:
        def critic(examples: Any) -> Any:
            return players.judge(turn, examples)

        if config.penalty == "r1":
            return penalties.squared_gradient(critic, real)
        if config.penalty == "r2":
            return penalties.squared_gradient(critic, fake)
        if config.penalty == "dragan":
            # The deviation is that of all replicas' examples, so that the penalty does not depend on their number.
            mean, square = (tf.reduce_mean(turn.global_mean(x)) for x in (real, real**2))
            around = turn.uniform("around", *real.shape[1:])
            return penalties.dragan(critic, real, around, turn.uniform("line"), tf.sqrt(square - mean**2))
        return penalties.wgan_gp(critic, real, fake, turn.uniform("line"))

    def generate(turn: Turn) -> Mapping[str, Any]:
        fake = turn.shared["fake"]
        on_real = judged(turn, players.real(turn), "real") if loss.relative else None
        terms = dict(loss.generator(on_real, judged(turn, fake, "fake"), turn.global_mean))
        if config.feature_matching and players.features:
            real, ours = players.features(turn, players.real(turn)), players.features(turn, fake)
            terms["features"] = feature_matching(real, ours, turn.global_mean)
        return {**terms, **players.inform(turn)}

    def look(turn: Turn) -> Mapping[str, Any]:
        real, fake = players.real(turn), players.fake(turn)
        return {
            "real": players.judge(turn, real),
            "fake": players.judge(turn, fake),
            "examples": players.made(turn, real),
            "generated": players.made(turn, fake),
        }

    weights = dict(players.weights)
    if config.loss == "wasserstein":
        weights["distance"] = 0.0
    if config.penalty != "none":
        weights["penalty"] = WEIGHTS[config.penalty] if config.penalty_weight is None else config.penalty_weight
    matching = {"features": config.feature_matching} if config.feature_matching else {}
    knobs = {"instance noise": lambda step: config.instance_noise * (1 - step / config.steps) ** 3}
    return Stage(
        name,
        config.steps,
        (
            Phase(
                players.discriminator[0],
                tuple(players.discriminator),
                discriminate,
                weights=weights,
                lr=config.rate(config.lr_discriminator or config.lr),
                repeats=config.critic_steps,
            ),
            Phase(
                players.generator[0],
                tuple(players.generator),
                generate,
                weights={**players.weights, **matching},
                lr=config.rate(config.lr),
            ),
        ),
        shared=lambda turn: {"fake": players.fake(turn)},
        knobs=knobs if config.instance_noise else {},
        monitor=Monitor(
            look,
            generator=players.generator[0],
            saturating=config.loss in ("minimax", "non-saturating"),
        ),
        **options,
    )
