"""One SRGAN step: the engine against the same step written by hand, and against PyTorch.

    python benchmarks/step.py --generator compact --torch

Blocks of steps alternate within one process (PyTorch's too), and the ratio is taken block by block, so that a change
of the machine's speed meets all of them. Batches come from the same source; the hand-written step has the moving
average that the engine keeps, and neither the engine's gradient norms nor its checks. PyTorch (pixel stage only,
`channels_last`, eager) reads batches that were made before the clock started.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from gankit_srgan.recipe import SRGAN, SRGANConfig

from gankit.config import resolve
from gankit.engine.mixed_precision import precision
from gankit.engine.stream import batch_of
from gankit.images.features.distance import content_distance
from gankit.nn import losses
from gankit.runs.trainer import Trainer

Block = Callable[[int], None]


def engine(trainer: Trainer, name: str, steps_per_call: int) -> Block:
    """The engine's way."""
    stage = trainer.stages[name]
    stage.begin(trainer.data, 0, stage.stage.steps)
    done = 0

    def block(steps: int) -> None:
        nonlocal done
        for _ in range(steps // steps_per_call):
            stage.advance(done, steps_per_call)
            done += steps_per_call

    return block


def by_hand(trainer: Trainer, name: str, steps_per_call: int) -> Block:
    """What a careful TensorFlow user writes: one tf.function, one forward pass of the generator a step."""
    with precision(trainer.training.precision):
        networks = trainer.recipe.networks(trainer.data)
    generator, batch_size = networks["generator"], trainer.training.batch_size
    optimizers = {key: keras.optimizers.Adam(1e-4) for key in ("generator", "discriminator")}
    averages = [tf.Variable(v.value, trainable=False) for v in generator.trainable_variables]
    numbers = tf.data.Dataset.range(2**40)
    zero = tf.zeros((), tf.int64)
    data = numbers.map(
        lambda g: batch_of(trainer.data.train, g, zero, batch_size, batch_size, 0), num_parallel_calls=2
    ).prefetch(2)
    iterator = iter(data)

    def update(tape: tf.GradientTape, loss: Any, key: str) -> None:
        variables = networks[key].trainable_variables
        optimizers[key].apply(tape.gradient(loss, variables), variables)

    def pixel(batch: Any) -> None:
        with tf.GradientTape() as tape:
            error = tf.reduce_mean(losses.absolute_error(generator(batch["lr"], training=True), batch["hr"]))
        update(tape, error, "generator")

    def adversarial(batch: Any) -> None:
        critic, features = networks["discriminator"], networks["features"]
        weights = trainer.recipe.config.adversarial
        tape_g, tape_d = tf.GradientTape(), tf.GradientTape()
        with tape_g:
            fake = generator(batch["lr"], training=True)
        with tape_d:
            real = losses.cross_entropy(critic(batch["hr"], training=True), True)
            loss = tf.reduce_mean(real + losses.cross_entropy(critic(fake, training=True), False))
        update(tape_d, loss, "discriminator")
        with tape_g:
            content = content_distance(features(fake), features(batch["hr"]))
            fooled = losses.cross_entropy(critic(fake, training=True), True)
            error = losses.absolute_error(fake, batch["hr"])
            loss = tf.reduce_mean(weights.content * content + weights.adversarial * fooled + weights.pixel * error)
        update(tape_g, loss, "generator")

    step = {"pixel": pixel, "adversarial": adversarial}[name]
    if name == "adversarial":
        networks["features"].trainable = False
    for key in ("generator", "discriminator")[: 1 + (name == "adversarial")]:
        optimizers[key].build(networks[key].trainable_variables)

    @tf.function
    def call(iterator: Any) -> None:
        for _ in tf.range(steps_per_call):
            step(next(iterator))
            for average, v in zip(averages, generator.trainable_variables, strict=True):
                average.assign(0.999 * average + 0.001 * v.value)

    def block(steps: int) -> None:
        for _ in range(steps // steps_per_call):
            call(iterator)

    return block


def in_torch(trainer: Trainer) -> Block:
    """The pixel stage in PyTorch, eager, channels_last, with the same number of threads."""
    import torch
    from torch import nn

    config, scale = trainer.recipe.config, trainer.recipe.config.scale
    paper = trainer.data.facts["generator"] == "paper"

    def conv(i: int, o: int, k: int = 3, bias: bool = True) -> nn.Conv2d:
        return nn.Conv2d(i, o, k, padding=k // 2, bias=bias)

    class Residual(nn.Module):
        def __init__(self, body: nn.Module) -> None:
            super().__init__()
            self.body = body

        def forward(self, x: Any) -> Any:
            return x + self.body(x)

    def compact() -> nn.Module:
        w = config.width
        blocks = [Residual(nn.Sequential(conv(w, w), nn.ReLU(), conv(w, w))) for _ in range(config.blocks)]
        detail = nn.Sequential(
            conv(3, w), *blocks, conv(w, w), nn.ReLU(), conv(w, 3 * scale**2), nn.PixelShuffle(scale)
        )

        class Compact(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.detail = detail

            def forward(self, x: Any) -> Any:
                return self.detail(x) + nn.functional.interpolate(x, scale_factor=scale, mode="bicubic")

        return Compact()

    def srresnet() -> nn.Module:
        def half() -> list[nn.Module]:
            return [conv(64, 64, bias=False), nn.BatchNorm2d(64)]

        blocks = [Residual(nn.Sequential(*half(), nn.PReLU(), *half())) for _ in range(16)]
        ups = [m for _ in range(2) for m in (conv(64, 256), nn.PixelShuffle(2), nn.PReLU())]
        body = Residual(nn.Sequential(*blocks, *half()))
        return nn.Sequential(conv(3, 64, 9), nn.PReLU(), body, *ups, conv(64, 3, 9))

    torch.set_num_threads(os.cpu_count() or 1)
    model = (srresnet() if paper else compact()).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    zero = tf.zeros((), tf.int64)
    size = trainer.training.batch_size
    batches = []
    for number in range(4):
        fields = batch_of(trainer.data.train, tf.constant(number, tf.int64), zero, size, size, 0)
        pair = [torch.from_numpy(np.moveaxis(fields[k].numpy(), 3, 1).copy()) for k in ("lr", "hr")]
        batches.append([x.to(memory_format=torch.channels_last) for x in pair])

    def block(steps: int) -> None:
        for i in range(steps):
            low, high = batches[i % len(batches)]
            optimizer.zero_grad()
            error = nn.functional.mse_loss if paper else nn.functional.l1_loss
            error(model(low), high).backward()
            optimizer.step()

    return block


def measure(ways: dict[str, Block], steps: int, rounds: int) -> dict[str, Any]:
    """Seconds a step of each way, and the ratios to the engine's, block by block."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for block in ways.values():
        block(steps)  # traces and warms up
    for _ in range(rounds):
        for name, block in ways.items():
            began = time.perf_counter()
            block(steps)
            seconds[name].append((time.perf_counter() - began) / steps)
    ratios = {
        name: sorted(a / b for a, b in zip(seconds["engine"], other, strict=True))
        for name, other in seconds.items()
        if name != "engine"
    }
    return {
        "seconds_per_step": {name: round(statistics.median(values), 4) for name, values in seconds.items()},
        "engine_over": {
            name: {"median": round(statistics.median(r), 3), "min": round(r[0], 3), "max": round(r[-1], 3)}
            for name, r in ratios.items()
        },
    }


def main() -> None:
    """Prints a JSON line a stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", choices=["compact", "paper"], default="compact")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10, help="steps a block")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--torch", action="store_true", help="also PyTorch, if it is installed")
    parser.add_argument("--stages", nargs="+", default=["pixel", "adversarial"])
    arguments = parser.parse_args()
    options = {
        "generator": arguments.generator,
        "training.batch_size": arguments.batch_size,
        "training.steps_per_call": arguments.steps,
        "pixel.loss": "l1",
    }
    trainer = Trainer(SRGAN(resolve(SRGANConfig, {}, options)))
    for name in arguments.stages:
        ways = {
            "engine": engine(trainer, name, arguments.steps),
            "by hand": by_hand(trainer, name, arguments.steps),
        }
        if arguments.torch and name == "pixel":
            ways["torch"] = in_torch(trainer)
        found = measure(ways, arguments.steps, arguments.rounds)
        print(json.dumps({"stage": name, **vars(arguments), **found}), flush=True)


if __name__ == "__main__":
    main()
