"""The compliance kit: what every recipe must keep, ours and third parties'.

`gankit check RECIPE` runs it from the command line; in a test, it is

    import pytest
    from gankit.testing import CHECKS, check_recipe

    @pytest.mark.xdist_group("mine")
    @pytest.mark.parametrize("check", CHECKS)
    def test_recipe(check, tmp_path):
        check_recipe(MyRecipe, check, tmp_path)

The checks train the recipe with its options `Recipe.tiny`, on what `Recipe.tiny_data` writes. They share what they
train, so with pytest-xdist the checks of one recipe belong to one group (`--dist loadgroup`). One of them compares one
device with two logical ones, which must be made before TensorFlow starts: call `gankit.engine.logical_cpus(2)` in
conftest.

Making a graph of a step takes as long as running ten steps without one, and a tiny training has fewer. So most checks
run the very steps of the engine eagerly. Two make graphs: `replicas` one for two devices, and `run` all for one.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
