"""Whole tiny trainings with what the defaults leave out, and with pictures of other kinds than the digits."""

import json

import numpy as np
import pytest
from PIL import Image

import gankit
from gankit.errors import ConfigError, DataError

pytestmark = pytest.mark.slow

QUIET = {"log_every": 10**6, "sample_every": 10**6, "checkpoint_every": 10**6, "batch_size": 8}
TINY = {**QUIET, "width": 4, "latent": 8, "samples": 100, "steps": 2}


def trained(recipe, folder, **options):
    run = gankit.train(recipe, runs_dir=folder, **{**TINY, **options})
    found = json.loads((run.run.path / "evaluation.json").read_text("utf-8"))
    assert found["metrics"] and all(np.isfinite(list(found["metrics"].values())))
    assert list((run.run.path / "samples" / "final").glob("*.png"))
    return run, found


def pictures(folder, classes, count=12, side=20, channels=3):
    """A folder of random pictures, one sub-folder a class; "" is the folder itself."""
    rng = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            pixels = rng.integers(0, 255, (side, side, channels), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return str(folder)


@pytest.mark.parametrize(
    "options",
    [
        {"augment": "color,translation,cutout", "loss": "relativistic"},
        {"batch_layer": "deviation", "smoothing": 0.1},
        {"batch_layer": "discrimination", "instance_noise": 0.1, "penalty": "dragan"},
        {"spectral": True, "loss": "hinge", "precision": "bfloat16"},
        {"penalty": "r1", "feature_matching": 1.0, "loss": "minimax"},
        {"penalty": "r1,r2", "penalty_every": 2, "loss": "relativistic-paired", "critic_steps": 2, "steps": 3},
        {"penalty": "r2", "loss": "least-squares", "critic_steps": 2, "ema": 0},
    ],
)
def test_every_trick_trains(options, tmp_path):
    trained("cgan", tmp_path, data="digits", **options)


def test_wgan_takes_a_batch_layer(tmp_path):
    run, _ = trained("wgan", tmp_path, data="digits", batch_layer="deviation")
    assert any("deviation" in layer.name for layer in run.networks["discriminator"].layers)


@pytest.mark.parametrize("recipe", ["dcgan", "infogan"])
@pytest.mark.parametrize("classes", [[""], ["all"], ["cat", "dog"]])
def test_folders_of_few_classes(recipe, classes, tmp_path):
    folder = pictures(tmp_path / "in", classes, count=24)
    options = {"categories": 3} if recipe == "infogan" else {}
    _, found = trained(recipe, tmp_path / "runs", data=folder, size=16, **options)
    assert ("probe_accuracy" in found["metrics"]) == (recipe == "dcgan" and len(classes) == 2)


def test_large_pictures_with_labels_are_judged_without_a_classifier(tmp_path):
    folder = pictures(tmp_path / "in", ["a", "b", "c"], count=10, side=72)
    _, found = trained("cgan", tmp_path / "runs", data=folder, size=72)
    assert "fid" in found["metrics"] and "class_accuracy" not in found["metrics"]


def test_too_few_pictures_are_refused_before_the_training(tmp_path):
    with pytest.raises(DataError, match="one to test with"):
        trained("dcgan", tmp_path / "runs", data=pictures(tmp_path / "in", [""], count=5), size=16)


def test_weights_that_are_not_there_are_refused_before_the_training(tmp_path):
    with pytest.raises(DataError):
        trained("dcgan", tmp_path, data="digits", features="inception-v3", feature_weights=str(tmp_path / "no.h5"))
    with pytest.raises(ConfigError):
        trained("dcgan", tmp_path, data="digits", features="inception_v3")
    assert not list(tmp_path.glob("dcgan/*"))


def test_what_auto_finds_is_kept(tmp_path, monkeypatch):
    from gankit.datasets import catalogue

    card = type(catalogue.named("fashion-mnist"))
    monkeypatch.setattr(card, "state", property(lambda self: "to fetch: 1 B"))
    run, found = trained("dcgan", tmp_path)
    assert found["data"] == "digits" and "data: digits" in (run.run.path / "config.yaml").read_text()


def test_seeds_of_small_classes_are_comparable(tmp_path):
    from gankit.studies.comparison import compare

    runs = [trained("cgan", tmp_path, data="digits", per_class=20, seed=seed)[0].run for seed in (0, 1)]
    found = compare(runs)
    assert {"fid", "kid", "class_accuracy"} <= found.over_seeds.keys()
    assert next(row for row in found.rows if row.metric == "fid").best
