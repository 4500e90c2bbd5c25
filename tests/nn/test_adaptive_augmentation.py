"""Augmentation that is steered by what the discriminator says of real images."""

import numpy as np
import pytest
import tensorflow as tf
from scalars import Play, Tiny, X, close, phase, weight

from gankit import ArraySource
from gankit.nn import AdaptiveAugmentation, augment


def steered(outputs, ada, steps, **options):
    def loss(turn):
        ada.observe(turn, outputs(turn))
        return {"t": weight(turn, "g")}

    play = Play(Tiny(phase(loss), state=ada.state, update=ada.update), **options)
    play(0, steps)
    return {name: float(v.numpy()) for name, v in play.state.held["only"].items()}, play


@pytest.mark.parametrize("kind, devices", [("single", None), ("mirrored", 2)])
def test_the_probability_follows_the_recurrence(kind, devices):
    """X has three positive values of four: r tends to 1/2, which is above the target."""
    ada = AdaptiveAugmentation(target=0.3, images=80, phase="p")
    found, play = steered(lambda turn: turn["x"], ada, 9, kind=kind, devices=devices)
    p = sign = 0.0
    for _ in range(9):
        sign += (np.sign(X).mean() - sign) / 4
        p = min(max(p + 4 / 80 * np.sign(sign - 0.3), 0), 1)
    assert 0 < p < 9 * 4 / 80
    close([found["augmentation"], found["augmentation sign"]], [p, sign])
    assert play.log("p/sign") == np.sign(X).mean()


def test_it_falls_and_stays_between_0_and_1():
    ada = AdaptiveAugmentation(images=8, phase="p")
    assert steered(lambda turn: tf.abs(turn["x"]), ada, 20)[0]["augmentation"] == 1
    assert steered(lambda turn: -tf.abs(turn["x"]), ada, 20)[0]["augmentation"] == 0


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_so_many_images_are_changed(share):
    images = np.ones((4, 8, 8, 1))
    ada = AdaptiveAugmentation(("translation",), phase="p")

    def loss(turn):
        always = augment(turn, turn["image"], ("translation",), "augmentation of real")
        now = ada.changed(turn, turn["image"], "real")
        turn.log("as always", tf.cast(tf.reduce_all(now == always, axis=(1, 2, 3)), tf.float64))
        turn.log("as it was", tf.cast(tf.reduce_all(now == turn["image"], axis=(1, 2, 3)), tf.float64))
        turn.log("moved", tf.cast(tf.reduce_any(always != turn["image"], axis=(1, 2, 3)), tf.float64))
        return {"t": weight(turn, "g")}

    data = {"x": ArraySource(x=X[:, None], image=images * (1 + X[:, None, None, None] ** 2))}
    state = {**ada.state, "augmentation": share}
    play = Play(Tiny(phase(loss), data=data, state=state), per_call=60)
    play(0, 60)
    moved, changed = ([play.log(f"p/{name}", i) for i in range(60)] for name in ("moved", "as it was"))
    assert all(play.log("p/as always", i) + play.log("p/as it was", i) >= 1 for i in range(60))
    chosen = 1 - np.mean(changed)
    expected = share * np.mean(moved)
    assert abs(chosen - expected) <= 4 * np.sqrt(max(expected * (1 - expected), 1e-12) / 240)
