"""A Python function as a source: what it is given, what comes of it, and what is said when it is wrong."""

import time

import numpy as np
import pytest
import tensorflow as tf

from gankit.engine.functions import FunctionSource
from gankit.engine.mixed_precision import precision
from gankit.engine.source_errors import reading
from gankit.engine.stream import batch_of
from gankit.errors import DataError, RecipeError

TABLE = np.random.default_rng(0).normal(size=(60, 2))
FIELDS = {"x": ((2,), "float64"), "row": ((), "int64")}


def look_up(rows):
    return {"row": rows, "x": TABLE[rows]}


def noisy(rows, seed, index):
    noise = [np.random.default_rng([seed, i]).normal(size=2) for i in index]
    return {"row": rows, "x": TABLE[rows] + noise}


def batches(source, first, count, parts=1):
    """As the engine reads them: two at a time in a graph of tf.data."""
    size = 8 // parts

    def batch(number):
        offsets = [tf.constant(i * size, tf.int64) for i in range(parts)]
        made = [batch_of({"photos": source}, number, offset, size, 8, 3) for offset in offsets]
        return {name: tf.concat([part[name] for part in made], 0) for name in made[0]}

    numbers = tf.data.Dataset.range(first, first + count)
    data = numbers.map(tf.autograph.experimental.do_not_convert(batch), num_parallel_calls=2).prefetch(2)
    spec = data.element_spec["x"]
    assert spec.shape.as_list() == [8, 2]
    with reading():
        made = list(data.as_numpy_iterator())
    return {name: np.stack([one[name] for one in made]) for name in made[0]}


def test_it_gives_what_the_function_gives():
    made = batches(FunctionSource(60, look_up, FIELDS), 0, 15)
    assert sorted(made["row"].ravel()) == sorted([*range(60), *range(60)])
    assert made["x"].dtype == "float32"
    np.testing.assert_array_equal(made["x"], TABLE[made["row"]].astype("float32"))
    with precision("float64"):
        np.testing.assert_array_equal(batches(FunctionSource(60, look_up, FIELDS), 0, 15)["x"], TABLE[made["row"]])


def test_noise_of_index_and_seed_is_the_same_wherever_one_begins_and_however_it_is_shared_out():
    source = FunctionSource(60, noisy, FIELDS)
    whole = batches(source, 0, 20)
    for other in (batches(source, 12, 8), batches(source, 12, 8, parts=4)):
        for name in whole:
            np.testing.assert_array_equal(other[name], whole[name][12:])
    noise = whole["x"] - TABLE[whole["row"]]
    assert len(np.unique(noise.round(5))) == noise.size and 0.8 < noise.std() < 1.2  # epochs have noise of their own


def test_outside_of_a_graph_it_is_called_as_it_is():
    source = FunctionSource(60, noisy, FIELDS)
    made = source.gather([5, 7], [0, 1], 3)
    expected = noisy(np.array([5, 7]), 3, [0, 1])["x"].astype("float32")
    np.testing.assert_array_equal(made["x"], expected)
    with pytest.raises(RecipeError, match=r"test_functions.py:\d+ in <?raises.*function of the source: KeyError: 'a'"):
        FunctionSource(60, raises, FIELDS).gather([1], [0], 0)


def test_the_function_is_not_called_twice_at_once():
    inside = []

    def slow(rows):
        inside.append(1)
        assert len(inside) == 1
        time.sleep(0.002)  # lets others run
        inside.pop()
        return look_up(rows)

    assert len(batches(FunctionSource(60, slow, FIELDS), 0, 20)["row"]) == 20


def raises(rows):
    return {"x": {}["a"]}


def says(rows):
    raise DataError("photo.jpg is damaged", "remove it")


@pytest.mark.parametrize(
    ("function", "said", "hint"),
    [
        (raises, r"test_functions.py:\d+ in raises, function of source 'photos': KeyError: 'a'", ""),
        (says, r"^photo.jpg is damaged", "remove it"),
        (lambda rows: None, "function of source 'photos': it returned NoneType", "return {field"),
        (lambda rows: {"x": TABLE[rows]}, r"returned the fields \['x'\], not the declared \['row', 'x'\]", "known: x"),
        (lambda rows: look_up(rows) | {"y": 1}, r"the fields \['row', 'x', 'y'\], not", "known: row, x"),
        (lambda rows: look_up(rows[:3]), "field 'x': 3 rows where 8 were asked", "for each of `rows`"),
        (lambda rows: {"row": rows, "x": 0.5}, r"field 'x' has shape \(\) where \(8, 2\) was declared", "one example"),
        (lambda rows: {"row": rows, "x": TABLE[rows, :1]}, r"has shape \(8, 1\) where \(8, 2\)", "one example"),
        (lambda rows: {"row": rows, "x": TABLE[rows] > 0}, "field 'x' is bool where float64 was declared", ".astype"),
        (lambda rows: {"row": rows / 2, "x": TABLE[rows]}, "field 'row' is float64 where int64 was", ".astype"),
    ],
)
def test_what_a_wrong_function_is_told(function, said, hint):
    with pytest.raises(RecipeError, match=said) as caught:
        batches(FunctionSource(60, function, FIELDS), 0, 1)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "fields", [{}, {"x": "float32"}, {"x": (2, "float32")}, {"x": ((2,), "text")}, {"x": ((), "U5")}, 3]
)
def test_wrong_declarations(fields):
    with pytest.raises(RecipeError, match="field") as caught:
        FunctionSource(60, look_up, fields)
    assert '{"x": ((64, 64, 3), "float32")' in caught.value.hint
    with pytest.raises(RecipeError, match="a source of 0 rows"):
        FunctionSource(0, look_up, FIELDS)


def test_the_fingerprint_follows_what_is_told():
    made = [
        FunctionSource(60, look_up, FIELDS),
        FunctionSource(61, look_up, FIELDS),
        FunctionSource(60, noisy, FIELDS),
        FunctionSource(60, look_up, {"x": ((2,), "float64")}),
        FunctionSource(60, look_up, FIELDS, fingerprint="photos of May"),
    ]
    assert len({source.fingerprint for source in made}) == 5
    assert FunctionSource(60, look_up, dict(reversed(FIELDS.items()))).fingerprint == made[0].fingerprint
