"""The one page: what is escaped, and what a browser may do with it."""

import base64
import hashlib
import io
import re

import jinja2
import numpy as np
import pytest
from pages import HOSTILE, Page
from PIL import Image

from gankit.report import Album, data_uri, document


def policy(page):
    (found,) = [value for _, name, value in Page(page).attributes if name == "content" and "default-src" in value]
    return dict(part.split(" ", 1) for part in found.split("; "))


def digest(code):
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


def test_the_policy_names_the_style_and_the_script_of_the_page_and_nothing_else():
    page = document("A", "<h1>A</h1>", style="h1{color:red}", script='const a = "<b>" && 1;')
    style, script = (re.search(f"<{tag}>(.*?)</{tag}>", page, re.S)[1] for tag in ("style", "script"))
    assert style.endswith("h1{color:red}") and "prefers-color-scheme:dark" in style
    assert script == 'const a = "<b>" && 1;'
    assert policy(page) == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": digest(style),
        "script-src": digest(script),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    plain = document("A", "<h1>A</h1>")
    assert "script-src" not in policy(plain) and "script" not in Page(plain).tags


def test_values_are_escaped_and_may_not_be_missing():
    page = document(HOSTILE, '<p title="{{ x }}">{{ x }}</p>', x=HOSTILE)
    assert "<img" not in page and page.count("&lt;img src=x") == 3
    assert ("p", "title", HOSTILE) in Page(page).attributes
    with pytest.raises(jinja2.UndefinedError, match="y"):
        document("A", "{{ y }}")
    for wrong in ({"style": "</style><script>"}, {"script": "</script>"}):
        with pytest.raises(ValueError, match="cannot hold"):
            document("A", "", **wrong)


def test_a_picture_is_stored_in_the_smaller_way_or_sharp_within_a_limit():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), "uint8"))
    flat = Image.new("RGB", (60, 60), "red")
    assert data_uri(noise).startswith("data:image/jpeg") and data_uri(flat).startswith("data:image/png")
    sharp = data_uri(noise, limit=20_000)
    assert sharp.startswith("data:image/png")
    read = Image.open(io.BytesIO(base64.b64decode(sharp.split(",")[1])))
    np.testing.assert_array_equal(np.asarray(read), np.asarray(noise))
    out = io.BytesIO()
    noise.save(out, "WEBP")
    assert data_uri(out.getvalue()) == f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"


def test_an_album_counts_what_has_no_room():
    picture = Image.new("L", (300, 300), 7)
    size = len(data_uri(picture))
    album = Album(2 * size)
    shown = [album.image(picture, HOSTILE) for _ in range(3)]
    assert [bool(image) for image in shown] == [True, True, False] and album.left_out == 1 and album.room == 0
    assert ("img", "alt", HOSTILE) in Page(shown[0]).attributes and ("img", "width", "300") in Page(shown[0]).attributes
    assert 'width="100" height="50"' in Album(10**6).image(Image.new("RGB", (300, 150)), "x", side=100)
