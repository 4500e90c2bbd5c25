"""`gankit srgan pack`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from gankit.commands import common_options, ready, run_argument, runs_dir_option


@click.command("pack")
@run_argument
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The .safetensors file to write.")
@click.option(
    "--weights",
    type=click.Choice(["last", "best"]),
    default="last",
    show_default=True,
    help="Weights to write: those that the training ended with, or those of the best validation figure.",
)
@click.option(
    "--bits",
    type=click.Choice(["8", "16"]),
    default="16",
    show_default=True,
    help="Bits of a weight; 8 halve the file.",
)
@click.option("--name", help="Name of the model.  [default: the run's id]")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@runs_dir_option
@common_options
def command(
    run: str,
    output: Path,
    weights: Literal["last", "best"],
    bits: str,
    name: str | None,
    force: bool,
    runs_dir: Path | None,
) -> None:
    """Write a run's generator to one small file, for 'upscale --model FILE'."""
    ready()
    from dataclasses import replace

    from gankit.errors import UsageError
    from gankit_srgan import models

    if output.suffix != ".safetensors":
        raise UsageError(
            f"a model's file ends in .safetensors, not {output.suffix or 'nothing'}", f"-o {output.stem}.safetensors"
        )
    if output.exists() and not force:
        raise UsageError(f"{output} exists already", "--force replaces it")
    model = models.of_run(run, runs_dir, weights)
    model = replace(model, name=name or model.name)
    output.parent.mkdir(parents=True, exist_ok=True)
    model.save(output, 8 if bits == "8" else 16)
    click.echo(f"{output}: {model.generator} x{model.scale}, {output.stat().st_size / 1e6:.2f} MB", err=True)
