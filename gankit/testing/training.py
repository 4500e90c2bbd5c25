"""What a recipe's training keeps: its networks apart, devices and resumes exact, lower precision finite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gankit.recipe import Recipe
from gankit.testing.agreement import difference
from gankit.testing.failure import ensure
from gankit.testing.identity import source_of
from gankit.testing.rehearsal import check_evaluation, check_pictures
from gankit.testing.tiny_game import CUT, TinyGame, shared, tiny

ALIKE = (
    "noise comes from turn.normal and turn.uniform, dropout from gankit.nn.Dropout, a mean over the batch from "
    "turn.global_mean, and BatchNormalization is synchronized=True; a loss returns one value an example"
)
KEPT = (
    "all of a training must be in its checkpoint: weights in networks(), what else changes in Stage.state, noise from "
    "turn.normal, and data that are the same each time that data() opens them"
)


def check_phases(recipe: type[Recipe], folder: Path) -> None:
    """Each phase moves the weights of the networks that it names, and no others."""
    game = shared(recipe).game
    networks = game.trainer.state.networks
    for stage in game.trainer.state.stages:
        for phase in stage.phases:
            before = {name: [np.array(w) for w in net.get_weights()] for name, net in networks.items()}
            game.train(stage.name, 0, 2, (phase,), update=None)
            moved = {name for name, net in networks.items() if _moved(net, before[name])}
            where = f"phase {phase.name!r} of stage {stage.name!r}"
            more, less = sorted(moved - set(phase.trains)), sorted(set(phase.trains) - moved)
            ensure(
                not more,
                f"{where} moves the weights of {', '.join(more)}, which it does not train",
                "only the optimizer may change weights: a loss assigns none, and networks of two phases share no layer "
                "unless both name it",
            )
            ensure(
                not less,
                f"{where} leaves the weights of {', '.join(less)} as they are",
                "their gradient is 0: is a term's weight 0, or its value cut off by tf.stop_gradient or a rounding?",
            )


def _moved(network: Any, before: list[np.ndarray]) -> bool:
    ids = {id(v) for v in network.trainable_variables}
    return any(
        id(v) in ids and not np.array_equal(old, new)
        for v, old, new in zip(network.weights, before, network.get_weights(), strict=True)
    )


def check_replicas(recipe: type[Recipe], folder: Path) -> None:
    """Two devices train what one device trains, to 1e-8 in float64.

    Of each variable, after the checks' steps of all stages. In float32 a difference could be of its rounding; here one
    that shows is the recipe's, be it that replicas draw alike or that a loss computes in float32. The stage with the
    most phases is made a graph for the two replicas.
    """
    one = TinyGame(recipe, precision="float64")
    two = TinyGame(recipe, one, precision="float64", strategy="mirrored", devices=2)
    largest = max(two.trainer.state.stages, key=lambda stage: len(stage.phases)).name
    for name in one.trainer.stages:
        two.eager = name != largest
        for game in (one, two):
            game.train(name, 0, game.steps(name))
    apart = difference(one.trainer.state.get_state(), two.trainer.state.get_state())
    ensure(apart <= 1e-8, f"in float64, one and two replicas differ by {apart:.1e} at the end", ALIKE)


def check_resume(recipe: type[Recipe], folder: Path) -> None:
    """A training that is cut in any stage, and restored, ends in the same bits."""
    from gankit.engine import checkpoint

    common, again = shared(recipe), TinyGame(recipe)
    passages = common.passages
    for number, (name, passage) in enumerate(passages.items()):
        # Eagerly, a stage learns the names of what it logs in a step of all phases, which the cut need not be.
        again.trainer.stages[name].names = common.game.trainer.stages[name].names
        checkpoint.save(folder / name, checkpoint.Position(number, CUT, CUT, {}), passage.cut)
        again.trainer.state.set_state(checkpoint.restore(folder / name)[1])
        again.train(name, CUT, again.steps(name))
        ended = again.trainer.state.get_state()
        unequal = [key for key, value in passage.ended.items() if not np.array_equal(value, ended[key])]
        ensure(
            not unequal,
            f"{len(unequal)} variables differ after a resume in stage {name!r}, first {unequal and unequal[0]}",
            KEPT,
        )


def check_bfloat16(recipe: type[Recipe], folder: Path) -> None:
    """bfloat16 trains to finite float32 weights."""
    game = TinyGame(recipe, shared(recipe).game, precision="bfloat16")
    for name in game.trainer.stages:
        game.train(name, 0, CUT)
    state = game.trainer.state.get_state()
    bad = [key for key, v in state.items() if v.dtype.kind == "f" and not np.isfinite(v).all()]
    ensure(
        not bad, f"with bfloat16, {bad and bad[0]} is not finite", "bfloat16 has 8 bits: beware of small differences"
    )
    halves = {str(v.dtype): key for key, v in state.items() if key.startswith("networks/") and v.itemsize < 4}
    ensure(
        not halves,
        f"weights of the networks are kept in {', '.join(sorted(halves))}, first {next(iter(halves.values()), '')}",
        "leave the layers' dtype out: training.precision decides, and keeps weights in float32",
    )


def check_run(recipe: type[Recipe], folder: Path) -> None:
    """A tiny run ends with figures, pictures and a report, and loads again."""
    from gankit.engine import contract
    from gankit.runs.loading import LoadedRun
    from gankit.runs.training import start

    run = start(source_of(recipe), contract.make(recipe, tiny(recipe)), folder)
    assert run is not None and run.info["status"] == "done"  # it would have raised
    ensure((run.path / "report.html").stat().st_size > 1000, "the run has no report", f"read {run.path / 'gankit.log'}")
    loaded = LoadedRun(run)
    check_evaluation(loaded.evaluate())
    check_pictures(loaded.sample(folder / "pictures"))
