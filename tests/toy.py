"""A recipe small enough to prove the engine on: a ring of eight Gaussians, whose modes can be counted."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from gankit import ArraySource, Data, Evaluation, Phase, Recipe, RecipeConfig, Stage, Training

MODES = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)
SPREAD = 0.05


def ring(n: int, seed: int) -> np.ndarray:
    """`[n, 2]` float32 points around eight modes on the unit circle."""
    rng = np.random.default_rng(seed)
    return (MODES[rng.integers(0, 8, n)] + rng.normal(0, SPREAD, (n, 2))).astype("float32")


class RingConfig(RecipeConfig):
    width: int = Field(64, ge=1, description="Units a layer.")
    steps: int = Field(3000, ge=0, description="Adversarial steps.")
    warm_steps: int = Field(0, ge=0, description="Steps that fit the mean first.")
    lazy: int = Field(0, ge=0, description="Run the R1 penalty every so many steps; 0 for never.")
    repeats: int = Field(1, ge=1, description="Discriminator updates a step.")
    refresh: bool = Field(True, description="Alternating rather than simultaneous updates.")
    clip: float | None = Field(None, gt=0, description="Gradient norm of the discriminator.")
    training: Training = Training(batch_size=256, steps_per_call=50)


class Ring(Recipe):
    name = "ring"
    summary = "Eight Gaussians on a circle."
    Config = RingConfig
    ema = {"generator": 0.99}
    tiny = {"steps": 6, "warm_steps": 4, "width": 8, "lazy": 2, "training.batch_size": 16}

    def data(self):
        return Data({"points": ArraySource(point=ring(4096, 1))}, {"points": ring(1024, 2)}, {"dimensions": 2})

    def networks(self, data):
        import keras
        from keras import layers

        def mlp(inputs, outputs, name):
            hidden = [layers.Dense(self.config.width, activation="tanh") for _ in range(2)]
            return keras.Sequential([layers.Input((inputs,)), *hidden, layers.Dense(outputs)], name=name)

        return {"generator": mlp(8, data.facts["dimensions"], "g"), "discriminator": mlp(2, 1, "d")}

    def optimizers(self):
        import keras

        return {name: keras.optimizers.Adam(8e-3, beta_1=0.5) for name in ("warm", "discriminator", "generator")}

    def stages(self, data):
        import tensorflow as tf

        from gankit.nn.losses import cross_entropy

        def fakes(turn):
            return {"fake": turn("generator", turn.normal("z", 8))}

        def judge(turn):
            real, fake = turn("discriminator", turn["point"]), turn("discriminator", turn.shared["fake"])
            return {"real": cross_entropy(real, True), "fake": cross_entropy(fake, False)}

        def penalty(turn):
            x = turn["point"]
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.reduce_sum(turn("discriminator", x))
            return {"r1": tf.reduce_sum(tape.gradient(y, x) ** 2, axis=1)}

        def fool(turn):
            return {"adversarial": cross_entropy(turn("discriminator", turn.shared["fake"]), True)}

        def centre(turn):
            return {"square": tf.reduce_sum(turn.shared["fake"] ** 2, axis=1)}

        def lr(step):
            return 8e-3 * (1 - step / max(1, config.steps))

        config = self.config
        phases = [Phase("discriminator", ("discriminator",), judge, lr=lr, repeats=config.repeats, clip=config.clip)]
        if config.lazy:
            weights = {"r1": 0.02 * config.lazy}
            phases.append(Phase("r1", ("discriminator",), penalty, weights, "discriminator", lr, every=config.lazy))
        phases.append(Phase("generator", ("generator",), fool, lr=lr))
        stages = [Stage("adversarial", config.steps, tuple(phases), shared=fakes, refresh=config.refresh)]
        if config.warm_steps:
            warm = Phase("warm", ("generator",), centre, lr=lambda step: 1e-3 * (1 - step / config.warm_steps))
            stages.insert(0, Stage("warm", config.warm_steps, (warm,), shared=fakes))
        return stages

    def evaluate(self, networks, data):
        z = np.random.default_rng(3).normal(size=(2000, 8)).astype("float32")
        samples = {"ours": networks["generator"].predict_on_batch(z), "normal": z[:, :2]}
        scores = {name: modes_and_quality(points) for name, points in samples.items()}
        return Evaluation(scores.pop("ours"), scores, {"samples": 2000}, {"modes": "higher", "high_quality": "higher"})

    def sample(self, networks, data, out):
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        z = np.random.default_rng(4).normal(size=(500, 8)).astype("float32")
        figure, axes = plt.subplots(figsize=(3, 3))
        axes.scatter(*networks["generator"].predict_on_batch(z).T, s=2)
        figure.savefig(out / "points.png")
        plt.close(figure)
        return [out / "points.png"]


def modes_and_quality(points: np.ndarray) -> dict[str, float]:
    """Modes with at least 1 % of the samples within 4 spreads, and the share of samples that are near some mode."""
    distance = np.linalg.norm(points[:, None] - MODES[None], axis=2)
    near = distance < 4 * SPREAD
    return {"modes": float((near.mean(0) >= 0.01).sum()), "high_quality": float(near.any(1).mean())}


QUICK = {"steps": 20, "width": 8, "batch_size": 16, "steps_per_call": 5, "log_every": 5}
"""Options with which `Ring` trains in a second."""


def tensors(run):
    """The tensors of a loaded run's newest checkpoint."""
    from gankit.engine import checkpoint

    return checkpoint.restore(run.run.checkpoints)[1]
