"""Trainings that start from a model in the box or in a file, their validation curve and their best weights."""

import json

import numpy as np
import pytest
from gankit_srgan import models
from gankit_srgan.evaluation import busiest, distance
from gankit_srgan.model import Model
from gankit_srgan.photos import split
from gankit_srgan.recipe import SRGAN, SRGANConfig
from gankit_srgan.validation import Validation, windows
from PIL import Image

import gankit
from gankit.config import resolve
from gankit.errors import CheckpointError, UsageError
from gankit.images import imresize, read_image
from gankit.images.metrics import luma, psnr

FAST = {"generator": "fast", "stages": "pixel", "crop": 32, "batch_size": 2, "pixel.optimizer": "adam"}


@pytest.fixture(scope="module", autouse=True)
def details(tmp_path_factory):
    """Details of photographs, of which two are held out: little to evaluate."""
    folder = tmp_path_factory.mktemp("photos")
    for i, file in enumerate(split("photos", None)[0][:4]):
        y, x = busiest(read_image(file), 144)
        Image.fromarray(read_image(file)[y : y + 144, x : x + 160]).save(folder / f"{i}.png")
    FAST.update(data=str(folder), held_out=2)


def make(**options):
    return SRGAN(resolve(SRGANConfig, {}, options))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """The fast model after two steps with a rate of next to nothing, and the folder of its run."""
    root = tmp_path_factory.mktemp("runs")
    return gankit.train(
        "srgan", runs_dir=root, init_from="fast", max_steps=2, log_every=1, **{**FAST, "pixel.lr": 1e-9}
    )


def test_a_training_begins_with_a_model_in_the_box(tuned):
    box = models.find("fast", 4)
    for own, given in zip(tuned.networks["generator"].get_weights(), box.weights.values(), strict=True):
        np.testing.assert_allclose(own, given, atol=1e-6)
    info = tuned.run.info
    assert info["init_from"] == "fast" and len(info["init_sha256"]) == 64


def test_the_validation_curve_is_that_of_the_model(tuned):
    """Each line has the model's figure, which is far above that of pixels that are repeated."""
    curve = [line["held_out"]["psnr_y"] for line in tuned.run.metrics()]
    recipe = make(**{key: value for key, value in FAST.items() if key != "batch_size"})
    data = recipe.data()
    (stage,) = recipe.stages(data)
    (untrained, again) = (stage.probe(recipe.networks(data), data)["psnr_y"] for _ in range(2))
    assert untrained == again  # it is deterministic
    expected = stage.probe({"generator": models.find("fast", 4).network()}, data)["psnr_y"]
    assert curve == pytest.approx([expected] * 2, abs=0.01) and expected > untrained + 1.5
    assert (stage.selection.figure, stage.selection.better, stage.selection.restore) == ("psnr_y", "higher", False)


def test_the_best_weights_are_kept_beside_the_last(tmp_path):
    """A rate that ruins the model: its first weights are the best."""
    options = {**FAST, "pixel.lr": 0.05}
    run = gankit.train("srgan", runs_dir=tmp_path, init_from="fast", max_steps=4, log_every=1, **options)
    curve = [line["held_out"]["psnr_y"] for line in run.run.metrics()]
    best = gankit.load(run.run.path, weights="best")
    probe = Validation(run.recipe._method, 4, "clean", False)
    assert probe(best.networks, run.data)["psnr_y"] == pytest.approx(max(curve), abs=1e-3)
    assert probe(run.networks, run.data)["psnr_y"] == pytest.approx(curve[-1], abs=1e-3) and max(curve) > curve[-1]
    packed = models.of_run(str(run.run.path), weights="best")
    for own, kept in zip(packed.weights.values(), best.networks["generator"].get_weights(), strict=True):
        np.testing.assert_array_equal(own, kept)


def test_figures_of_the_windows_against_their_definition():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 256, (160, 200, 3), np.uint8)
    held = {str(i): truth for i in range(9)}
    found = windows(held, 4, "clean")
    assert len(found) == 4 and {low.shape for low, _ in found} == {(32, 32, 3)}
    low, high = found[0]
    np.testing.assert_array_equal(low, imresize(high, 32, 32))
    assert any((truth[y : y + 128, x : x + 128] == high).all() for y in range(0, 33, 4) for x in range(0, 73, 4))
    flat = Validation(lambda networks, data: lambda low: np.full_like(high, 99), 4, "clean", True)
    figures = flat({}, gankit.Data(held_out={"a": truth}))
    shown = windows({"a": truth}, 4, "clean")[0][1]
    edge = slice(4, -4)
    assert figures["psnr_y"] == pytest.approx(psnr(luma(shown)[edge, edge], luma(np.full_like(shown, 99))[edge, edge]))
    assert figures["feature_distance"] == pytest.approx(distance(shown, np.full_like(shown, 99)), rel=1e-6)
    exact = Validation(lambda networks, data: lambda low: shown, 4, "clean", False)
    assert exact({}, gankit.Data(held_out={"a": truth})) == {"psnr_y": 100.0}


def test_a_packed_file_and_what_does_not_fit(tmp_path):
    model = models.find("fast", 4)
    file = tmp_path / "mine.safetensors"
    model.save(file)
    taken = make(generator="fast").initial_weights(str(file))["generator"]
    assert all(np.array_equal(a, b) for a, b in zip(taken, Model.read(file).weights.values(), strict=True))
    run = gankit.train("srgan", runs_dir=tmp_path, init_from=str(file), max_steps=1, **FAST)
    assert run.run.info["init_from"] == str(file.resolve())
    file.unlink()  # a resume has no need of it
    assert gankit.load(run.run.path).networks["generator"]
    with pytest.raises(CheckpointError, match="other weights"):
        gankit.train("srgan", runs_dir=tmp_path, init_from="fast", max_steps=1, **{**FAST, "blocks": 2})


def test_a_model_of_another_factor_fits_but_for_its_last_layer(tmp_path, caplog):
    caplog.set_level("INFO", "gankit")
    options = {**FAST, "scale": 2, "max_steps": 1, "pixel.lr": 1e-9}
    run = gankit.train("srgan", runs_dir=tmp_path, init_from="fast", init_partial=True, **options)
    box = list(models.find("fast", 4).weights.values())
    same = [
        a.shape == b.shape and np.allclose(a, b, atol=1e-6)
        for a, b in zip(run.networks["generator"].get_weights(), box, strict=True)
    ]
    assert same[:-2] == [True] * (len(box) - 2) and same[-2:] == [False] * 2
    assert "of another shape there, and therefore begun afresh: generator's" in caplog.text
    with pytest.raises(UsageError, match="'fast' does not enlarge x2") as error:
        gankit.train("srgan", runs_dir=tmp_path, init_from="fast", **options)
    assert error.value.hint == "it has x4"


def test_an_unknown_reference_names_the_models_in_the_box(tmp_path):
    with pytest.raises(UsageError, match=r"there are no runs in .*; there is no model 'compat'") as error:
        gankit.train("srgan", runs_dir=tmp_path, init_from="compat", **FAST)
    assert error.value.hint == "did you mean 'compact'?"
    with pytest.raises(UsageError, match=r"absent\.safetensors"):
        gankit.train("srgan", runs_dir=tmp_path, init_from=str(tmp_path / "absent.safetensors"), **FAST)


def test_a_dry_run_says_where_the_weights_come_from(tmp_path, capsys):
    from gankit.cli import main

    arguments = ["run", "srgan", "--generator", "fast", "--stages", "pixel", "--init-from", "fast", "--dry-run"]
    arguments += ["--data", FAST["data"]]
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--json", "--batch-size", "2", "--runs-dir", str(tmp_path)])
    plan = json.loads(capsys.readouterr().out)
    assert stop.value.code == 0
    assert plan["init_from"]["from"] == "fast" and len(plan["init_from"]["sha256"]) == 64
    assert plan["init_from"]["networks"] == {"generator": []}
