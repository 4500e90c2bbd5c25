"""What options are refused, and what the classics add to the game of `gankit.nn`."""

import pytest
from gankit_classics.config import AdversarialConfig, PictureConfig
from gankit_classics.infogan import InfoGAN, InfoGANConfig
from pydantic import ValidationError


@pytest.mark.parametrize(
    "options",
    [{"smoothing": 0.1, "loss": "hinge"}, {"augment": "colour"}, {"ema": 1.0}, {"penalty": "r3"}, {"batch_layer": "x"}],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValidationError):
        AdversarialConfig(**options)


def test_sides_must_be_halved():
    with pytest.raises(ValidationError, match="divisible by 4"):
        PictureConfig(size=30)


def test_lapgan_refuses_what_its_networks_lack():
    from gankit_classics.lapgan import LAPGANConfig

    with pytest.raises(ValidationError, match="not for the networks of lapgan"):
        LAPGANConfig(spectral=True)


def test_the_reader_of_infogan_takes_no_part_in_a_lazy_penalty():
    recipe = InfoGAN(InfoGANConfig(penalty="r1,r2", penalty_every=4))
    discriminator, penalty, generator = recipe.stages(None)[0].phases
    assert discriminator.trains == ("discriminator", "reader") and penalty.trains == ("discriminator",)
    assert discriminator.weights == generator.weights == {"category": 1.0, "codes": 0.5}


@pytest.mark.parametrize(
    ("options", "norm"), [({}, "batch"), ({"penalty": "r1,r2"}, "none"), ({"spectral": True}, "spectral")]
)
def test_the_discriminator_of_a_penalty_has_no_batch_normalisation(options, norm):
    assert InfoGAN(InfoGANConfig(**options)).discriminator_options(None)["norm"] == norm
