"""A look at somebody's own images."""

import numpy as np
from PIL import Image

from gankit.images import list_images, survey_images
from gankit.images.survey import MOST_LINES


def test_sizes_and_what_is_wrong(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    Image.new("L", (10, 40)).save(tmp_path / "b.png")
    turned = Image.fromarray(np.zeros((8, 50, 3), np.uint8))
    exif = turned.getexif()
    exif[0x0112] = 6  # by a quarter
    turned.save(tmp_path / "c.jpg", exif=exif)
    (tmp_path / "d.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    found = survey_images(list_images(tmp_path))
    assert found.sizes == {tmp_path / "a.png": (20, 30), tmp_path / "b.png": (40, 10), tmp_path / "c.jpg": (50, 8)}
    facts = found.facts()
    assert facts["ok"] is False and facts["images"] == 3 and facts["smallest_side"] == 8
    assert facts["decoded_bytes"] == 3 * (600 + 400 + 400)
    assert facts["problems"][0]["path"] == str(tmp_path / "d.png")
    text = found.text()
    assert f"smallest side  8 pixels: {tmp_path / 'c.jpg'}" in text and "images         3" in text
    assert text.startswith(f"{tmp_path / 'd.png'}: ")


def test_a_long_list_is_cut_for_people_and_not_for_programs(tmp_path):
    for i in range(MOST_LINES + 5):
        (tmp_path / f"{i:02d}.png").write_text("no picture")
    found = survey_images(list_images(tmp_path))
    assert len(found.facts()["problems"]) == MOST_LINES + 5 and found.facts()["smallest_side"] is None
    assert "and 5 more; --json lists them all" in found.text() and len(found.text().splitlines()) == MOST_LINES + 2
