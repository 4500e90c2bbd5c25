"""What a picture suffers from, told apart on photographs whose damage is known."""

import io

import numpy as np
import pytest
from gankit_srgan.degradation.tracks import TRACKS, Track, reduced
from gankit_srgan.models import Choice
from gankit_srgan.upscale.automatic import Automatic
from gankit_srgan.upscale.condition import condition
from gankit_srgan.upscale.pictures import header
from PIL import Image
from sklearn.datasets import load_sample_images

from gankit.images import imresize


@pytest.fixture(scope="module")
def photos():
    return [imresize(photo, 214, 320) for photo in load_sample_images().images]


def faults(colour):
    return " ".join(condition(colour).faults)


def test_reduced_photographs_are_sound(photos):
    for photo in photos:
        assert faults(photo) == "" and faults(photo.astype(np.uint16) * 257) == ""
        assert faults(photo[..., :1]) == ""


@pytest.mark.parametrize("shift", [0, 3])
def test_blocks_are_found_wherever_their_grid_begins(photos, shift):
    for photo in photos:
        file = io.BytesIO()
        Image.fromarray(photo).save(file, "JPEG", quality=30)
        assert "blocks" in faults(np.asarray(Image.open(file))[shift:, shift:])
        assert condition(photo[shift:, shift:]).blocks < 0.3


def test_noise_is_found_in_colour_and_grey(photos):
    for photo in photos:
        found = condition(reduced(photo, 1, Track(noise=6), "a"))
        assert found.colour_noise == pytest.approx(6, rel=0.25) and "noise" in found.faults[0]
        assert "noise" in faults(reduced(photo[..., 0], 1, Track(noise=6), "a")[..., None])


def test_blur_is_found(photos):
    for photo in photos:
        assert "blur" in faults(reduced(photo, 1, Track(blur=1.5), "a"))


def test_damaged_tracks_are_damaged(photos):
    for photo in photos:
        for name in ("medium", "strong"):
            assert faults(reduced(photo, 1, TRACKS[name], "a")), name


def test_the_network_fits_the_picture(photos, tmp_path):
    sound = Choice("compact", None, None, 2)
    soft = reduced(photos[0], 1, Track(blur=1.5), "a")
    for name, quality, fits in (
        ("sound.png", 100, "compact"),
        ("soft.png", 100, "compact"),
        ("blocks.jpg", 20, "restore"),
    ):
        Image.fromarray(soft if name == "soft.png" else photos[0]).save(tmp_path / name, quality=quality)
        choice, why = Automatic(sound).of(header(tmp_path / name))
        assert (choice.name, choice.scale) == (fits, 2 if fits == "compact" else 4) and why.startswith(
            f"{fits} was taken: "
        )
        assert ("blocks of JPEG (" in why) == (fits == "restore")


def test_too_small_or_flat_to_tell(photos):
    assert faults(photos[0][:31, :31]) == "" and faults(np.full((99, 99, 3), 7, np.uint8)) == ""
