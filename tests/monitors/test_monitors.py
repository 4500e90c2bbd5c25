"""Monitors: alarms on sequences of statistics that are made up."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from gankit.monitors import AlarmRules

HEALTHY = {"auc": 0.8, "p_real": 0.7, "p_fake": 0.3, "diversity": 0.9, "duplicates": 0.02, "coverage": 0.7, "copied": 0}
COLLAPSED = {**HEALTHY, "diversity": 0.1}
LOSING = {**HEALTHY, "auc": 1.0, "p_real": 1.0, "p_fake": 0.0, "coverage": 0.05}


def alarms(sequence, *, steps=1000, every=10, terms=None, **arguments):
    """(kind, look, look since) of the alarms; looks count from 1."""
    monitor, found = AlarmRules(**arguments), []
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
        AlarmRules(patience=0)


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
    assert AlarmRules(generator="other").add("s", 1, 9, {}, {"other/gradient_norm": 1.0}) == []


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
    monitor = AlarmRules(saturating=False)
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
    monitor = AlarmRules()
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
    monitor, found = AlarmRules(), []
    for last in (100, 250, 400):  # a run that was stopped twice and given all its looks again each time
        for i, statistics in enumerate(sequence[:last], 1):
            found += monitor.add("main", 10 * i, 4000, json.loads(json.dumps(statistics)))
    assert [(alarm.kind, alarm.step // 10, alarm.since // 10) for alarm in found] == whole


def test_a_look_counts_once():
    monitor = AlarmRules()
    found = [alarm for step in [*range(1, 15), *[14] * 9] for alarm in monitor.add("main", step, 100, COLLAPSED)]
    assert found == []
    assert [alarm.step for alarm in monitor.add("main", 15, 100, COLLAPSED)] == [15]


def test_no_tensorflow():
    code = (
        "import sys, gankit.monitors as m; m.AlarmRules()\n"
        "assert not {'tensorflow', 'keras', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
