"""What the GI neuron stands for."""

from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
from gankit_aae_molecules import prediction
from gankit_aae_molecules.response import Response, values

from gankit.errors import DataError


def test_percent_growth_is_standardised_and_comes_back():
    growth = np.array([-50.0, 0.0, 50.0, 100.0])
    scale = Response.fitted("growth", growth)
    assert scale.neuron(growth).mean() == pytest.approx(0) and scale.neuron(growth).std() == pytest.approx(1)
    np.testing.assert_allclose(scale.value(scale.neuron(growth)), growth)
    assert (scale.low, scale.high, scale.dosed) == (-50, 100, True)


def test_labels_are_log_odds_above_their_share():
    scale = Response.fitted("active", np.r_[np.ones(20), np.zeros(80)])
    assert scale.neuron(0.2) == pytest.approx(0)  # as likely as in the training rows
    assert scale.neuron(0.9) == pytest.approx((np.log(9) - np.log(0.25)) / 2)
    assert scale.value(scale.neuron(0.73)) == pytest.approx(0.73)
    assert not scale.dosed


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_that_are_all_alike_stay_finite(label):
    scale = Response.fitted("active", np.full(10, label))
    assert np.isfinite(scale.neuron([0.0, 0.5, 1.0])).all()


def test_doses_of_half_effect_become_pgi50():
    gi, log_conc = np.full(3, 50.0), np.array([-5.0, -6.0, -8.0])
    np.testing.assert_allclose(values("potency", gi, log_conc), [5, 6, 8])
    np.testing.assert_allclose(values("growth", gi, log_conc), gi)
    assert Response.fitted("gi50", -log_conc).checked(None) == 8  # the highest is the most effective


def test_one_response_alone_has_a_scale():
    scale = Response.fitted("viability", np.array([30.0, 30.0]))
    assert np.isfinite(scale.neuron(31.0))
    assert Response(**asdict(scale)) == scale


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"protocol": 3}', '{"protocol": {"gi": []}}'),
        *(f'{{"protocol": {{"gi": {{"nine_tenths_within": {x}}}}}}}' for x in ('"1"', "NaN", "-1", "[]", "true")),
    ],
)
def test_a_damaged_evaluation_is_told(tmp_path, text):
    run = SimpleNamespace(run=SimpleNamespace(path=tmp_path))
    assert prediction._half_width(run) is None
    (tmp_path / "evaluation.json").write_text(text)
    with pytest.raises(DataError, match=r"evaluation\.json is damaged") as caught:
        prediction._half_width(run)
    assert "gankit evaluate" in caught.value.hint
    (tmp_path / "evaluation.json").write_text('{"metrics": {}, "protocol": {"gi": {"nine_tenths_within": 12.5}}}')
    assert prediction._half_width(run) == 12.5
