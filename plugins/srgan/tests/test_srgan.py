"""The srgan recipe: networks against the paper, data, evaluation against published rows, learned quality."""

import json

import numpy as np
import pytest
from gankit_srgan.recipe import SRGAN, SRGANConfig
from PIL import Image

from gankit.config import resolve
from gankit.errors import ConfigError, DataError, UsageError
from gankit.images import imresize
from gankit.nn import absolute_error, cross_entropy, squared_error

TINY = {"blocks": 2, "width": 16, "stages": "pixel", "training.batch_size": 8}


def make(**options):
    return SRGAN(resolve(SRGANConfig, {}, options))


@pytest.fixture(scope="module")
def networks():
    from gankit_srgan import networks

    return networks


def test_paper_generator_has_the_papers_weights(networks):
    assert networks.paper(4).count_params() == 1_552_771
    assert networks.compact(4).count_params() == 292_320


def test_paper_discriminator_has_the_papers_layers(networks):
    model = networks.discriminator(96)
    convolutions = [layer for layer in model.layers if layer.__class__.__name__ == "Conv2D"]
    assert [layer.filters for layer in convolutions] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [layer.strides[0] for layer in convolutions] == [1, 2, 1, 2, 1, 2, 1, 2]
    assert [layer.units for layer in model.layers if layer.__class__.__name__ == "Dense"] == [1024, 1]
    assert sum(layer.__class__.__name__ == "BatchNormalization" for layer in model.layers) == 7


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_untrained_compact_generator_is_bicubic(networks, scale):
    low = np.random.default_rng(0).uniform(size=(13, 9, 3))
    high = networks.compact(scale, 1, 8)(low[None].astype("float32"))[0]
    np.testing.assert_allclose(high, imresize(low, 13 * scale, 9 * scale), atol=1e-5)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 2)])
def test_generators_take_any_size(networks, scale, size):
    for model in (networks.compact(scale, 1, 8), networks.paper(scale)):
        assert model(np.zeros((1, *size, 3), "float32")).shape == (1, size[0] * scale, size[1] * scale, 3)


def test_losses_against_their_closed_forms():
    a, b = np.random.default_rng(1).normal(size=(2, 3, 4, 5))
    np.testing.assert_allclose(absolute_error(a, b), abs(a - b).mean((1, 2)))
    np.testing.assert_allclose(squared_error(a, b), ((a - b) ** 2).mean((1, 2)))
    p = 1 / (1 + np.exp(-a))
    np.testing.assert_allclose(cross_entropy(a, True), -np.log(p).mean((1, 2)))
    np.testing.assert_allclose(cross_entropy(a, False), -np.log(1 - p).mean((1, 2)))


def test_low_resolution_is_that_of_the_crop_in_8_bits():
    import tensorflow as tf

    data = make(crop=48, **TINY).data()
    fields = data.train["photos"].gather(tf.constant([0, 5, 9], tf.int64), tf.constant([7, 8, 9], tf.int64), 3)
    for high, low in zip(fields["hr"].numpy(), fields["lr"].numpy(), strict=True):
        exact = np.clip(np.round(imresize(high.astype(float) * 255, 12, 12)), 0, 255) / 255
        # A value on the edge between two levels may fall to either side in float32.
        assert np.abs(low - exact).max() <= 1.01 / 255 and (np.abs(low - exact) > 1e-5).mean() < 0.01


def test_held_out_photographs_are_not_trained_on():
    from gankit_srgan.photos import split

    train, test = split("photos", None)
    assert len(train) >= 8 and len(test) >= 3 and not {p.name for p in train} & {p.name for p in test}


def folder_of_pictures(folder, count=5, size=(64, 80)):
    rng = np.random.default_rng(2)
    for i in range(count):
        Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8)).save(folder / f"{i}.png")
    return folder


def test_a_folder_is_split_by_name(tmp_path):
    from gankit_srgan.photos import split

    train, test = split(str(folder_of_pictures(tmp_path)), None)
    assert len(train) == 4 and len(test) == 1
    train, test = split(str(tmp_path), 2)
    assert len(train) == 3 and len(test) == 2 and not set(train) & set(test)
    with pytest.raises(DataError, match="5 image"):
        split(str(tmp_path), 5)


def test_bad_data_is_named(tmp_path):
    with pytest.raises(UsageError, match="absent"):
        make(data="absent", **TINY).data()
    with pytest.raises(DataError):
        make(data=str(tmp_path), **TINY).data()
    folder_of_pictures(tmp_path)
    (tmp_path / "1.png").write_bytes(b"no picture")
    (tmp_path / "3.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"1\.png.*3\.png"):
        make(data=str(tmp_path), crop=48, **TINY).data()
    (tmp_path / "1.png").unlink()
    (tmp_path / "3.png").unlink()
    with pytest.raises(DataError, match="small"):
        make(data=str(tmp_path), crop=96, **TINY).data()


WRONG = [{"crop": 40}, {"crop": 64, "scale": 3}, {"stages": ""}, {"stages": "pixel,pixel"}]
WRONG += [{"sizes": "1,2"}, {"sizes": "0"}, {"sizes": "half"}]


@pytest.mark.parametrize("wrong", WRONG)
def test_options_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ConfigError):
        make(**wrong)


def test_vgg19_without_weights_or_network_says_what_to_do(monkeypatch, tmp_path):
    from gankit.errors import Offline

    monkeypatch.setenv("GANKIT_OFFLINE", "1")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(Offline) as error:
        make(features="vgg19").networks(type("Data", (), {"facts": {"generator": "compact", "crop": 64}}))
    assert "--feature-weights" in error.value.hint


PUBLISHED = {"Set5": (28.43, 0.8211), "Set14": (25.99, 0.7486)}


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_bicubic_has_the_papers_figures(name, test_data, networks, monkeypatch):
    """Ledig et al. (2017), table 2; the untrained compact generator is bicubic before its output is rounded."""
    from gankit_srgan import evaluation

    # Neither figure is in the paper, and they take nearly all of the time.
    monkeypatch.setattr(evaluation, "distance", lambda a, b: 0.0)
    monkeypatch.setattr(evaluation, "naturalness", lambda images, border: dict.fromkeys(images))
    recipe = make(**TINY)
    result = recipe.evaluate(
        {"generator": networks.compact(4, 1, 8)}, recipe.test_data(str(test_data / "sr" / name / "HR"))
    )
    bicubic, ours = result.baselines["bicubic"], result.metrics
    assert bicubic["psnr_y"] == pytest.approx(PUBLISHED[name][0], abs=0.03)
    assert bicubic["ssim_daala"] == pytest.approx(PUBLISHED[name][1], abs=0.002)
    assert ours["psnr_y"] == pytest.approx(bicubic["psnr_y"], abs=0.1)


@pytest.mark.slow
def test_a_minute_of_training_beats_bicubic(tmp_path):
    """On held-out photographs, by a margin that an untrained or a badly trained network does not reach."""
    import gankit

    options = {"stages": "pixel", "blocks": 3, "width": 24, "crop": 48, "batch_size": 8, "seed": 1}
    run = gankit.train("srgan", runs_dir=tmp_path, max_steps=400, **options)
    result = json.loads((run.run.path / "evaluation.json").read_text())
    ours, bicubic = result["metrics"], result["baselines"]["bicubic"]
    assert ours["psnr_y"] > bicubic["psnr_y"] + 0.3
    assert ours["ssim_wang"] > bicubic["ssim_wang"]
    assert ours["feature_distance"] < bicubic["feature_distance"]
    picture = np.asarray(Image.open(run.run.path / "samples" / "final" / "details.png"))
    assert picture.shape[1] == 4 * (192 + 4) - 4
    assert {row["method"] for row in result["rows"]} == {"ours", "bicubic", "truth"} and len(result["rows"]) == 9


@pytest.mark.slow
@pytest.mark.parametrize("stages", ["pixel", "pixel,adversarial"])
def test_only_an_adversarial_run_is_said_to_invent(tmp_path, stages):
    from gankit_srgan import models
    from gankit_srgan.model import Model

    import gankit

    run = gankit.train("srgan", runs_dir=tmp_path, max_steps=2, **{**SRGAN.tiny, "stages": stages})
    model = models.of_run(str(run.run.path))
    model.save(tmp_path / "m.safetensors")
    assert model.generative == Model.read(tmp_path / "m.safetensors").generative == ("adv" in stages)
    assert str(tmp_path).encode() not in (tmp_path / "m.safetensors").read_bytes()  # no path of the user's


def test_sheet_shows_the_true_detail(networks, tmp_path):
    from gankit_srgan.evaluation import busiest, enlarging, sheet

    truth = np.full((300, 260, 3), 128, np.uint8)
    truth[80:150, 40:120] = np.random.default_rng(3).integers(0, 255, (70, 80, 3))
    y, x = (v // 4 * 4 for v in busiest(truth, 192))
    assert y <= 80 and y + 192 >= 150 and x <= 40 and x + 192 >= 120
    path = sheet(enlarging(networks.compact(4, 1, 8)), {"a": truth}, 4, tmp_path / "s.png")
    picture = np.asarray(Image.open(path))
    np.testing.assert_array_equal(picture[16 : 16 + 192, 3 * 196 :][:, :192], truth[y : y + 192, x : x + 192])


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_lattice_is_the_amplitude_of_what_repeats_with_the_grid(scale):
    from gankit_srgan.lattice import lattice

    rng = np.random.default_rng(4)
    truth = rng.uniform(size=(2, 8 * scale, 8 * scale, 3))
    pattern = rng.normal(size=(scale, scale, 3))
    pattern -= pattern.mean((0, 1))
    tiled = np.tile(pattern, (8, 8, 1))
    np.testing.assert_allclose(lattice(truth + 0.3, truth, scale), 0, atol=1e-12)  # a shift of brightness is none
    np.testing.assert_allclose(lattice(truth + tiled + 0.3, truth, scale), np.abs(pattern).mean())
    ramp = np.repeat(np.arange(8.0), scale)[None, :, None, None]  # nor are steps from cell to cell
    np.testing.assert_allclose(lattice(truth + ramp, truth, scale), 0, atol=1e-12)


def test_jittered_windows_lie_alike_in_all_images():
    import tensorflow as tf
    from gankit_srgan.lattice import MARGIN, jittered

    from gankit.engine import random

    class Noise:
        def uniform(self, name, *shape):
            return random.uniform(tf.range(64, dtype=tf.int64), 5, name, shape)

    image = np.random.default_rng(5).uniform(size=(64, 24, 24, 1)).astype("float32")
    a, b = (x.numpy() for x in jittered(Noise(), image, -image))
    np.testing.assert_array_equal(a, -b)
    places = set()
    for whole, window in zip(image, a, strict=True):
        shifts = [(y, x) for y in range(MARGIN + 1) for x in range(MARGIN + 1)]
        found = [(y, x) for y, x in shifts if (whole[y : y + 16, x : x + 16] == window).all()]
        assert len(found) == 1
        places.add(found[0])
    assert {y for y, _ in places} == {x for _, x in places} == set(range(MARGIN + 1))


def test_receptive_radius_is_how_far_a_change_is_felt(networks):
    """Against the network itself: random weights, one pixel changed."""
    from gankit_srgan.footprint import receptive_radius

    rng = np.random.default_rng(6)
    for model, scale, radius in (
        (networks.compact(4, 2, 8), 4, 7),
        (networks.compact(3), 3, 15),
        (networks.fast(2, 2, 8), 2, 4),
        (networks.paper(2), 2, 40),
        (networks.unet(2, 1, 8), 2, 29),
    ):
        assert receptive_radius(model) == radius
        for v in model.variables:
            v.assign(rng.normal(size=v.shape, scale=0.3) if len(v.shape) > 1 else np.abs(rng.normal(size=v.shape)) + 1)
        size = 2 * radius + 9
        size += -size % 4
        low = rng.uniform(size=(1, size, size, 3)).astype("float32")
        changed = low.copy()
        changed[0, size // 2, size // 2] = 5
        felt = np.abs(np.asarray(model(changed)) - np.asarray(model(low))).max((0, 3)) > 0
        rows = np.flatnonzero(felt.reshape(size, scale, size, scale).any((1, 2, 3))) - size // 2
        assert rows.max() <= radius and rows.min() >= -radius
        assert max(rows.max(), -rows.min()) >= radius - 1


def test_a_layer_of_unknown_reach_is_refused(networks):
    from gankit_srgan.footprint import receptive_radius

    with pytest.raises(ValueError, match="type"):
        receptive_radius(networks.discriminator(32, 4, 4))


def test_an_untrained_fast_generator_repeats_pixels(networks):
    low = np.random.default_rng(7).uniform(size=(5, 4, 3)).astype("float32")
    high = networks.fast(3)(low[None])[0]
    np.testing.assert_allclose(high, np.kron(low, np.ones((3, 3, 1))), atol=1e-6)
    assert networks.fast(4).count_params() == 26_712
