"""The network that fits a picture: one for what is sound, another for what is damaged."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gankit_srgan.models import Choice
from gankit_srgan.upscale.condition import condition
from gankit_srgan.upscale.pictures import Header, read

SOUND, DAMAGED = "compact", "restore"


@dataclass(frozen=True)
class Automatic:
    """What `--model auto` stands for.

    Attributes:
        choice: Of the network for sound pictures.
    """

    choice: Choice

    def of(self, header: Header) -> tuple[Choice, str]:
        """The network for a picture, and why. Raises as `pictures.read`."""
        found = condition(read(header).colour)
        if not found.damaged:
            return self.choice, f"{SOUND} was taken: {', '.join(found.faults) or 'no blocks of JPEG, noise or blur'}"
        # It enlarges by four, whatever is wanted: the result is shrunk.
        return replace(self.choice, name=DAMAGED, scale=4), f"{DAMAGED} was taken: {', '.join(found.faults)}"
