"""`gankit export RUN`: a trained network as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gankit.cli.options import weights_option
from gankit.commands import common_options, json_option, open_run, print_json, ready, run_argument, runs_dir_option


@click.command("export")
@run_argument
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), required=True, help="File to write: .onnx or .keras."
)
@click.option("--network", default="", help="Network to write; the recipe says which if left out.")
@click.option(
    "--format",
    type=click.Choice(["onnx", "keras", "savedmodel"]),
    default=None,
    help="Format; the file's suffix says it if left out. A SavedModel is a folder.",
)
@weights_option
@click.option("--force", is_flag=True, help="Replace an older export.")
@runs_dir_option
@json_option
@common_options
def command(
    run: str,
    out: Path,
    network: str,
    format: str | None,
    weights: Any,
    force: bool,
    runs_dir: Path | None,
    as_json: bool,
) -> None:
    """Write a trained network to a file: ONNX, Keras or SavedModel.

    RUN is a folder, an id, a recipe's name or 'latest'. The file is compared with the network before it is kept.
    """
    ready()
    from gankit.export.networks import check, export

    check(out, format or "", force=force)  # before anything slow
    opened = open_run(run, runs_dir)
    from gankit.runs.loading import LoadedRun

    done = export(LoadedRun(opened, weights=weights), out, network=network, format=format or "", force=force)
    if as_json:
        print_json(done)
        return
    click.echo(f"{done['file']}  {done['bytes'] / 1e6:.1f} MB")
    for end, word in (("inputs", "in "), ("outputs", "out")):
        for name, tensor in done[end].items():
            click.echo(f"  {word} {name} {_shape(tensor)}")
    if done["about"]:
        click.echo(f"  {done['about']}")
    click.echo(f"  largest difference to the trained {done['network']}: {done['difference']:.1e}")


def _shape(tensor: dict[str, Any]) -> str:
    return f"[{', '.join('any' if size is None else str(size) for size in tensor['shape'])}] {tensor['dtype']}"
