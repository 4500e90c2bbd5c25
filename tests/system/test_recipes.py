"""The compliance kit over the toy recipe and every installed one."""

import numpy as np
import pytest
from toy import Ring

from gankit import plugins
from gankit.testing import CHECKS, check_recipe, drift

INSTALLED = [entry.recipe for entry in plugins.discover() if entry.recipe]
LIGHT = ("identity", "light_import", "config_round_trip")


def _cases():
    for recipe in (Ring, *INSTALLED):
        for check in CHECKS:
            marks = [pytest.mark.slow] if check not in LIGHT and recipe is not Ring else []
            yield pytest.param(recipe, check, id=f"{recipe.name}-{check}", marks=marks)


@pytest.mark.parametrize(("recipe", "check"), list(_cases()))
def test_recipe(recipe, check, tmp_path):
    check_recipe(recipe, check, tmp_path)


def test_drift_is_of_whole_networks():
    a = {"networks/g/000/kernel": np.array([3.0, 0.0]), "networks/g/001/bias": np.array([4.0])}
    b = {**a, "networks/g/000/kernel": np.array([3.0, 0.05])}
    assert drift(a, a) == 0 and drift(a, b) == pytest.approx(0.05 / 5)
    more = {"networks/d/000/kernel": np.array([1.0])}
    assert drift({**a, **more}, {**b, "networks/d/000/kernel": np.array([1.5])}) == pytest.approx(0.5)
