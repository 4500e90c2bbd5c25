"""The benchmark of enlarging: its scores are the project's, its speeds the clock's, and no peer is needed."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from gankit.images import imresize
from gankit.images.metrics import super_resolution_scores


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("peers", "upscale_measure", "upscale")]:
        del sys.modules[name]


@pytest.fixture
def sets(tmp_path):
    """A benchmark set of one colour picture, not square, beside a folder of low resolutions that is not to be read."""
    cat = data.chelsea()[:200, :301]
    for name, pixels in (("HR/cat.png", cat), ("LR_x4/cat.png", cat[:50, :75])):
        (tmp_path / "Cats" / name).parent.mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "Cats" / name)
    return tmp_path


def place(tmp_path):
    from peers.method import Place

    return Place(tmp_path / "peers", tmp_path, 1)


def clock(name, seconds, calls, fails_above=10**9):
    """A method that says how long it took."""
    from peers.method import Failed, Method

    def run(low):
        calls.append((name, low.shape[:2]))
        if low.shape[1] > fails_above:
            raise Failed("no memory")
        return np.zeros(1), low.shape[0] * low.shape[1] * seconds

    return Method(name, "test", run)


def test_quality_is_that_of_the_direct_call(sets, tmp_path):
    import peers.bicubic
    import upscale_measure

    photos = upscale_measure.read_set(sets, "Cats")
    matlab, pillow = peers.bicubic.methods(place(tmp_path))
    truth = data.chelsea()[:200, :300]
    expected = super_resolution_scores(truth, imresize(imresize(truth, 50, 75), 200, 300), 4)
    found = upscale_measure.quality(matlab, photos, 60)
    assert 0.1 < found.pop("feature_distance") < 1 and 5 < found.pop("niqe") < 15
    assert found == {**expected, "images": 1}
    damaged = upscale_measure.quality(matlab, photos, 60, "medium")
    assert damaged["psnr_y"] < expected["psnr_y"] - 0.5
    # Pillow's kernel is the same, its rounding and its borders are not.
    assert upscale_measure.quality(pillow, photos, 60)["psnr_y"] == pytest.approx(expected["psnr_y"], abs=0.02)


def test_a_swap_of_colours_would_show(sets, tmp_path):
    """OpenCV's order is turned before and after; either turn alone costs decibels on this orange cat."""
    import upscale_measure
    from peers.bicubic import matlab
    from peers.method import Method, timed
    from peers.opencv import turn

    photos = upscale_measure.read_set(sets, "Cats")
    scores = [
        upscale_measure.quality(Method("", "", timed(matlab, before, after)), photos, 60)["psnr_y"]
        for before, after in ((turn, turn), (turn, None))
    ]
    assert scores[0] - scores[1] > 3


def test_a_slow_method_is_stopped_after_two_pictures(sets):
    import upscale_measure

    cat = upscale_measure.read_set(sets, "Cats")["cat.png"]
    calls = []
    slow = clock("slow", 0.01, calls)
    method = type(slow)("slow", "test", lambda low: (cat, slow.run(low)[1]))
    photos = {str(i): cat for i in range(4)}  # 3,750 pixels of low resolution each: 37.5 s
    found = upscale_measure.quality(method, photos, 149)
    assert found == {"skipped": "it would take about 150 s"} and len(calls) == 2
    assert upscale_measure.quality(method, photos, 151)["images"] == 4


def test_speed_goes_in_turns_and_is_in_output_megapixels(capsys):
    import upscale_measure

    calls, notes = [], []
    methods = [clock("a", 1e-6, calls), clock("b", 2e-6, calls)]
    upscale_measure.speed(methods, [(30, 20), (6, 4)], 3, 60, lambda text, found: notes.append(json.dumps(found)))
    # 16 output pixels in 1 microsecond.
    assert json.loads(notes[-1])["a"]["30x20"] == {
        "median": pytest.approx(16),
        "least": pytest.approx(16),
        "greatest": pytest.approx(16),
        "rounds": pytest.approx([16] * 3),
    }
    assert json.loads(notes[-1])["b"]["6x4"]["median"] == pytest.approx(8)
    warm = [(name, shape) for name in "ab" for shape in ((4, 6), (4, 6), (20, 30))]
    assert calls == warm + [("a", (4, 6)), ("b", (4, 6)), ("a", (20, 30)), ("b", (20, 30))] * 3


def test_speed_does_without_what_is_too_slow_or_fails():
    import upscale_measure

    found = {}
    methods = [clock("slow", 1e-2, []), clock("small", 1e-6, [], fails_above=10)]
    upscale_measure.speed(methods, [(6, 4), (30, 20)], 3, 23, lambda text, rates: found.update(rates))
    assert found["slow"]["6x4"]["median"] == pytest.approx(0.0016)
    assert found["slow"]["30x20"] == {"skipped": "a call would take about 6 s"}  # 24 s with the warming up
    assert found["small"]["30x20"] == {"skipped": "failed: no memory"}


def test_rounding_to_eight_bits():
    from peers.method import eight_bits

    values = np.array([-0.1, 0.0, 0.49 / 255, 0.51 / 255, 254.6 / 255, 1.0, 1.2], np.float32)
    assert eight_bits(values).tolist() == [0, 0, 0, 1, 255, 255, 255]


def test_weights_of_a_tensorflow_js_model_cross_its_files(tmp_path):
    from peers.tfjs import weights

    numbers = np.arange(10, dtype="<f4").tobytes()
    (tmp_path / "1").write_bytes(numbers[:14])  # in the middle of a number
    (tmp_path / "2").write_bytes(numbers[14:])
    specs = [{"name": "k", "shape": [2, 3], "dtype": "float32"}, {"name": "b", "shape": [4], "dtype": "float32"}]
    found = weights(tmp_path, [{"paths": ["1", "2"], "weights": specs}])
    assert found["k"].tolist() == [[0, 1, 2], [3, 4, 5]] and found["b"].tolist() == [6, 7, 8, 9]
    with pytest.raises(ValueError, match="k is not plain"):
        weights(tmp_path, [{"paths": ["1", "2"], "weights": [{**specs[0], "quantization": {"dtype": "uint8"}}]}])


@pytest.mark.parametrize("peer", ["opencv", "upscalerjs", "ncnn"])
def test_what_is_not_installed_is_named_with_the_line_that_gets_it(peer, tmp_path, monkeypatch):
    import importlib

    from peers.method import Missing

    for module in ("cv2", "ncnn"):
        monkeypatch.setitem(sys.modules, module, None)
    found = importlib.import_module(f"peers.{peer}").methods(place(tmp_path))
    assert found and all(isinstance(each, Missing) for each in found)
    assert all("install" in each.how and str(tmp_path / "peers") in each.how for each in found)


def test_the_whole_of_it(sets, tmp_path, monkeypatch, capsys):
    """Bicubic alone, from the command line to the table, the JSON and the picture."""
    import upscale

    monkeypatch.setattr(upscale, "limit", lambda threads: threads)  # of the test's own process
    monkeypatch.setattr(sys, "path", list(sys.path))
    line = f"upscale.py --data {sets} --sets Cats --peers bicubic --rounds 2 --pictures 24x16 --out {tmp_path}/out"
    monkeypatch.setattr(sys, "argv", line.split())
    upscale.main()
    report = json.loads((tmp_path / "out" / "upscale.json").read_text())
    score = report["methods"][0]["quality"]["Cats"]["psnr_y"]
    assert f"{score:.2f} / " in capsys.readouterr().out.splitlines()[1]
    assert [len(method["speed"]["24x16"]["rounds"]) for method in report["methods"]] == [2, 2]
    with Image.open(tmp_path / "out" / "upscale.png") as image:
        assert image.width > 800
