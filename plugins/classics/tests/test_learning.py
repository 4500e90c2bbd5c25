"""What the recipes learn in a minute, by margins that a broken game doesn't reach."""

import json

import pytest

import gankit

pytestmark = pytest.mark.slow

QUIET = {"log_every": 500, "sample_every": 10**6, "checkpoint_every": 10**6}


def learned(tmp_path, recipe, **options):
    run = gankit.train(recipe, runs_dir=tmp_path, **QUIET, **options)
    found = json.loads((run.run.path / "evaluation.json").read_text("utf-8"))
    return found["metrics"], found["baselines"]


@pytest.fixture
def reversed_game(monkeypatch):
    """The generator helps the discriminator: the sign of its loss is wrong."""
    import dataclasses

    from gankit.nn import losses

    right = losses.ADVERSARIAL["least-squares"]

    def wrong(*given):
        return {key: -value for key, value in right.generator(*given).items()}

    monkeypatch.setitem(losses.ADVERSARIAL, "least-squares", dataclasses.replace(right, generator=wrong))


def ring(tmp_path):
    return learned(tmp_path, "gan", data="ring", steps=4000)[0]


def test_gan_finds_the_ring(tmp_path):
    found = ring(tmp_path)
    assert found["modes"] == 8 and found["high_quality"] > 0.8


def test_a_wrong_sign_is_noticed(tmp_path, reversed_game):
    found = ring(tmp_path)
    assert found["modes"] < 3 and found["high_quality"] < 0.2


def test_cgan_makes_the_digits_it_is_asked_for(tmp_path):
    found, beside = learned(tmp_path, "cgan", data="digits", steps=1500, width=16, samples=300)
    assert found["class_accuracy"] > 0.8 and beside["chance"]["class_accuracy"] == 0.1
    assert found["fid"] < beside["untrained"]["fid"] / 4


def test_sgan_gains_from_unlabelled_digits(tmp_path):
    options = {"data": "digits", "labels": 3, "steps": 800, "units": 200, "width": 16, "samples": 300, "seed": 1}
    found, beside = learned(tmp_path, "sgan", **options)
    assert found["accuracy"] > beside["supervised"]["accuracy"] + 0.03  # .87 to .79; without unlabelled ones .79
