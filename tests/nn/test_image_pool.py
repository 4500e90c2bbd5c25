"""The pool against the procedure as it is told, one example after the other."""

import numpy as np
import pytest
import tensorflow as tf
from scalars import Play, Tiny, phase, weight

from gankit import ArraySource
from gankit.nn import ImagePool

SIZE, BATCH, STEPS = 5, 4, 9
ROWS = np.arange(64.0)


def recipe(name="pool"):
    pool = ImagePool((2,), SIZE, name)

    def fake(turn):  # tells which example it is
        return turn["x"] * tf.constant([[1.0, -1.0]], tf.float64)

    def loss(turn):
        shown = pool.exchange(turn, fake(turn))
        turn.log("shown", shown[:, 0])
        everyone = turn.gather(shown)
        draws = turn.gather(turn.uniform(f"exchange with {name}", 2))
        for i in range(BATCH):
            turn.log(f"real {i}", turn.gather(turn["x"])[i, 0])
            turn.log(f"given {i}", everyone[i, 0])
            turn.log(f"coin {i}", draws[i, 0])
            turn.log(f"place {i}", draws[i, 1])
        return {"t": weight(turn, "g"), "path": weight(turn, "d") * shown[:, 0]}

    data = {"x": ArraySource(x=ROWS[:, None])}
    return Tiny(
        phase(loss, weights={"path": 0.0}),
        data=data,
        state=pool.state,
        update=lambda turn: pool.update(turn, fake(turn)),
    )


def by_hand(play):
    """What the procedure shows in each step, and the pool that it ends with."""
    pool, shown = [], []

    def column(name, step):
        return play.log(f"p/{name}", step)

    for step in range(STEPS):
        for i in range(BATCH):
            new = column(f"real {i}", step)
            if len(pool) < SIZE:
                pool.append(new)
                shown.append(new)
            elif column(f"coin {i}", step) < 0.5:
                place = int(column(f"place {i}", step) * SIZE)
                shown.append(pool[place])
                pool[place] = new
            else:
                shown.append(new)
    return shown, pool


@pytest.mark.parametrize("kind, devices", [("single", None), ("mirrored", 2)])
def test_the_pool_does_what_the_procedure_says(kind, devices):
    play = Play(recipe(), BATCH, kind, devices)
    play(0, STEPS)
    given = [play.log(f"p/given {i}", step) for step in range(STEPS) for i in range(BATCH)]
    shown, pool = by_hand(play)
    assert given == shown
    held = play.state.held["only"]["pool"].numpy()
    assert held.tolist() == [[x, -x] for x in pool]
    assert play.state.held["only"]["pool count"].numpy() == STEPS * BATCH
    assert 0 < sum(a != play.log(f"p/real {i % BATCH}", i // BATCH) for i, a in enumerate(given)) < len(given) - SIZE


def test_a_cut_training_goes_on_with_its_pool():
    whole, cut = Play(recipe(), BATCH), Play(recipe(), BATCH)
    whole(0, STEPS)
    cut(0, 4)
    again = Play(recipe(), BATCH, state=cut.state.get_state(), start=4)
    again(4, STEPS - 4)
    ended, resumed = whole.state.get_state(), again.state.get_state()
    assert all(np.array_equal(ended[name], resumed[name]) for name in ended)
    assert np.array_equal(whole.readings.values[4:], again.readings.values)


def test_two_pools_draw_apart():
    one, other = Play(recipe("a"), BATCH), Play(recipe("b"), BATCH)
    one(0, STEPS)
    other(0, STEPS)
    assert not np.array_equal(one.state.held["only"]["a"].numpy(), other.state.held["only"]["b"].numpy())
