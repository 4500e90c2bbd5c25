"""The options of games: what they accept, and what they say of what they refuse."""

import typing

import pytest

from gankit.config import resolve
from gankit.errors import ConfigError
from gankit.nn import ADVERSARIAL, AdamOptions, AdversarialOptions, LossName
from gankit.nn.augmentation import POLICIES
from gankit.nn.game import _PENALTIES
from gankit.nn.options import POLICIES as POLICY_NAMES
from gankit.nn.options import WEIGHTS


def test_the_names_are_those_of_what_is_there():
    assert typing.get_args(LossName) == tuple(ADVERSARIAL)
    assert tuple(POLICIES) == POLICY_NAMES
    assert list(WEIGHTS) == list(_PENALTIES)


@pytest.mark.parametrize(
    ("given", "kept", "names"),
    [
        ("none", "none", ()),
        ("", "none", ()),
        ("r2, r1", "r1,r2", ("r1", "r2")),
        ("dragan,dragan", "dragan", ("dragan",)),
    ],
)
def test_several_penalties_are_names_with_commas(given, kept, names):
    options = AdversarialOptions(penalty=given)
    assert options.penalty == kept and options.penalties == names
    assert AdversarialOptions(penalty=options.penalty) == options


def test_policies_stand_in_their_order():
    assert AdversarialOptions(augment="cutout , color").policies == ("color", "cutout")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"penalty": "r1,wgan_gp"}, "'wgan_gp' is none of them; did you mean 'wgan-gp'"),
        ({"penalty": "r3"}, "known: dragan, r1, r2, wgan-gp"),
        ({"augment": "colour"}, "did you mean 'color'"),
        ({"penalty_every": 4}, "there is none"),
        ({"smoothing": 0.1, "loss": "hinge"}, "the loss hinge has none"),
        ({"critic_steps": 0}, "greater than or equal to 1"),
        ({"loss": "wgan"}, "wasserstein"),
    ],
)
def test_what_makes_no_sense_is_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        resolve(AdversarialOptions, options=options)


def test_rates_follow_their_schedules():
    cosine = AdamOptions(steps=100).rate(4e-3)
    assert cosine(0) == 4e-3 and cosine(50) == pytest.approx(2e-3) and cosine(100) < 1e-12
    assert AdamOptions(schedule="constant").rate(1e-3)(70) == 1e-3


def test_each_phase_has_an_adam_of_its_own():
    built = AdamOptions(lr=3e-4, beta_1=0.25).adam("one", "two")
    assert list(built) == ["one", "two"] and built["one"] is not built["two"]
    assert built["two"].beta_1 == 0.25 and float(built["two"].learning_rate) == pytest.approx(3e-4)
