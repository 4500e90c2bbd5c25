"""`gankit srgan ...`: what one does with a trained generator, a file each. Imports nothing heavy."""

from __future__ import annotations

import click

from gankit.commands import Commands

runtime_option = click.option(
    "--runtime",
    type=click.Choice(["auto", "tensorflow", "onnx"]),
    default="auto",
    show_default=True,
    help="Library that computes the network; auto: onnx for the models in the box where it is installed.",
)


@click.group("srgan", cls=Commands, package=__name__, names=("upscale", "evaluate", "pack"))
def group() -> None:
    """Enlarge pictures with trained networks."""
