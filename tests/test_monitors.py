"""Monitors: statistics against loops and closed forms, alarms on sequences that are made up."""

import json
import math
import statistics as plain
import subprocess
import sys

import numpy as np
import pytest

from gankit.metrics.neighbours import expected_coverage
from gankit.monitors import Monitor, Reference, look
from gankit.monitors.statistics import reduced

# -- statistics ----------------------------------------------------------------------------------------------------


def draw(rng, n, width=4):
    return rng.normal(size=(n, width))


def test_judgements_equal_a_loop():
    rng = np.random.default_rng(0)
    real, fake = np.round(rng.normal(1, 1, (30, 3, 2))), np.round(rng.normal(0, 1, (20, 3, 2)))  # so that some tie
    found = look(real_outputs=real, fake_outputs=fake, probabilities=True)
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
    found = look(real_outputs=np.full((5, 1), real), fake_outputs=np.full((3, 1), fake))
    assert found == {"auc": auc, "d_real": real, "d_fake": fake}


def test_auc_of_two_gaussians():
    """P(X + shift > Y) is the normal distribution function of shift / sqrt(2)."""
    rng = np.random.default_rng(0)
    found = look(real_outputs=rng.normal(1, 1, 4000), fake_outputs=rng.normal(0, 1, 4000))
    assert found["auc"] == pytest.approx(plain.NormalDist().cdf(1 / math.sqrt(2)), abs=0.02)


def test_probabilities_do_not_overflow():
    outputs = np.array([-1e4, 1e4, 0, 0], np.float32)
    assert look(real_outputs=outputs, probabilities=True) == {"d_real": 0.0, "p_real": 0.5}


@pytest.mark.parametrize("seed", range(4))
def test_comparison_equals_a_loop(seed):
    rng = np.random.default_rng(seed)
    # Whole numbers, so that distances tie; the fourth to sixth real examples are twins of the first three. The real
    # ones are even, so that one is half of their least distance.
    real, fake = 2 * np.round(draw(rng, 40)), np.round(draw(rng, 25)) + 1
    real[3:6], fake[3:9] = real[:3], fake[0]
    found = look(generated=fake.reshape(25, 2, 2), examples=real.reshape(40, 2, 2))

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
    values = [look(generated=draw(rng, 256), examples=draw(rng, 256)) for _ in range(40)]
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
    found = look(generated=make(draw(rng, 256), rng), examples=draw(rng, 256))
    assert found["diversity"] == pytest.approx(diversity, abs=0.15)
    assert found["duplicates"] == pytest.approx(duplicates, abs=0.1)
    assert found["coverage"] == pytest.approx(coverage, abs=0.1)


def test_more_samples_do_not_count_as_duplicates():
    rng = np.random.default_rng(0)
    found = [look(generated=draw(rng, 1000, 1), examples=draw(rng, 100, 1)) for _ in range(20)]
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
        found = look(generated=points(modes), examples=points(8))
        assert found["coverage"] == pytest.approx(modes / 8, abs=0.08)


def test_what_is_missing_or_not_finite_is_passed_over():
    rng = np.random.default_rng(0)
    x, bad, reference = draw(rng, 50), np.full((50, 4), np.nan), Reference([draw(rng, 100)])
    assert look() == {}
    assert look(reference=reference) == {}
    assert set(look(real_outputs=x)) == {"d_real"}
    assert set(look(fake_outputs=x, real_outputs=np.full((3, 1), np.inf), probabilities=True)) == {"d_fake", "p_fake"}
    assert look(generated=bad, examples=x, reference=reference) == {}
    assert set(look(generated=x, examples=bad, reference=reference)) == {"copied"}
    assert look(generated=x[:0], examples=x) == {}
    assert set(look(generated=x[:1], examples=x)) == {"coverage"}
    assert set(look(generated=x, examples=x[:5])) == {"diversity"}
    assert set(look(generated=x[:9], examples=x[:6])) == {"diversity", "coverage"}
    assert set(look(generated=x[:10], examples=x[:10])) == {"diversity", "coverage", "duplicates"}
    assert set(look(generated=x, examples=np.ones((50, 4)))) == {"coverage"}  # all alike: no scale


def test_sizes_must_agree():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="differ in size: 4 and 3 values"):
        look(generated=draw(rng, 20), examples=draw(rng, 20, 3))
    with pytest.raises(ValueError, match="differ in size: 4 and 3 values"):
        look(generated=draw(rng, 20), reference=Reference([draw(rng, 20, 3)]))


def test_no_more_than_some_are_compared():
    rng = np.random.default_rng(0)
    fake, real = draw(rng, 1100), draw(rng, 1100)
    assert look(generated=fake, examples=real) == look(generated=fake[:1024], examples=real[:1024])


def test_statistics_survive_a_record():
    rng = np.random.default_rng(0)
    x = draw(rng, 20).astype(np.float32)
    found = look(
        real_outputs=x, fake_outputs=x, probabilities=True, generated=x, examples=x, reference=Reference([x, x + 5])
    )
    assert len(found) == 9 and all(type(value) is float for value in found.values())
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float64", "bool"])
def test_dtypes(dtype):
    rng = np.random.default_rng(0)
    fake, real = ((rng.random((30, 5, 5, 30)) * 3 // 1.5).astype(dtype) for _ in range(2))
    found = look(generated=fake, examples=real, reference=Reference([real]))
    assert found == look(
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


# -- rules ---------------------------------------------------------------------------------------------------------

HEALTHY = {"auc": 0.8, "p_real": 0.7, "p_fake": 0.3, "diversity": 0.9, "duplicates": 0.02, "coverage": 0.7, "copied": 0}
COLLAPSED = {**HEALTHY, "diversity": 0.1}
LOSING = {**HEALTHY, "auc": 1.0, "p_real": 1.0, "p_fake": 0.0, "coverage": 0.05}


def alarms(sequence, *, steps=1000, every=10, terms=None, **arguments):
    """(kind, look, look since) of the alarms; looks count from 1."""
    monitor, found = Monitor(**arguments), []
    for i, statistics in enumerate(sequence, 1):
        gradient = {} if terms is None or terms[i - 1] is None else {"generator/gradient_norm": terms[i - 1]}
        for alarm in monitor.add("main", every * i, steps, statistics, gradient):
            assert alarm.stage == "main" and alarm.step == every * i
            assert math.isfinite(alarm.value) and alarm.message and alarm.hint and "nan" not in alarm.message
            assert alarm.level == ("note" if alarm.kind == "equilibrium" else "warning")
            found.append((alarm.kind, i, alarm.since // every))
    return found


def test_a_healthy_training_is_quiet():
    rng = np.random.default_rng(0)
    sequence = []
    for i in range(100):
        learnt = 1 - math.exp(-i / 15)
        noise = rng.normal(0, 0.03, 4)
        sequence.append(
            {
                "auc": 0.98 - 0.2 * learnt + noise[0] / 3,
                "p_real": 0.9 - 0.2 * learnt,
                "p_fake": 0.1 + 0.2 * learnt,
                "diversity": 0.4 + 0.5 * learnt + noise[1],
                "duplicates": 0.1 - 0.05 * learnt,
                "coverage": max(0, 0.7 * learnt + 2 * noise[2]),
                "copied": 0.02 + abs(noise[3]),
            }
        )
    assert alarms(sequence, terms=list(3 * np.exp(rng.normal(0, 1, 100)))) == []


@pytest.mark.parametrize("patience", [1, 3, 5])
def test_an_alarm_comes_when_the_patience_ends(patience):
    sequence = [HEALTHY] * 20 + [COLLAPSED] * (patience - 1) + [HEALTHY] * 20
    assert alarms(sequence, patience=patience) == []
    sequence = [HEALTHY] * 20 + [COLLAPSED] * 30
    assert alarms(sequence, patience=patience) == [("collapse", 20 + patience, 21)]


def test_patience_is_of_looks_in_a_row():
    sequence = [HEALTHY] * 20 + ([COLLAPSED] * 4 + [HEALTHY]) * 12
    assert alarms(sequence) == []
    with pytest.raises(ValueError, match="at least one look"):
        Monitor(patience=0)


@pytest.mark.parametrize(
    ("steps", "quiet"),
    [(10_000, 100), (1000, 10), (500, 5), (100, 5)],  # a tenth of the stage, but at least five looks of ten steps
)
def test_the_beginning_of_a_stage_does_not_count(steps, quiet):
    assert alarms([COLLAPSED] * 200, steps=steps) == [("collapse", quiet + 5, quiet + 1)]


def test_an_alarm_comes_again_only_after_it_was_gone_for_as_long():
    gone = [HEALTHY] * 4
    sequence = [HEALTHY] * 20 + [COLLAPSED] * 10 + gone + [COLLAPSED] * 10 + gone + [COLLAPSED] * 10
    assert alarms(sequence) == [("collapse", 25, 21)]
    sequence = [HEALTHY] * 20 + [COLLAPSED] * 10 + [HEALTHY] * 5 + [COLLAPSED] * 10
    assert alarms(sequence) == [("collapse", 25, 21), ("collapse", 40, 36)]
    # Two short returns together are not one long one.
    sequence = [HEALTHY] * 20 + [COLLAPSED] * 10 + [HEALTHY] * 3 + [COLLAPSED] + [HEALTHY] * 3 + [COLLAPSED] * 10
    assert alarms(sequence) == [("collapse", 25, 21)]


def test_a_look_without_the_statistic_neither_holds_nor_ends():
    blind = {"auc": 0.8}
    sequence = [HEALTHY] * 20 + [COLLAPSED, blind] * 4 + [COLLAPSED]
    assert alarms(sequence) == [("collapse", 29, 21)]
    sequence = [HEALTHY] * 20 + [COLLAPSED] * 5 + [blind] * 50 + [COLLAPSED] * 20
    assert alarms(sequence) == [("collapse", 25, 21)]
    missing = dict.fromkeys(COLLAPSED, math.nan)
    assert alarms([HEALTHY] * 20 + [COLLAPSED, missing] * 4 + [COLLAPSED]) == [("collapse", 29, 21)]
    assert alarms([{}] * 40, terms=[None] * 40) == []


@pytest.mark.parametrize(
    ("looks", "fires"),
    [
        ({"diversity": 0.24}, True),
        ({"diversity": 0.26}, False),
        ({"duplicates": 0.51, "coverage": 0.49}, True),
        ({"duplicates": 0.51, "coverage": 0.51}, False),  # samples without the noise of the data
        ({"duplicates": 0.49, "coverage": 0.49}, False),
        ({"coverage": 0.34}, True),  # after 0.7
        ({"coverage": 0.36}, False),
    ],
)
def test_collapse(looks, fires):
    assert alarms([HEALTHY] * 20 + [HEALTHY | looks] * 10) == ([("collapse", 25, 21)] if fires else [])


def test_duplicates_alone_are_enough_where_coverage_is_not_known():
    assert alarms([{"duplicates": 0.0}] * 20 + [{"duplicates": 0.6}] * 10) == [("collapse", 25, 21)]


def test_lost_coverage_is_measured_against_a_running_median():
    def of(values):
        return alarms([{"coverage": value} for value in values])

    assert of([0.29] * 20 + [0.01] * 20) == []  # never had much
    assert of([0.31] * 20 + [0.15] * 20) == [("collapse", 25, 21)]
    # Two looks of five can't lift the median, three can.
    assert of([0.1] * 20 + [0.9, 0.9] + [0.1] * 20) == []
    assert of([0.1] * 20 + [0.9, 0.9, 0.9] + [0.1] * 20) == [("collapse", 30, 26)]  # no longer rising
    # Blurred samples cover much in the beginning, which ends with the tenth look: the first median is that of 11 to 15.
    assert of([0.9] * 12 + [0.1] * 20) == []
    assert of([0.9] * 13 + [0.1] * 20) == [("collapse", 19, 15)]


@pytest.mark.parametrize(
    ("looks", "fires"),
    [
        ({}, True),
        ({"auc": 0.991}, True),
        ({"auc": 0.989}, False),
        ({"p_fake": 0.06}, False),
        ({"p_real": 0.94}, False),
        ({"coverage": 0.11}, False),
        ({"coverage": None}, False),
        ({"auc": None}, False),
        ({"p_fake": None, "p_real": None}, True),  # relativistic losses have none
    ],
)
def test_discriminator_won(looks, fires):
    losing = {name: value for name, value in (LOSING | looks).items() if value is not None}
    assert alarms([losing] * 30) == ([("discriminator won", 15, 11)] if fires else [])
    assert alarms([losing] * 30, saturating=False) == []


@pytest.mark.parametrize(
    ("looks", "kind"),
    [
        (LOSING, "discriminator won"),
        (HEALTHY | {"diversity": 0.1}, "collapse"),
        (HEALTHY | {"duplicates": 0.9}, "collapse"),
    ],
)
def test_a_generator_that_still_learns_is_let_be(looks, kind):
    def of(rise):
        # From look 21 on; before, it stands.
        return alarms([HEALTHY | {"coverage": 0.02}] * 20 + [looks | {"coverage": 0.02 + rise * i} for i in range(15)])

    # At look 25, the median of five is that of look 23: two rises more than that of five looks before.
    assert of(0.0) == of(0.0045) == [(kind, 25, 21)]
    assert of(0.0055) == []


def test_a_few_looks_do_not_tell_whether_it_learns():
    begins = [{"diversity": 0.1, "coverage": 0.05 * i} for i in range(8)]
    assert alarms([{"diversity": 0.9}] * 20 + begins, patience=8) == [("collapse", 28, 21)]


def test_vanishing_gradient():
    start = [1.0, 3.0, 2.0, 100.0, 0.5]  # the median is 2
    sequence = [HEALTHY] * 40
    assert alarms(sequence, terms=start + [0.0021] * 35) == []
    assert alarms(sequence, terms=start + [0.0019] * 35) == [("vanishing generator gradient", 15, 11)]
    assert alarms(sequence, terms=[0.0] * 40) == [("vanishing generator gradient", 15, 11)]  # never had one
    assert alarms(sequence, terms=start + [0.0019, None] * 17 + [1.0]) == [("vanishing generator gradient", 20, 12)]
    assert alarms([{}] * 40, terms=start + [0.0019] * 35) == [("vanishing generator gradient", 15, 11)]
    assert alarms(sequence, terms=start + [math.nan] * 35) == []
    assert alarms(sequence, generator="other", terms=start + [0.0] * 35) == []
    assert Monitor(generator="other").add("s", 1, 9, {}, {"other/gradient_norm": 1.0}) == []


def test_a_gradient_that_ends_in_equilibrium_is_no_fault():
    even = HEALTHY | {"auc": 0.51, "p_real": 0.5, "p_fake": 0.5}
    terms = [1.0] * 10 + [0.0] * 20
    assert [kind for kind, *_ in alarms([even] * 30, terms=terms)] == ["equilibrium"]
    blind = even | {"coverage": 0.3, "diversity": 1.0}
    assert [kind for kind, *_ in alarms([blind] * 30, terms=terms)] == ["vanishing generator gradient", "equilibrium"]


@pytest.mark.parametrize(
    ("looks", "fires"),
    [
        ({"auc": 0.54, "p_real": 0.54, "p_fake": 0.46}, True),
        ({"auc": 0.46, "p_real": 0.5, "p_fake": 0.5}, True),
        ({"auc": 0.56, "p_real": 0.52, "p_fake": 0.49}, False),
        ({"auc": 0.44, "p_real": 0.49, "p_fake": 0.52}, False),
        ({"auc": 0.5, "p_real": 0.56, "p_fake": 0.5}, False),
        ({"auc": 0.5, "p_real": 0.5, "p_fake": 0.44}, False),
        ({"auc": 0.9, "p_real": 0.52, "p_fake": 0.516}, True),  # the right order of what is nearly equal
        ({"auc": 0.9, "p_real": 0.524, "p_fake": 0.518}, False),
        ({"auc": 0.9, "p_real": 0.56, "p_fake": 0.56}, False),
        ({"auc": 0.9, "p_real": None, "p_fake": 0.5}, False),
    ],
)
def test_equilibrium(looks, fires):
    even = {name: value for name, value in (HEALTHY | looks).items() if value is not None}
    assert alarms([even] * 30) == ([("equilibrium", 15, 11)] if fires else [])


def test_equilibrium_of_a_critic_and_what_it_says():
    monitor = Monitor(saturating=False)
    found = [alarm for i in range(20) for alarm in monitor.add("s", i, 20, {"auc": 0.5})]
    assert [alarm.level for alarm in found] == ["note"]
    assert "perfect" in found[0].message and "collapsed" in found[0].message


def test_memorisation():
    assert alarms([HEALTHY | {"copied": 0.26}] * 30) == [("memorisation", 15, 11)]
    assert alarms([HEALTHY | {"copied": 0.25}] * 30) == []


def test_conditions_do_not_wait_for_each_other():
    both = COLLAPSED | {"copied": 0.9}
    sequence = [HEALTHY] * 20 + [COLLAPSED] * 3 + [both] * 20
    assert alarms(sequence) == [("collapse", 25, 21), ("memorisation", 28, 24)]


def test_stages_are_apart():
    monitor = Monitor()
    found = []
    for stage in ("coarse", "fine"):
        for i in range(1, 31):
            found += monitor.add(stage, i, 30, COLLAPSED | {"coverage": 0.9 if stage == "coarse" else 0.3})
    assert [(alarm.stage, alarm.step) for alarm in found] == [("coarse", 10), ("fine", 10)]


def test_replay_gives_the_same_alarms_and_repeats_none():
    rng = np.random.default_rng(0)
    sequence = [{"auc": rng.choice([0.5, 1.0]), "diversity": rng.choice([0.1, 0.9])} for _ in range(400)]
    whole = alarms(sequence, steps=4000)
    assert len(whole) > 3 and alarms(sequence, steps=4000) == whole
    monitor, found = Monitor(), []
    for last in (100, 250, 400):  # a run that was stopped twice and given all its looks again each time
        for i, statistics in enumerate(sequence[:last], 1):
            found += monitor.add("main", 10 * i, 4000, json.loads(json.dumps(statistics)))
    assert [(alarm.kind, alarm.step // 10, alarm.since // 10) for alarm in found] == whole


def test_a_look_counts_once():
    monitor = Monitor()
    found = [alarm for step in [*range(1, 15), *[14] * 9] for alarm in monitor.add("main", step, 100, COLLAPSED)]
    assert found == []
    assert [alarm.step for alarm in monitor.add("main", 15, 100, COLLAPSED)] == [15]


def test_no_tensorflow():
    code = (
        "import sys, gankit.monitors as m; m.Monitor(); assert not {'tensorflow', 'keras', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
