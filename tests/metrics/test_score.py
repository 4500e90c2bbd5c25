"""Scores: JSON and back, refusals, and that only like is compared with like."""

import json
import math
import subprocess
import sys
from types import MappingProxyType

import numpy as np
import pytest

from gankit.errors import DataError, NonFinite
from gankit.metrics.score import Score, difference

PROTOCOL = {"features": {"network": "lenet", "sha256": "ab12"}, "real": 100, "fake": 90}


def score(value=1.0, error=None, protocol=PROTOCOL, better="lower", metric="fid"):
    return Score(metric, value, error, protocol, better)


def test_json_and_back():
    own = {
        "n": np.int64(5),
        "share": np.float32(0.5),
        "exact": True,
        "sizes": (1, 2),
        "shape": np.array([3, 4]),
        "none": None,
        "nested": MappingProxyType({"a": {"b": 1}}),
    }
    a = score(np.float32(2.5), np.float64(0.25), own)
    fields = json.loads(json.dumps(a.as_dict()))
    assert fields == {
        "metric": "fid",
        "value": 2.5,
        "error": 0.25,
        "better": "lower",
        "protocol": {
            "n": 5,
            "share": 0.5,
            "exact": True,
            "sizes": [1, 2],
            "shape": [3, 4],
            "none": None,
            "nested": {"a": {"b": 1}},
        },
    }
    assert Score.from_dict(fields) == a
    assert type(a.value) is float and type(a.error) is float
    assert difference(Score.from_dict(fields), a).value == 0  # a tuple, a list and an array are one and the same
    own["n"] = 6
    fields["protocol"]["nested"]["a"]["b"] = 2
    a.as_dict()["protocol"]["nested"]["a"]["b"] = 3
    assert a.protocol["n"] == 5 and a.protocol["nested"]["a"]["b"] == 1


def test_from_dict_refuses_what_is_no_score():
    good = score().as_dict()
    assert Score.from_dict(good) == score()
    for bad in (
        {**good, "extra": 1},
        {key: value for key, value in good.items() if key != "better"},
        [good],
        {**good, "value": "1"},
        {**good, "value": None},
        {**good, "error": True},
        {**good, "metric": 3},
        {**good, "protocol": []},
        {**good, "better": "more"},
    ):
        with pytest.raises(DataError, match="no score") as caught:
            Score.from_dict(bad)
        assert caught.value.hint


def test_a_score_is_finite_and_its_protocol_is_json():
    for value, error in ((math.nan, None), (math.inf, None), (1.0, math.nan)):
        with pytest.raises(NonFinite, match="fid"):
            score(value, error)
    with pytest.raises(TypeError, match="set"):
        score(protocol={"a": {1, 2}})
    with pytest.raises(ValueError):
        score(protocol={"a": math.nan})
    with pytest.raises(ValueError, match="'up'"):
        score(better="up")


@pytest.mark.parametrize(
    "better, first, second, expected",
    [
        ("lower", 1.0, 3.0, True),
        ("lower", 3.0, 1.0, False),
        ("higher", 1.0, 3.0, False),
        ("higher", 3.0, 1.0, True),
        (None, 3.0, 1.0, None),
        ("lower", 1.0, 1.0, None),
    ],
)
def test_which_is_better(better, first, second, expected):
    found = difference(score(first, better=better), score(second, better=better))
    assert found.value == first - second
    assert found.better is expected


def test_errors_add_in_squares():
    assert difference(score(1, 3.0), score(2, 4.0)).error == 5
    assert difference(score(1, 3.0), score(2)).error is None
    assert difference(score(1), score(2, 4.0)).error is None


def test_what_differs_is_refused_and_named():
    other = {"features": {"network": "lenet", "sha256": "cd34", "resize": "bicubic"}, "real": 100, "fake": 91}
    with pytest.raises(DataError) as caught:
        difference(score(), score(protocol=other))
    hint = caught.value.hint
    assert 'features.sha256: "ab12" and "cd34"' in hint
    assert 'features.resize: nothing and "bicubic"' in hint
    assert "fake: 90 and 91" in hint
    assert "network" not in hint and "real" not in hint
    with pytest.raises(DataError, match="fid cannot be compared with kid"):
        difference(score(), score(metric="kid"))
    with pytest.raises(DataError) as caught:
        difference(score(), score(better="higher"))
    assert "better" in caught.value.hint
    for a, b in (({"a": 1}, {"a": True}), ({"a": None}, {}), ({"a": {}}, {}), ({"a": {"b": 1}}, {"a": 1})):
        with pytest.raises(DataError):
            difference(score(protocol=a), score(protocol=b))


def test_metrics_import_no_tensorflow():
    modules = "score, moments, frechet, kernel, inception, neighbours, wasserstein, copies"
    code = f"import sys; from gankit.metrics import {modules}; from gankit.images.metrics import diversity"
    code += "; print(sorted({'tensorflow', 'keras', 'torch', 'sklearn', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
