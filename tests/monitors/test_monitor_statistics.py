"""What the monitors look at: statistics against loops and closed forms."""

import json
import math
import statistics as plain

import numpy as np
import pytest

from gankit.metrics.neighbours import expected_coverage
from gankit.monitors import Reference, watch_statistics
from gankit.monitors.statistics import reduced

# -- statistics ----------------------------------------------------------------------------------------------------


def draw(rng, n, width=4):
    return rng.normal(size=(n, width))


def test_judgements_equal_a_loop():
    rng = np.random.default_rng(0)
    real, fake = np.round(rng.normal(1, 1, (30, 3, 2))), np.round(rng.normal(0, 1, (20, 3, 2)))  # so that some tie
    found = watch_statistics(real_outputs=real, fake_outputs=fake, probabilities=True)
    a, b = ([float(x.mean()) for x in outputs] for outputs in (real, fake))
    wins = sum((x > y) + 0.5 * (x == y) for x in a for y in b)
    assert any(x == y for x in a for y in b)
    assert found == pytest.approx(
        {
            "auc": wins / 600,
            "d_real": sum(a) / 30,
            "d_fake": sum(b) / 20,
            "p_real": (1 / (1 + np.exp(-real))).mean(),
            "p_fake": (1 / (1 + np.exp(-fake))).mean(),
        }
    )


@pytest.mark.parametrize(("real", "fake", "auc"), [(1, 0, 1.0), (0, 1, 0.0), (1, 1, 0.5)])
def test_auc_at_its_ends(real, fake, auc):
    found = watch_statistics(real_outputs=np.full((5, 1), real), fake_outputs=np.full((3, 1), fake))
    assert found == {"auc": auc, "d_real": real, "d_fake": fake}


def test_auc_of_two_gaussians():
    """P(X + shift > Y) is the normal distribution function of shift / sqrt(2)."""
    rng = np.random.default_rng(0)
    found = watch_statistics(real_outputs=rng.normal(1, 1, 4000), fake_outputs=rng.normal(0, 1, 4000))
    assert found["auc"] == pytest.approx(plain.NormalDist().cdf(1 / math.sqrt(2)), abs=0.02)


def test_probabilities_do_not_overflow():
    outputs = np.array([-1e4, 1e4, 0, 0], np.float32)
    assert watch_statistics(real_outputs=outputs, probabilities=True) == {"d_real": 0.0, "p_real": 0.5}


@pytest.mark.parametrize("seed", range(4))
def test_comparison_equals_a_loop(seed):
    rng = np.random.default_rng(seed)
    # Whole numbers, so that distances tie; the fourth to sixth real examples are twins of the first three. The real
    # ones are even, so that one is half of their least distance.
    real, fake = 2 * np.round(draw(rng, 40)), np.round(draw(rng, 25)) + 1
    real[3:6], fake[3:9] = real[:3], fake[0]
    found = watch_statistics(generated=fake.reshape(25, 2, 2), examples=real.reshape(40, 2, 2))

    def others(x, i):
        return sorted(math.dist(x[i], y) for j, y in enumerate(x) if j != i)

    def mean(x):
        return sum(sum(others(x, i)) for i in range(len(x))) / (len(x) * (len(x) - 1))

    assert found["diversity"] == pytest.approx(mean(fake) / mean(real))
    few = real[:25]  # as many as there are samples
    distances = [others(few, i)[0] for i in range(25)]
    repeated = sum(d == 0 for d in distances) / 25
    threshold = min(d for d in distances if d > 0) / 2 + 1e-6
    near = sum(others(fake, i)[0] <= threshold for i in range(25)) / 25
    assert 0.2 < repeated < near < 1
    assert found["duplicates"] == pytest.approx((near - repeated) / (1 - repeated))
    covered = [any(math.dist(real[i], y) <= others(real, i)[4] + 1e-6 for y in fake) for i in range(40)]
    assert found["coverage"] == pytest.approx(sum(covered) / 40 / expected_coverage(40, 25, 5))
    assert 0.2 < sum(covered) / 40 < 0.9
    assert set(found) == {"diversity", "duplicates", "coverage"}


def test_a_perfect_generator():
    rng = np.random.default_rng(0)
    values = [watch_statistics(generated=draw(rng, 256), examples=draw(rng, 256)) for _ in range(40)]
    mean = {name: np.mean([found[name] for found in values]) for name in values[0]}
    assert mean["diversity"] == pytest.approx(1, abs=0.02)
    assert mean["coverage"] == pytest.approx(1, abs=0.02)
    assert mean["duplicates"] < 0.002  # a sixteenth of a hundredth, in four dimensions


@pytest.mark.parametrize(
    ("make", "diversity", "duplicates", "coverage"),
    [
        (lambda x, rng: np.repeat(x[:1], 256, 0), 0, 1, 0),  # one point
        (lambda x, rng: x[:8].repeat(32, 0) + rng.normal(0, 1e-4, (256, 4)), 0.8, 1, 0.16),  # eight
        (lambda x, rng: x / 30, 0, 1, 0.1),  # all of them near the mean
        (lambda x, rng: x + 100, 1, 0, 0),  # elsewhere
    ],
)
def test_broken_generators(make, diversity, duplicates, coverage):
    rng = np.random.default_rng(1)
    found = watch_statistics(generated=make(draw(rng, 256), rng), examples=draw(rng, 256))
    assert found["diversity"] == pytest.approx(diversity, abs=0.15)
    assert found["duplicates"] == pytest.approx(duplicates, abs=0.1)
    assert found["coverage"] == pytest.approx(coverage, abs=0.1)


def test_more_samples_do_not_count_as_duplicates():
    rng = np.random.default_rng(0)
    found = [watch_statistics(generated=draw(rng, 1000, 1), examples=draw(rng, 100, 1)) for _ in range(20)]
    # On a line, half the distance has half the share; among all samples, ten times that.
    assert 0.002 < np.mean([one["duplicates"] for one in found]) < 0.02
    assert np.mean([one["coverage"] for one in found]) == pytest.approx(1, abs=0.02)


def test_modes_are_counted_by_coverage():
    rng = np.random.default_rng(0)
    centres = 10 * np.eye(8)

    def points(modes):
        return centres[rng.integers(0, modes, 256)] + rng.normal(size=(256, 8))

    for modes in (2, 4, 6):
        # Less than modes / 8 of the balls would be met by as many samples: those modes have more of them.
        found = watch_statistics(generated=points(modes), examples=points(8))
        assert found["coverage"] == pytest.approx(modes / 8, abs=0.08)


def test_what_is_missing_or_not_finite_is_passed_over():
    rng = np.random.default_rng(0)
    x, bad, reference = draw(rng, 50), np.full((50, 4), np.nan), Reference([draw(rng, 100)])
    assert watch_statistics() == {}
    assert watch_statistics(reference=reference) == {}
    assert set(watch_statistics(real_outputs=x)) == {"d_real"}
    assert set(watch_statistics(fake_outputs=x, real_outputs=np.full((3, 1), np.inf), probabilities=True)) == {
        "d_fake",
        "p_fake",
    }
    assert watch_statistics(generated=bad, examples=x, reference=reference) == {}
    assert set(watch_statistics(generated=x, examples=bad, reference=reference)) == {"copied"}
    assert watch_statistics(generated=x[:0], examples=x) == {}
    assert set(watch_statistics(generated=x[:1], examples=x)) == {"coverage"}
    assert set(watch_statistics(generated=x, examples=x[:5])) == {"diversity"}
    assert set(watch_statistics(generated=x[:9], examples=x[:6])) == {"diversity", "coverage"}
    assert set(watch_statistics(generated=x[:10], examples=x[:10])) == {"diversity", "coverage", "duplicates"}
    assert set(watch_statistics(generated=x, examples=np.ones((50, 4)))) == {"coverage"}  # all alike: no scale


def test_sizes_must_agree():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="differ in size: 4 and 3 values"):
        watch_statistics(generated=draw(rng, 20), examples=draw(rng, 20, 3))
    with pytest.raises(ValueError, match="differ in size: 4 and 3 values"):
        watch_statistics(generated=draw(rng, 20), reference=Reference([draw(rng, 20, 3)]))


def test_no_more_than_some_are_compared():
    rng = np.random.default_rng(0)
    fake, real = draw(rng, 1100), draw(rng, 1100)
    assert watch_statistics(generated=fake, examples=real) == watch_statistics(
        generated=fake[:1024], examples=real[:1024]
    )


def test_statistics_survive_a_record():
    rng = np.random.default_rng(0)
    x = draw(rng, 20).astype(np.float32)
    found = watch_statistics(
        real_outputs=x, fake_outputs=x, probabilities=True, generated=x, examples=x, reference=Reference([x, x + 5])
    )
    assert len(found) == 9 and all(type(value) is float for value in found.values())
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float64", "bool"])
def test_dtypes(dtype):
    rng = np.random.default_rng(0)
    fake, real = ((rng.random((30, 5, 5, 30)) * 3 // 1.5).astype(dtype) for _ in range(2))
    found = watch_statistics(generated=fake, examples=real, reference=Reference([real]))
    assert found == watch_statistics(
        generated=fake.astype("float32"), examples=real.astype("float32"), reference=Reference([real.astype("float32")])
    )
    assert found["diversity"] == pytest.approx(1, abs=0.05)


# -- reduction -----------------------------------------------------------------------------------------------------


def test_short_examples_are_kept():
    x = np.random.default_rng(0).normal(size=(7, 8, 8, 8))
    assert np.array_equal(reduced(x), x.reshape(7, 512).astype("float32"))
    assert np.array_equal(reduced(x[:, 0]), x[:, 0].reshape(7, 64)) and reduced(x[:, 0]).dtype == np.float64


@pytest.mark.parametrize("width", [513, 784, 1500])
def test_reduction_sums_groups_with_signs(width):
    """Each value goes into one sum, with sign; no group takes more than its part."""
    matrix = reduced(np.eye(width))
    assert matrix.shape == (width, 256)
    assert (np.abs(matrix).sum(axis=1) == 1).all() and set(np.unique(matrix)) == {-1, 0, 1}
    assert np.abs(matrix).sum(axis=0).max() <= math.ceil(width / 256)
    assert abs(matrix.sum()) < 4 * math.sqrt(width)
    x = np.random.default_rng(0).normal(size=(5, width))
    assert reduced(x) == pytest.approx(x @ matrix, abs=1e-5)
    many = np.tile(x.astype("float32"), (600, 1))  # too many for one piece
    assert np.array_equal(reduced(many), np.tile(reduced(x.astype("float32")), (600, 1)))


def test_reduction_keeps_distances():
    rng = np.random.default_rng(0)
    x, y = np.cumsum(rng.normal(size=(2, 400, 3072)), axis=2)  # smooth, as images are
    ratio = np.linalg.norm(reduced(x) - reduced(y), axis=1) / np.linalg.norm(x - y, axis=1)
    assert ratio.mean() == pytest.approx(1, abs=0.03)
    assert ratio.std() < 0.06  # sqrt(2 / 256) / 2 = 0.044 for a random projection


# -- copies --------------------------------------------------------------------------------------------------------


def test_copied_equals_a_loop():
    rng = np.random.default_rng(0)
    train, fake = draw(rng, 150, 3), draw(rng, 60, 3)
    fake[:20] = train[:20] + rng.normal(0, 0.05, (20, 3))

    def ratio(x, rows):
        first, second = sorted(math.dist(x, y) for y in rows)[:2]
        return first / second

    own = sorted(ratio(x, np.delete(train, i, 0)) for i, x in enumerate(train))
    threshold = own[1]  # 1 % of 150 are 1.5, and that rounds to the second
    expected = sum(ratio(x, train) <= threshold for x in fake) / 60
    assert 0.1 < expected < 0.9
    assert Reference([train[:100], train[100:]]).copied(fake) == pytest.approx(expected)


@pytest.mark.parametrize("width", [2, 20, 300, 800])
def test_copies_are_told_from_fresh_samples(width):
    rng = np.random.default_rng(0)
    train = draw(rng, 600, width).astype("float32")
    reference = Reference([train])
    fresh = np.mean([reference.copied(draw(rng, 256, width)) for _ in range(10)])
    assert 0.002 < fresh < 0.025
    assert reference.copied(train[:256]) == 1
    assert reference.copied(train[:256] + rng.normal(0, 1e-4, (256, width))) > 0.95
    half = np.concatenate([train[:128], draw(rng, 128, width)])
    assert reference.copied(half) == pytest.approx(0.5, abs=0.03)
    assert reference.copied(train[:256] * 0 + 50) < 0.02  # far from everything


def test_samples_without_the_noise_of_the_data_are_no_copies():
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(5, 100))

    def samples(n, noise):
        return rng.normal(size=(n, 5)) @ mix + rng.normal(0, noise, (n, 100))

    train = samples(2000, 1.5)
    reference = Reference([train])
    nearest = [np.sort(np.linalg.norm(train - x, axis=1))[:2] for x in train[:200]]
    clean = samples(200, 0)
    distances = [np.linalg.norm(train - x, axis=1).min() for x in clean]
    # Nearly all of them are nearer to the training data than almost any real example is ...
    assert np.mean(distances <= np.quantile([second for _, second in nearest], 0.01)) > 0.9
    assert reference.copied(clean) < 0.1  # ... but to no single one of them.


def test_repeated_examples_do_not_hide_copies():
    rng = np.random.default_rng(0)
    train = draw(rng, 300)
    train[200:] = train[:100]  # 200 of 300 are twins
    assert Reference([train]).copied(train) is None
    train = draw(rng, 300)
    train[270:] = train[:30]
    reference = Reference([train])
    assert reference.copied(train[:100]) == 1
    # The data say that a fifth of fresh examples repeats another: so may samples.
    assert reference.copied(np.concatenate([train[:20], draw(rng, 80)])) < 0.03
    assert reference.copied(draw(rng, 100) + 50) == 0
    share = np.concatenate([train[:60], draw(rng, 40) + 50])
    assert reference.copied(share) == pytest.approx((0.6 - 0.2) / 0.8)
    assert reference.copied(-0.0 * draw(rng, 50) + train[0]) == 1


def test_zeros_of_both_signs_are_equal():
    rng = np.random.default_rng(0)
    x = draw(rng, 30) * [1, 1, 1, 0]
    y = x.copy()
    y[:, 3] = -x[:, 3]
    assert Reference([x, y]).copied(x) is None  # each row is there twice
    assert Reference([x]).copied(y) == 1


def test_too_few_examples_say_nothing():
    rng = np.random.default_rng(0)
    x = draw(rng, 10)
    assert Reference([]).copied(x) is None
    assert Reference([x[:9]]).copied(x) is None
    assert Reference([x]).copied(x) == 1
    assert Reference([x, np.full((5, 4), np.nan)]).copied(x) == 1


def test_a_reference_does_not_depend_on_batches():
    rng = np.random.default_rng(0)
    train, fake = draw(rng, 1500, 600), draw(rng, 300, 600)
    fake[:100] = train[:100] + rng.normal(0, 0.5, (100, 600))
    whole, parts = Reference([train]), Reference(iter(np.array_split(train, 7)))
    assert 0.1 < whole.copied(fake) == parts.copied(fake) < 0.4
    assert whole.copied(fake[:90]) > 0.9
