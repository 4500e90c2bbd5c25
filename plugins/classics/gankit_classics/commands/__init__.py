"""`gankit cgan ...`: what one does with a trained conditional GAN, a file each. Imports nothing heavy."""

from __future__ import annotations

import click

from gankit.commands import Commands


@click.group("cgan", cls=Commands, package=__name__, names=("augment",))
def group() -> None:
    """Use a trained conditional GAN."""
