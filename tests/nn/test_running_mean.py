"""The running mean against its recurrence."""

import keras
import numpy as np
import pytest
from scalars import START, Play, Tiny, X, close, weight

from gankit import Phase
from gankit.nn import RunningMean


@pytest.mark.parametrize("kind, devices", [("single", None), ("mirrored", 2)])
def test_the_mean_follows_a_term_in_the_steps_that_have_it(kind, devices):
    mean = RunningMean("path/length", decay=0.75)

    def path(turn):
        lengths = weight(turn, "d") * turn["x"][:, 0] ** 2
        turn.log("length", lengths)
        return {"penalty": (lengths - mean.value(turn)) ** 2}

    recipe = Tiny(
        Phase("main", ("g",), lambda turn: {"t": weight(turn, "g"), "mean": mean.value(turn) + 0 * turn["x"][:, 0]}),
        Phase("path", ("d",), path, every=2),
        state=mean.state,
        update=mean.update,
        optimizers={"path": lambda: keras.optimizers.SGD(0.0)},
    )
    play = Play(recipe, kind=kind, devices=devices)
    play(0, 6)
    length, expected, a = START["d"] * (X**2).mean(), [], 0.0
    for step in range(6):
        expected.append(a)
        a += 0.25 * (length - a) if step % 2 == 0 else 0.0
    close(play.readings.values[:, play.readings.names.index("main/mean")], expected)
    close(play.state.held["only"]["mean"].numpy(), a)
    assert np.isfinite(play.readings.values).all()
