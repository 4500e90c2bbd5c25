"""How much of what damages the small pictures of a training. Imports no TensorFlow."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gankit import Section

Preset = Literal["clean", "mild", "web", "telescope"]


class Damage(Section):
    """The parts of a degradation; None is what the preset says.

    Each part strikes with a chance of its own, and how hard is drawn anew for each example: a network that never saw
    an intact picture would smooth it.
    """

    passes: int | None = Field(None, ge=0, le=2, description="Passes of blur, resizing, noise and JPEG, at most.")
    blur: float | None = Field(None, ge=0, le=4, description="Largest sigma of the blur, in pixels of the result.")
    moffat: float | None = Field(None, ge=0, le=1, description="Share of blurs that are Moffat's, of a telescope.")
    anisotropic: float | None = Field(None, ge=0, le=1, description="Share of Gaussian blurs that have a direction.")
    sinc: float | None = Field(None, ge=0, le=1, description="Share of pictures with the ringing of a sharp filter.")
    resize: float | None = Field(
        None, ge=0, le=1, description="Share of pictures of two passes whose size between them is any."
    )
    noise: float | None = Field(
        None, ge=0, le=64, description="Largest standard deviation of the noise, in grey levels of 255."
    )
    poisson: float | None = Field(None, ge=0, le=1, description="Share of noise that grows with brightness.")
    grey: float | None = Field(None, ge=0, le=1, description="Share of noise that is alike in all colours.")
    jpeg: int | None = Field(None, ge=5, le=100, description="Lowest quality of JPEG; the highest is 95. 100 is none.")

    @property
    def strikes(self) -> bool:
        """Whether anything is damaged at all."""
        once = self.blur or self.noise or self.sinc or (self.jpeg or 100) < 100
        return bool(self.passes and (once or (self.passes == 2 and self.resize)))


NOTHING = Damage(passes=0, blur=0, moffat=0, anisotropic=0, sinc=0, resize=0, noise=0, poisson=0, grey=0, jpeg=100)
PRESETS: dict[Preset, Damage] = {
    "clean": NOTHING,
    # One generation of a good camera or program.
    "mild": NOTHING.model_copy(
        update={"passes": 1, "blur": 1.5, "anisotropic": 0.3, "noise": 4, "poisson": 0.3, "grey": 0.4, "jpeg": 60}
    ),
    # What was scanned, reduced, shared and saved again.
    "web": NOTHING.model_copy(
        update={
            "passes": 2,
            "blur": 3.0,
            "anisotropic": 0.5,
            "sinc": 0.1,
            "resize": 0.7,
            "noise": 12,
            "poisson": 0.4,
            "grey": 0.4,
            "jpeg": 30,
        }
    ),
    # The seeing of the air, and few photons.
    "telescope": NOTHING.model_copy(
        update={"passes": 1, "blur": 3.0, "moffat": 0.5, "anisotropic": 0.2, "noise": 32, "poisson": 0.5, "grey": 0.2}
    ),
}


def degradation(preset: Preset, parts: Damage) -> Damage:
    """A preset with the parts that were given instead; no field is None. Parts without a preset make one pass.

    Examples:
        >>> degradation("web", Damage(noise=0)).jpeg
        30
    """
    given: dict[str, Any] = {key: value for key, value in parts.model_dump().items() if value is not None}
    passes = {"passes": 2 if "resize" in given else 1} if given and preset == "clean" else {}
    found = PRESETS[preset].model_copy(update={**passes, **given})
    return found if found.strikes else NOTHING
