"""What state costs: steps of one stage with state against the same steps without, and memory with accumulation.

    python benchmarks/state.py --blocks 30
    python benchmarks/state.py --memory

The stage is a convolutional GAN on pictures of 64 x 64. Blocks of steps alternate within one process, in a random
order, and the ratio is taken block by block. "counter" has a number that each step changes, "mean" follows a term,
"pool" shows the discriminator earlier fakes (50 pictures). `--memory` trains a batch at once and in 8 parts, each in a
process of its own, and prints the peaks of memory above that of a batch of one part.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from gankit import ArraySource, Data, Phase, Recipe, RecipeConfig, Stage, Training, Turn
from gankit.engine.mixed_precision import precision
from gankit.nn import ImagePool, RunningMean, cross_entropy
from gankit.runs.trainer import Trainer
from gankit.support import peak_mb  # noqa: F401 - read by the processes of --memory

SIDE, BATCH, PER_CALL = 64, 16, 5


class StatefulGAN(Recipe):
    """A convolutional GAN whose stage has one kind of state, or none."""

    name, summary = "stateful", "Steps with state."
    kind, accumulate = "none", 1

    def data(self) -> Data:
        """Noise, which costs as much as pictures."""
        pictures = np.random.default_rng(0).uniform(-1, 1, (256, SIDE, SIDE, 3)).astype("float32")
        return Data({"pictures": ArraySource(image=pictures)})

    def networks(self, data: Data) -> dict[str, Any]:
        """Two small convolutional networks."""
        from keras import Sequential, layers

        generator = [layers.Dense(SIDE * SIDE // 16 * 32), layers.Reshape((SIDE // 4, SIDE // 4, 32))]
        for width in (32, 3):
            generator += [layers.ReLU(), layers.Conv2DTranspose(width, 4, 2, "same")]
        discriminator = [layer for width in (32, 64) for layer in (layers.Conv2D(width, 4, 2, "same"), layers.ReLU())]
        return {
            "generator": Sequential([layers.Input((64,)), *generator]),
            "discriminator": Sequential(
                [layers.Input((SIDE, SIDE, 3)), *discriminator, layers.Flatten(), layers.Dense(1)]
            ),
        }

    def optimizers(self) -> dict[str, Any]:
        """Adam."""
        import keras

        return {name: keras.optimizers.Adam(1e-4) for name in ("generator", "discriminator")}

    def stages(self, data: Data) -> list[Stage]:
        """One, whose state is of the kind."""
        pool, mean = ImagePool((SIDE, SIDE, 3)), RunningMean("discriminator/real")

        def judge(turn: Turn) -> dict[str, Any]:
            fake = turn.shared["fake"]
            shown = pool.exchange(turn, fake) if self.kind == "pool" else fake
            real = cross_entropy(turn("discriminator", turn["image"]), True)
            return {"real": real, "fake": cross_entropy(turn("discriminator", shown), False)}

        def fool(turn: Turn) -> dict[str, Any]:
            return {"fake": cross_entropy(turn("discriminator", turn.shared["fake"]), True)}

        kinds: dict[str, dict[str, Any]] = {
            "none": {},
            "counter": {"state": {"n": 0.0}, "update": lambda turn: {"n": turn.state["n"] + 1}},
            "mean": {"state": mean.state, "update": mean.update},
            "pool": {"state": pool.state, "update": lambda turn: pool.update(turn, turn.shared["fake"])},
        }
        phases = (
            Phase("discriminator", ("discriminator",), judge, accumulate=self.accumulate),
            Phase("generator", ("generator",), fool, accumulate=self.accumulate),
        )
        shared = {"shared": lambda turn: {"fake": turn("generator", turn.normal("z", 64))}}
        return [Stage("adversarial", 10**6, phases, **shared, **kinds[self.kind])]


def trainer(kind: str, batch: int = BATCH, accumulate: int = 1) -> Trainer:
    """A game ready to train."""
    recipe = StatefulGAN(RecipeConfig(training=Training(batch_size=batch, steps_per_call=PER_CALL)))
    recipe.kind, recipe.accumulate = kind, accumulate
    with precision("float32"):
        made = Trainer(recipe)
    made.stages["adversarial"].begin(made.data, 0, 10**6)
    return made


def ratios(blocks: int) -> dict[str, Any]:
    """Seconds a step of each kind, and their ratios to none."""
    kinds = ("none", "counter", "mean", "pool")
    stages = {kind: trainer(kind).stages["adversarial"] for kind in kinds}
    done = dict.fromkeys(kinds, 0)

    def block(kind: str) -> float:
        began = time.perf_counter()
        for _ in range(4):
            stages[kind].advance(done[kind], PER_CALL)
            done[kind] += PER_CALL
        return (time.perf_counter() - began) / (4 * PER_CALL)

    for kind in kinds:
        block(kind)
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    order = list(kinds)
    for _ in range(blocks):
        random.Random(len(seconds["none"])).shuffle(order)
        for kind in order:
            seconds[kind].append(block(kind))
    return {
        kind: {
            "ms a step": round(1000 * statistics.median(seconds[kind]), 2),
            "ratio": round(statistics.median(a / b for a, b in zip(seconds[kind], seconds["none"], strict=True)), 4),
        }
        for kind in kinds
    }


def memory(batch: int, accumulate: int) -> float:
    """Peak of a process that trains so, in MB."""
    code = f"import state; t = state.trainer('none', {batch}, {accumulate}); "
    code += "t.stages['adversarial'].advance(0, 3); print(state.peak_mb())"
    folder = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    return float(done.stdout)


def main() -> None:
    """Prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    if not options.memory:
        print(json.dumps(ratios(options.blocks), indent=1))
        return
    part = memory(64, 1)
    found = {"one part (64)": part, "at once (512)": memory(512, 1), "in 8 parts (64)": memory(64, 8)}
    print(json.dumps({**found, "above one part": {k: round(v - part, 1) for k, v in found.items()}}, indent=1))


if __name__ == "__main__":
    main()
