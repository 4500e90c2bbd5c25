"""Photographs in pairs: names, sizes, places, crops, and what is left out."""

import json
import logging

import numpy as np
import pytest
from gankit_srgan.photo_pairs import displacement, matched, opened
from gankit_srgan.photos import Pair
from gankit_srgan.recipe import SRGAN, SRGANConfig
from PIL import Image

import gankit
from gankit.config import arguments, from_document, parse_yaml, resolve, to_yaml
from gankit.errors import ConfigError, DataError
from gankit.images import imresize
from gankit.testing import tiny_pictures

TINY = {"generator": "fast", "blocks": 1, "width": 4, "stages": "pixel", "crop": 32, "training.batch_size": 4}


def make(**options):
    return SRGAN(resolve(SRGANConfig, {}, {**TINY, **options}))


def picture(seed, height, width):
    """Coarse and fine detail, as photographs have it."""
    rng = np.random.default_rng(seed)
    coarse = imresize(rng.integers(0, 256, (height // 16, width // 16, 3), np.uint8), height, width)
    return coarse // 2 + imresize(rng.integers(0, 256, (height // 3, width // 3, 3), np.uint8), height, width) // 2


def save(path, pixels):
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path)


@pytest.fixture
def folders(tmp_path):
    """Four pairs at x2, named as in DIV2K, and what `--pairs` is given."""
    for i in range(4):
        high = picture(i, 96, 96 + 16 * i)
        save(tmp_path / "HR" / f"{i}.png", high)
        save(tmp_path / "LR" / f"{i}x2.png", imresize(high, 48, 48 + 8 * i))
    return str(tmp_path / "LR"), str(tmp_path / "HR")


def test_names_are_matched_without_what_tells_sizes(tmp_path):
    pairs = {
        "0001x4.png": "0001.png",
        "a_LR.png": "a_HR.png",
        "Canon_003_LR4.png": "Canon_003_HR.jpg",
        "img_1_SRF_4_LR.png": "img_1_SRF_4_HR.png",
        "b-x2_lr.png": "b.png",
        "same_x4.png": "same_x4.png",
        "same_x2.png": "same_x2.png",
        "sub/c.png": "sub/c.tif",
    }
    for low, high in pairs.items():
        save(tmp_path / "l" / low, np.zeros((4, 4, 3), np.uint8))
        save(tmp_path / "h" / high, np.zeros((4, 4, 3), np.uint8))
    found, lonely = matched(tmp_path / "l", tmp_path / "h")
    assert not lonely
    assert {
        str(low.relative_to(tmp_path / "l")): str(high.relative_to(tmp_path / "h")) for _, low, high in found
    } == pairs


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("shift", [(0, 0), (1, 2), (-3, 1), (8, -12)])
def test_displacement_is_the_shift(scale, shift):
    high = picture(1, 256, 320)
    low = imresize(high, 256 // scale, 320 // scale)
    found, likeness = displacement(low, np.roll(high, shift, (0, 1)), scale)
    assert found == pytest.approx(np.hypot(*shift) / scale, abs=0.12) and likeness > 0.5


def test_displacement_under_noise_and_of_nothing():
    high = picture(2, 256, 256)
    noise = np.random.default_rng(0).normal(0, 12, (64, 64, 3))
    low = np.clip(imresize(high, 64, 64) + noise, 0, 255).astype(np.uint8)
    assert displacement(low, high, 4)[0] < 0.2
    assert displacement(low, np.roll(high, 8, 1), 4)[0] == pytest.approx(2, abs=0.2)
    assert displacement(np.full((64, 64, 3), 90, np.uint8), np.full((256, 256, 3), 90, np.uint8), 4) is None
    other = displacement(imresize(picture(3, 256, 256), 64, 64), high, 4)
    assert other is None or other[1] < 0.3


@pytest.mark.parametrize("sampling", ["detail", "area", "image"])
def test_crops_lie_upon_each_other(folders, sampling):
    import tensorflow as tf

    data = make(pairs=folders, scale=2, sampling=sampling).data()
    source = data.train["photos"]
    batch = source.gather(tf.range(64, dtype=tf.int64), tf.range(64, dtype=tf.int64) + 9, 3)
    low, high = (np.rint(batch[field].numpy() * 255).astype(np.uint8) for field in ("lr", "hr"))
    assert low.shape == (64, 16, 16, 3) and high.shape == (64, 32, 32, 3)
    for small, large in zip(low, high, strict=True):
        inside = np.s_[3:-3, 3:-3]  # beyond it the picture, and not the crop's border, was reduced
        assert np.abs(imresize(large, 16, 16)[inside].astype(int) - small[inside]).max() <= 2
    assert data.facts["pairs"] == {"count": 4, "measured": 4, "median_shift": 0.0, "largest_shift": 0.0}
    (pair,) = data.held_out.values()
    assert isinstance(pair, Pair)
    np.testing.assert_array_equal(imresize(pair.high, *pair.low.shape[:2]), pair.low)


def test_a_remainder_is_cut_off_and_said(folders, tmp_path, caplog):
    caplog.set_level(logging.INFO, "gankit")
    high = picture(0, 96, 96)
    save(tmp_path / "HR" / "0.png", np.pad(high, ((0, 1), (0, 1), (0, 0)), mode="edge"))  # the small sides are floors
    save(tmp_path / "HR" / "1.png", picture(1, 96, 112)[:-1])  # a ceiling
    found = opened(folders, 2, 32, skip_bad=False)
    assert found.facts["count"] == 4 and "2 pairs have rows or columns at the end" in caplog.text
    assert "4 pairs lie upon each other within 0.00 small pixels" in caplog.text
    source = make(pairs=folders, scale=2, held_out=1).data().train["photos"]
    assert source.heights.tolist() == [48, 47, 48]


def test_what_does_not_fit_is_named(folders, tmp_path):
    with pytest.raises(DataError, match=r"4 of 4 .*0x2: 48 x 48 and 96 x 96 pixels, which is not x4") as error:
        make(pairs=folders).data()
    assert error.value.hint.startswith("--scale 2 fits them")
    with pytest.raises(DataError, match="4 of 4") as error:
        make(pairs=folders[::-1], scale=2).data()
    assert "LR/ HR/" in error.value.hint
    save(tmp_path / "HR" / "9.png", picture(0, 96, 96))
    save(tmp_path / "LR" / "8x2.png", picture(0, 96, 96))
    with pytest.raises(DataError, match=r"2 of 6 .*8x2\.png: nothing of its name in .*9\.png: nothing of its name"):
        make(pairs=folders, scale=2).data()
    with pytest.raises(DataError, match="no folder"):
        make(pairs=(folders[0], "absent"), scale=2).data()


def test_bad_pairs_are_refused_or_left_out(folders, tmp_path, caplog):
    save(tmp_path / "HR" / "1.png", np.roll(picture(1, 96, 112), 6, 1))  # three small pixels
    save(tmp_path / "HR" / "2.png", picture(22, 96, 128))
    (tmp_path / "LR" / "3x2.png").write_bytes(b"no picture")
    save(tmp_path / "HR" / "5.png", picture(5, 48, 24))
    save(tmp_path / "LR" / "5.png", imresize(picture(5, 48, 24), 24, 12))
    save(tmp_path / "HR" / "6.png", np.roll(picture(6, 96, 96), 1, 0))  # less than one pixel
    save(tmp_path / "LR" / "6.png", imresize(picture(6, 96, 96), 48, 48))
    options = {"pairs": folders, "scale": 2, "held_out": 1}
    what = r"4 of 6 .*1x2: shifted by 3\.0 small pixels; 2x2: .*; 3x2: cannot read .*; 5: .*smaller than a crop"
    with pytest.raises(DataError, match=what) as error:
        make(**options).data()
    assert "--skip-bad" in error.value.hint
    data = make(**options, skip_bad=True).data()
    assert data.facts["pairs"]["count"] == 2 and sorted(data.facts["left_out"]) == ["1x2", "2x2", "3x2", "5"]
    assert data.facts["pairs"]["largest_shift"] == pytest.approx(0.5, abs=0.1)
    assert "left out: 4 of 6" in caplog.text


def test_a_folder_of_pairs_is_no_folder_of_photographs(folders, tmp_path):
    for recipe in (make(data=str(tmp_path)), make(data=str(tmp_path.parent))):
        with pytest.raises(DataError, match="small and large pictures") as error:
            recipe.data()
        assert f"--pairs {folders[0]} {folders[1]}" in error.value.hint
    with pytest.raises(DataError, match="small and large"):
        make(data=str(tmp_path)).check(str(tmp_path))
    with pytest.raises(DataError, match="small and large") as error:
        make().test_data(str(tmp_path))
    assert error.value.hint == f"--data {folders[1]}"
    (tmp_path / "LR").rename(tmp_path / "DIV2K_train_LR_bicubic")
    (tmp_path / "HR").rename(tmp_path / "DIV2K_train_HR")
    with pytest.raises(DataError, match="DIV2K_train_LR_bicubic"):
        make(data=str(tmp_path)).data()
    found = make(pairs=("a", "b"), scale=2).test_data(str(tmp_path))  # a training with pairs is judged on others
    assert len(found.held_out) == 4 and all(isinstance(pair, Pair) for pair in found.held_out.values())


WRONG = [{"data": "photos"}, {"degradation": "mild"}, {"patterns": 0.1}, {"sizes": "1,0.5"}, {"largest": 100}]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_pairs_leave_no_room_for(wrong):
    with pytest.raises(ConfigError, match="pairs"):
        make(pairs=("LR", "HR"), **wrong)


def test_pairs_survive_the_configuration():
    config = make(pairs=("a b", "HR")).config
    assert config.data == "HR"
    assert from_document(SRGANConfig, parse_yaml(to_yaml("srgan", config), "")) == config
    assert resolve(SRGANConfig, {}, {}, arguments(config)[1::2]) == config


def test_a_training_with_pairs_is_judged_by_its_small_pictures(folders, tmp_path):
    """At the factor 1, noise that a small picture has and a bicubic reduction has not."""
    noise = np.random.default_rng(0)
    for i in range(4):
        high = picture(i, 96, 96 + 16 * i)
        noisy = np.clip(high + noise.normal(0, 10, high.shape), 0, 255).astype(np.uint8)
        save(tmp_path / "noisy" / f"{i}.png", noisy)
    options = {key.removeprefix("training."): value for key, value in TINY.items()}
    options |= {"pairs": (str(tmp_path / "noisy"), folders[1]), "scale": 1, "max_steps": 1, "log_every": 1}
    run = gankit.train("srgan", runs_dir=tmp_path / "runs", **options)
    found = json.loads((run.run.path / "evaluation.json").read_text())
    # Luma of BT.601 has 219 of 255 levels, and weighs independent noise by sqrt(.299^2 + .587^2 + .114^2) = 0.669.
    expected = 20 * np.log10(255 / (10 * 0.669 * 219 / 255))
    assert found["baselines"]["input"]["psnr_y"] == pytest.approx(expected, abs=0.3)
    assert found["protocol"]["low_resolution"] == "as given" and found["data"] == folders[1]
    assert 20 < run.run.metrics()[0]["held_out"]["psnr_y"] < expected + 1


def test_skip_bad_leaves_photographs_out_and_a_resume_sees_others(tmp_path, caplog):
    photos = tiny_pictures(tmp_path / "photos", count=5, side=64)
    (photos / "1.png").write_bytes(b"no picture")
    save(photos / "3.png", np.zeros((16, 90, 3), np.uint8))
    options = {key.removeprefix("training."): value for key, value in TINY.items()}
    options |= {"data": str(photos), "scale": 2, "max_steps": 2, "log_every": 1}
    with pytest.raises(DataError, match=r"cannot read .*1\.png") as error:
        gankit.train("srgan", runs_dir=tmp_path / "runs", **options)
    assert error.value.hint.endswith("--skip-bad trains without")
    run = gankit.train("srgan", runs_dir=tmp_path / "runs", skip_bad=True, **options)
    facts = json.loads((run.run.path / "facts.json").read_text())
    assert sorted(facts["left_out"]) == [str(photos / "1.png"), str(photos / "3.png")]
    assert facts["left_out"][str(photos / "3.png")] == "90 x 16 pixels, smaller than a crop of 32 x 32"
    assert "left out 2 of 5 photographs" in caplog.text
    again = gankit.load(run.run.path)
    caplog.clear()
    assert again.data.facts["left_out"] == facts["left_out"] and "have changed" not in caplog.text
    save(photos / "1.png", picture(1, 64, 64))
    assert gankit.load(run.run.path).data.facts["left_out"].keys() == {str(photos / "3.png")}
    assert "the data of" in caplog.text and "have changed since it was trained" in caplog.text


def test_two_files_of_one_name_are_told(tmp_path):
    for name in ("low/a.png", "low/a.jpg", "high/a.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    pairs, lonely = matched(tmp_path / "low", tmp_path / "high")
    assert [pair.name for pair in pairs] == ["a"]
    assert lonely == {str(tmp_path / "low/a.png"): "a.jpg has the same name"}
