"""Streams are permutations with random access, and noise is what its name says: tested with numbers, not shapes."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from gankit.engine import random
from gankit.engine.arrays import ArraySource
from gankit.engine.mixed_precision import precision
from gankit.engine.source_errors import reading
from gankit.engine.stream import batch_of, check_sources
from gankit.errors import DataError, RecipeError


def source(n):
    return ArraySource(row=np.arange(n))


def rows(n, seed, batch_size, numbers, sources=None, parts=1):
    """`[batches, batch_size]` the fields of some batches, each made in `parts` parts."""
    sources = sources or {"a": source(n)}
    count = batch_size // parts

    @tf.function(autograph=False)
    def batch(number):
        offsets = [tf.constant(i * count, tf.int64) for i in range(parts)]
        made = [batch_of(sources, number, offset, count, batch_size, seed) for offset in offsets]
        return {name: tf.concat([part[name] for part in made], 0) for name in made[0]}

    made = [batch(tf.constant(number, tf.int64)) for number in numbers]
    return {name: np.stack([one[name].numpy() for one in made]) for name in made[0]}


# --- order -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n, batch_size", [(1, 2), (2, 1), (7, 4), (60, 5), (1000, 64)])
def test_an_epoch_visits_each_row_once(n, batch_size):
    epochs = 4
    batches = rows(n, 3, batch_size, range(-(-n * epochs // batch_size)))
    index, row = batches["index"].ravel(), batches["row"].ravel()
    np.testing.assert_array_equal(index, np.arange(len(index)))  # no example is left out between batches or epochs
    for order in row[: n * epochs].reshape(epochs, n):
        np.testing.assert_array_equal(np.sort(order), np.arange(n))


def correlation(x, y):
    """In standard errors of unrelated orders."""
    return abs(np.corrcoef(np.ravel(x), np.ravel(y))[0, 1]) * np.size(x) ** 0.5


@pytest.mark.parametrize("n", [60, 1000, 4096])
def test_another_epoch_has_another_order(n):
    orders = rows(n, 3, n, range(60))["row"]
    scores = [correlation(orders[i], orders[j]) for i in range(60) for j in range(i)]
    assert max(scores) < 5 and 0.7 < np.mean(scores) < 0.9  # |normal| has the mean .80
    own = [correlation(order, np.arange(n)) for order in orders]  # nor is any epoch nearly sorted
    assert max(own) < 5 and 0.5 < np.mean(own) < 1.1
    fixed = [(orders[i] == orders[j]).sum() for i in range(60) for j in range(i)]
    assert max(fixed) <= 10 and 0.8 < np.mean(fixed) < 1.2


def test_orders_do_not_return():
    """A block cipher of few bits has few keys: 300 epochs must not use one twice, nor seeds that differ by 256."""
    orders = rows(50, 3, 50, range(600))["row"]
    assert len({order.tobytes() for order in orders}) == 600
    assert (rows(50, 3 + 256, 50, range(9))["row"] != orders[:9]).any(axis=1).all()


def test_another_seed_and_another_source_have_other_orders():
    two = {"a": ArraySource(a=np.arange(1000)), "b": ArraySource(b=np.arange(1000))}
    one = rows(1000, 0, 100, range(10), two)
    other = rows(1000, 1, 100, range(10), two)
    for x, y in ((one["a"], other["a"]), (one["a"], one["b"]), (other["a"], other["b"]), (one["a"], other["b"])):
        assert correlation(x, y) < 4 and (x == y).sum() < 10
    np.testing.assert_array_equal(one["a"], rows(1000, 0, 100, range(10), two)["a"])


def test_the_shuffle_is_fair():
    """Over 400 epochs of 10 rows, each row stands at each place about equally often."""
    orders = rows(10, 5, 10, range(400))["row"]
    table = np.array([[(orders[:, place] == row).sum() for row in range(10)] for place in range(10)])
    assert stats.chisquare(table.ravel()).pvalue > 1e-4
    # and neighbours are not kept together
    pairs = np.zeros((10, 10))
    np.add.at(pairs, (orders[:, :-1].ravel(), orders[:, 1:].ravel()), 1)
    assert stats.chisquare(pairs[~np.eye(10, dtype=bool)]).pvalue > 1e-4


def test_random_access_is_the_sequence():
    numbers = list(range(40))
    forward = rows(123, 7, 16, numbers)
    jumps = np.random.default_rng(0).permutation(40)
    backward = rows(123, 7, 16, jumps)
    for name in forward:
        np.testing.assert_array_equal(backward[name], forward[name][jumps])


@pytest.mark.parametrize("parts", [2, 4])
def test_the_parts_of_replicas_make_the_batch(parts):
    sources = {"a": ArraySource(a=np.arange(50)), "b": ArraySource(b=np.arange(7))}
    whole = rows(0, 7, 16, range(9), sources)
    split = rows(0, 7, 16, range(9), sources, parts)
    assert set(whole) == {"index", "a", "b"}
    for name in whole:
        np.testing.assert_array_equal(split[name], whole[name])


def test_sources_of_different_lengths_turn_over_by_themselves():
    batches = rows(0, 7, 10, range(14), {"a": ArraySource(a=np.arange(70)), "b": ArraySource(b=np.arange(20))})
    np.testing.assert_array_equal(np.bincount(batches["a"].ravel()), np.full(70, 2))
    np.testing.assert_array_equal(np.bincount(batches["b"].ravel()), np.full(20, 7))


def test_far_into_a_run():
    """Beyond 2^32 examples indices neither wrap nor repeat."""
    number = 2**33 // 16
    batches = rows(1000, 7, 16, [number, number + 1])
    assert batches["index"][0, 0] == 2**33 and batches["index"][1, -1] == 2**33 + 31
    assert len(set(batches["row"].ravel())) >= 31  # at most an epoch's border in between
    assert (batches["row"] != rows(1000, 7, 16, [0, 1])["row"]).any()


def test_fields_of_one_row_stay_together():
    made = rows(0, 1, 8, range(30), {"a": ArraySource(x=np.arange(90), y=np.arange(90)[:, None] * [2.0, 3.0])})
    np.testing.assert_array_equal(made["y"], made["x"][..., None] * [2, 3])


@pytest.mark.parametrize("fields", [("x", "x"), ("x", "index")])
def test_a_clash_of_fields_is_a_recipe_error(fields):
    sources = {f"s{i}": ArraySource(**{field: np.arange(5)}) for i, field in enumerate(fields)}
    with pytest.raises(RecipeError, match=f"'{fields[1]}' of source 's1'"):
        rows(0, 0, 4, [0], sources)


class Wrong:
    """A source of 5 rows whose gather is a function of the rows alone."""

    n = 5

    def __init__(self, made):
        self.made = made

    def gather(self, rows, index, seed):
        return self.made(rows)


TABLE = np.arange(10.0).reshape(5, 2)


@pytest.mark.parametrize(
    ("made", "said", "hint"),
    [
        (lambda rows: {"x": rows[:3]}, "field 'x' of source 's': 3 rows where 4 were asked", "for each of `rows`"),
        (
            lambda rows: {"x": tf.boolean_mask(rows, rows < 0)},
            "field 'x' of source 's': 0 rows where 4",
            "each of `rows`",
        ),
        (lambda rows: {"x": 1.0}, "field 'x' of source 's': one value where 4 were asked", "for each of `rows`"),
        (lambda rows: (rows, rows), "source 's': gather returned tuple", "return {name of a field: "),
        (lambda rows: None, "source 's': gather returned NoneType", "return {name of a field: "),
        (lambda rows: {}, r"source 's': gather returned the fields \[\]", "return {name of a field: "),
        (lambda rows: {0: rows}, r"source 's': gather returned the fields \[0\]", "return {name of a field: "),
        (lambda rows: {"x": object()}, "field 'x' of source 's' is no tensor but object", "one array or tensor"),
        (lambda rows: {"x": [[1, 2], [3]]}, "field 'x' of source 's' is no tensor but list", "one array or tensor"),
        (lambda rows: {"x": TABLE[rows.numpy()]}, "source 's': AttributeError: .* 'numpy'", "tf.gather"),
        (lambda rows: {"x": TABLE[rows]}, "source 's': NotImplementedError: Cannot convert", "TensorFlow's functions"),
        (lambda rows: {"x": TABLE["a"]}, "source 's': IndexError", ""),
        (
            lambda rows: {"x": tf.numpy_function(lambda rows: rows, [rows], tf.int64)},
            "field 'x' of source 's' has an unknown shape",
            "FunctionSource",
        ),
    ],
)
def test_a_wrong_gather_is_named_with_its_place_and_a_hint(made, said, hint):
    with pytest.raises(RecipeError, match=said) as caught, reading():
        rows(0, 0, 4, [0], {"s": Wrong(made)})
    assert hint in caught.value.hint
    assert "test_stream.py:" in caught.value.message or "0 rows" in caught.value.message  # found when it ran


def test_what_gather_may_return():
    """NumPy's own floats, lists, and tensors whose length is known only when the graph runs."""
    made = {
        "f": lambda rows: tf.gather(TABLE, rows),
        "l": lambda rows: [1, 2, 3, 4],
        "d": lambda rows: tf.boolean_mask(rows, rows < 9),
    }
    batch = rows(0, 0, 4, [0], {"s": Wrong(lambda rows: {name: make(rows) for name, make in made.items()})})
    assert batch["f"].dtype == "float32" and batch["l"].tolist() == [[1, 2, 3, 4]]
    np.testing.assert_array_equal(batch["f"][..., 0], 2 * batch["d"])


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({}, "stage 'main' has no training examples: there is no source"),
        ({"points": type("S", (Wrong,), {"n": 0})(None)}, "n of source 'points' is 0"),
        ({"a": source(3), "points": type("S", (Wrong,), {"n": None})(None)}, "n of source 'points' is None"),
    ],
)
def test_nothing_to_train_on(sources, said):
    with pytest.raises(DataError, match=said) as caught:
        check_sources(sources, "main")
    assert caught.value.hint


def test_lengths_of_any_integer_type():
    check_sources({"a": source(np.int64(5)), "b": type("S", (Wrong,), {"n": np.int64(5)})(None)}, "main")


# --- arrays ----------------------------------------------------------------------------------------------------------


def test_arrays_of_wrong_lengths():
    for fields in ({}, {"a": np.zeros(0)}, {"a": np.zeros(3), "b": np.zeros(4)}):
        with pytest.raises(DataError, match="arrays of one length"):
            ArraySource(**fields)


def test_the_fingerprint_sees_names_types_shapes_and_values():
    a = np.arange(6)
    prints = [
        ArraySource(a=a).fingerprint,
        ArraySource(b=a).fingerprint,
        ArraySource(a=a.astype("int32")).fingerprint,
        ArraySource(a=a.reshape(6, 1)).fingerprint,
        ArraySource(a=a + (a == 5)).fingerprint,
        ArraySource(a=a, b=a).fingerprint,
    ]
    assert len(set(prints)) == len(prints)
    assert ArraySource(b=a, a=a).fingerprint == ArraySource(a=a, b=a).fingerprint
    assert ArraySource(a=np.arange(12)[::2] // 2).fingerprint == prints[0]


VIEWS = {
    "whole": lambda x: x,
    "tail": lambda x: x[7:],
    "every third": lambda x: x[3:40:3],
    "backwards": lambda x: x[::-1],
    "of a view": lambda x: x[10:][5:9],
    "no whole rows": lambda x: x[:, :2],
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "bool", ">f4"])
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_mapped_array_gives_what_memory_gives(tmp_path, dtype, view):
    array = (np.random.default_rng(0).normal(size=(50, 3, 5)) * 50).astype(dtype)
    np.save(tmp_path / "x.npy", array)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    one, other = ArraySource(x=view(array)), ArraySource(x=view(mapped))
    assert isinstance(other.fields["x"], np.memmap) and one.fingerprint == other.fingerprint
    at = np.array([0, one.n - 1, 1, 2])
    (a,), (b,) = one.gather(at, at, 0).values(), other.gather(at, at, 0).values()
    assert a.dtype == b.dtype
    np.testing.assert_array_equal(a, b)
    assert ((tmp_path / "x.npy").read_bytes())[128:] == array.tobytes()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells what a process holds")
def test_a_mapped_array_stays_in_its_file(tmp_path):
    """200 MB: what a few batches touch is read, and nothing is copied."""
    path = tmp_path / "x.npy"
    np.lib.format.open_memmap(path, "w+", "uint8", (2000, 100_000)).flush()

    def held():
        text = Path("/proc/self/status").read_text()
        return sum(int(line.split()[1]) / 1e3 for line in text.splitlines() if line.startswith(("RssAnon", "RssFile")))

    made = ArraySource(x=np.load(path, mmap_mode="r"))
    made.gather([0], [0], 0)
    before = held()
    for row in range(0, 100, 5):
        made.gather([row], [row], 0)
    assert held() - before < 30
    del made
    path.unlink()
    with pytest.raises(DataError, match="the file of field 'x' is gone") as caught:
        made = np.lib.format.open_memmap(path, "w+", "uint8", (4, 5))
        path.unlink()
        ArraySource(x=made).gather([0], [0], 0)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_floats_come_in_the_run_s_precision(name):
    with precision(name):
        made = ArraySource(f=np.array([0.1, 0.2]), i=np.array([1, 2], "uint8")).gather([1], [0], 0)
        assert made["f"].dtype == name and made["i"].dtype == "uint8"
        assert made["f"].numpy()[0] == np.array(0.2, name)
    assert keras.config.floatx() == "float32"


# --- noise -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def draws():
    """5e5 draws of each kind, as a stream of 5,000 examples of 100 values."""
    index = tf.range(5000, dtype=tf.int64)
    return {kind.__name__: kind(index, 11, "z", (100,), "float64").numpy() for kind in (random.normal, random.uniform)}


def test_normal_noise_is_normal(draws):
    x = draws["normal"].ravel()
    n = len(x)
    # four standard errors of each moment
    assert abs(x.mean()) < 4 / n**0.5
    assert abs(x.var() - 1) < 4 * (2 / n) ** 0.5
    assert abs(stats.skew(x)) < 4 * (6 / n) ** 0.5
    assert abs(stats.kurtosis(x)) < 4 * (24 / n) ** 0.5
    assert stats.kstest(x, "norm").pvalue > 1e-3
    assert 4.2 < np.abs(x).max() < 5.78
    for part in (x.reshape(-1, 100)[:, :50], x.reshape(-1, 100)[:, 50:]):  # the cosines and the sines
        assert stats.kstest(part.ravel(), "norm").pvalue > 1e-3


def test_uniform_noise_is_uniform(draws):
    u = draws["uniform"].ravel()
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    assert u.min() >= 0 and u.max() < 1
    assert abs(u.mean() - 0.5) < 4 * (1 / 12 / len(u)) ** 0.5
    for bit in range(1, 9):  # each leading bit is a fair coin
        ones = (np.floor(u * 2**bit) % 2).mean()
        assert abs(ones - 0.5) < 4 * 0.5 / len(u) ** 0.5
    counts = np.bincount((u * 1000).astype(int), minlength=1000)
    assert stats.chisquare(counts).pvalue > 1e-4


def test_values_of_one_example_and_of_neighbours_are_independent(draws):
    x = draws["normal"]
    limit = 5 / len(x) ** 0.5
    within = np.corrcoef(x.T) - np.eye(100)
    assert np.abs(within).max() < limit  # of 4950 pairs
    assert within.std() < 1.1 / len(x) ** 0.5
    for lag in (1, 2, 16, 256):
        assert abs(np.corrcoef(x[:-lag].ravel(), x[lag:].ravel())[0, 1]) < 4 / (len(x) * 100) ** 0.5
    # magnitudes too: Box and Muller's pairs share a radius
    squares = np.corrcoef((x**2).T) - np.eye(100)
    assert np.abs(squares).max() < limit * 1.2


OTHER = {"seed": {"seed": 12}, "name": {"name": "y"}, "near name": {"name": "z "}, "next": {"start": 5000}}


@pytest.mark.parametrize("other", [*OTHER.values(), {"start": 2**32}], ids=[*OTHER, "far"])
def test_other_keys_give_independent_noise(draws, other):
    index = tf.range(5000, dtype=tf.int64) + other.get("start", 0)
    y = random.normal(index, other.get("seed", 11), other.get("name", "z"), (100,), "float64").numpy()
    x = draws["normal"]
    assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 4 / x.size**0.5
    assert not np.isin(y[:50], x).all(axis=1).any()
    assert stats.kstest(y.ravel(), "norm").pvalue > 1e-3


def test_many_seeds_and_names_give_many_streams():
    index = tf.range(2, dtype=tf.int64)
    seeds = [*range(20), 256, 65536, 2**31 - 1]
    streams = [random.bits(index, seed, name, 2).numpy().tobytes() for seed in seeds for name in "abcde"]
    assert len(set(streams)) == 5 * len(seeds)


def test_the_same_value_whichever_batch():
    index = tf.range(64, dtype=tf.int64)
    whole = random.normal(index, 3, "z", (2, 3)).numpy()
    pick = [5, 63, 0, 5]
    np.testing.assert_array_equal(
        random.bits(tf.gather(index, pick), 3, "z", 6), random.bits(index, 3, "z", 6).numpy()[pick]
    )
    # The logarithm of a value may differ in the last bit: vectors and their remainders are computed by other code.
    close = {"rtol": 3e-7, "atol": 1e-7}
    np.testing.assert_allclose(random.normal(tf.gather(index, pick), 3, "z", (2, 3)).numpy(), whole[pick], **close)
    graph = tf.function(lambda i: random.normal(i, 3, "z", (2, 3)), autograph=False)
    np.testing.assert_allclose(graph(index[10:20]), whole[10:20], **close)
    assert random.normal(index, 3, "z").shape == (64,) and random.normal(index, 3, "z", (3,)).shape == (64, 3)


@pytest.mark.parametrize("kind", [random.normal, random.uniform])
def test_both_precisions_draw_the_same_noise(kind):
    index = tf.range(1000, dtype=tf.int64)
    with precision("float64"):
        wide = kind(index, 3, "z", (10,))
    narrow = kind(index, 3, "z", (10,))
    assert wide.dtype == "float64" and narrow.dtype == "float32"
    np.testing.assert_allclose(narrow.numpy(), wide.numpy(), atol=4e-6)
    assert np.isfinite(narrow.numpy()).all()


def test_indices_beyond_32_bits_are_other_ones():
    index = tf.constant([1, 1 + 2**32, 1 + 2**33, 2**62], tf.int64)
    made = random.uniform(index, 3, "z", (4,)).numpy()
    assert len({row.tobytes() for row in made}) == 4
    high = random.normal(tf.range(5000, dtype=tf.int64) + 2**40, 3, "z", (20,), "float64").numpy()
    assert stats.kstest(high.ravel(), "norm").pvalue > 1e-3
