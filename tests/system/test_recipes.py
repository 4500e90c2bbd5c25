"""The compliance kit over the toy recipe and every installed one."""

import pytest
from toy import Ring

from gankit import plugins
from gankit.testing import CHECKS, check_recipe

INSTALLED = [entry.recipe for entry in plugins.discover() if entry.recipe]
LIGHT = ("identity", "light_import", "config_round_trip")


def _cases():
    for recipe in (Ring, *INSTALLED):
        for check in CHECKS:
            marks = [pytest.mark.xdist_group(f"kit of {recipe.name}")]
            if check not in LIGHT and recipe is not Ring:
                marks.append(pytest.mark.slow)
            yield pytest.param(recipe, check, id=f"{recipe.name}-{check}", marks=marks)


@pytest.mark.parametrize(("recipe", "check"), list(_cases()))
def test_recipe(recipe, check, tmp_path):
    check_recipe(recipe, check, tmp_path)
