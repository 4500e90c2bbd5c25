"""`gankit srgan ...`: what one does with a trained generator. Imports nothing heavy."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gankit.commands import (
    common_options,
    complete_run,
    json_option,
    print_json,
    ready,
    rows_options,
    run_argument,
    runs_dir_option,
)


class TileSize(click.ParamType):
    """A number of pixels, or "auto"."""

    name = "auto|N|0"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Text -> pixels; None for "auto"."""
        if value is None or value == "auto":
            return None
        try:
            pixels = int(value)
        except ValueError:
            self.fail(f"{value!r} is neither 'auto' nor a number of pixels", param, ctx)
        if pixels < 0:
            self.fail("must not be negative", param, ctx)
        return pixels


@click.group("srgan")
def group() -> None:
    """Enlarge pictures with trained networks."""


@group.command("upscale")
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A file for one picture, else a folder.  [default: NAME_x4.EXT beside IN; none for folders]",
)
@click.option("--model", help="A model in the box, or a .safetensors file.  [default: compact]")
@click.option("--run", shell_complete=complete_run, help="Take the network of a run of yours: folder, id or 'latest'.")
@click.option("--scale", type=click.IntRange(2, 4), help="Factor of the network.  [default: 4]")
@click.option(
    "--outscale", type=float, help="Factor of the result, 1 to 4, such as 2.5; the next larger network is shrunk."
)
@click.option("--ensemble", is_flag=True, help="Mean over 8 turned copies: a little better, 8 times slower.")
@click.option("--format", type=click.Choice(["png", "jpg", "tif", "webp"]), help="Of the results.  [default: as IN]")
@click.option("--quality", type=click.IntRange(1, 100), help="Of JPEG (95) and WebP (90).")
@click.option("--force", is_flag=True, help="Replace existing files.")
@click.option("--skip-existing", is_flag=True, help="Make only what is not there yet.")
@click.option("--no-provenance", is_flag=True, help="Leave out the XMP that says that a model made the pixels.")
@click.option("--compare", is_flag=True, help="Write a page that shows each result beside bicubic interpolation.")
@click.option(
    "--tile",
    type=TileSize(),
    metavar="auto|N|0",
    help="Side of the tiles in pixels of IN; 0 for none.  [default: auto, by --memory]",
)
@click.option(
    "--memory", type=click.IntRange(min=1), default=1400, show_default=True, help="MB that the process may take."
)
@click.option("--backend", type=click.Choice(["auto", "tensorflow", "onnx"]), default="auto", show_default=True)
@runs_dir_option
@json_option
@common_options
def upscale(inputs: tuple[str, ...], **options: Any) -> None:
    """Enlarge pictures: files, folders, globs in quotes.

    \b
    gankit srgan upscale photo.jpg                    photo_x4.jpg
    gankit srgan upscale photo.jpg -o large.png       keeps alpha, 16 bits, profile, EXIF
    gankit srgan upscale scans/ -o large/ --scale 2   a folder and its subfolders
    gankit srgan upscale photo.jpg --run latest       your network
    """  # noqa: D301
    ready()
    _terminable()
    from gankit.commands import print_error
    from gankit.errors import DataError, GankitError, UsageError
    from gankit_srgan.upscale import batch
    from gankit_srgan.upscale.formats import FORMATS
    from gankit_srgan.upscale.job import Settings
    from gankit_srgan.upscale.naming import plan
    from gankit_srgan.upscale.progress import PictureProgress

    if options["force"] and options["skip_existing"]:
        raise UsageError("--force and --skip-existing exclude each other", "leave one out")
    scales, model = _network(options["model"], options["run"], options["runs_dir"])
    scale, factor = batch.factor_for(scales, options["scale"], options["outscale"])
    existing = "replace" if options["force"] else "skip" if options["skip_existing"] else "refuse"
    jobs = plan(inputs, options["output"], options["format"], f"{factor:g}", existing)
    if options["quality"] and not any(FORMATS[job.format].quality for job in jobs):
        raise UsageError("--quality is for JPEG and WebP, and no result is one", "leave it out, or --format jpg")
    summary = batch.Summary()
    with PictureProgress() as progress:

        def say(text: str, error: GankitError | None) -> None:
            progress.clear()
            if error is None:
                click.echo(text, err=True)
            else:
                print_error(error.message, error.hint)

        tasks = batch.look(jobs, factor, summary, say)
        if tasks:
            settings = Settings(
                tile=options["tile"],
                memory=options["memory"],
                ensemble=options["ensemble"],
                quality=options["quality"],
                force=options["force"],
                provenance=not options["no_provenance"],
                compare=options["compare"],
            )
            network = model(scale).open(options["backend"])
            batch.work(network, tasks, settings, summary, say, progress, alone=len(jobs) == 1)
    if options["as_json"]:
        print_json(batch.as_json(summary))
    if not jobs:
        click.echo("nothing to do: every result is there", err=True)
    if summary.failed:
        raise DataError(f"{len(summary.failed)} of {len(jobs)} pictures could not be enlarged", "see the errors above")


@group.command("evaluate")
@click.argument("data")
@click.option("--model", multiple=True, help="A model in the box, or a .safetensors file; repeatable.  [default: all]")
@click.option("--run", multiple=True, shell_complete=complete_run, help="A run of yours; repeatable.")
@click.option("--scale", type=click.IntRange(2, 4), default=4, show_default=True, help="Factor.")
@click.option("--backend", type=click.Choice(["auto", "tensorflow", "onnx"]), default="auto", show_default=True)
@rows_options
@runs_dir_option
@json_option
@common_options
def evaluate(data: str, model: tuple[str, ...], run: tuple[str, ...], **options: Any) -> None:
    """Score models on DATA beside bicubic interpolation.

    DATA is a folder of high-resolution images, or a dataset's name. They are reduced, enlarged again and compared with
    themselves: PSNR, SSIM (Wang's and daala's), feature distance, and NIQE, which needs no truth.
    """
    ready()
    from gankit.commands import show_evaluation
    from gankit.errors import UsageError
    from gankit_srgan import models
    from gankit_srgan.evaluation import enlarging, evaluate
    from gankit_srgan.photos import benchmark

    scale = options["scale"]
    names = model or (() if run else tuple(name for name, factor in models.shipped() if factor == scale))
    chosen = [models.find(name, scale) for name in names]
    chosen += [models.of_run(reference, options["runs_dir"]) for reference in run]
    if other := next((one for one in chosen if one.scale != scale), None):
        raise UsageError(f"{other.name} enlarges x{other.scale}, not x{scale}", f"--scale {other.scale}")
    methods = {one.name: enlarging(one.open(options["backend"])) for one in chosen}
    if len(methods) < len(chosen):
        raise UsageError("two models have the same name", "evaluate them one after the other")
    found = evaluate(methods, benchmark(data, scale), scale)
    ours, *others = methods
    result = {
        "recipe": "srgan",
        "model": ours,
        "data": data,
        "protocol": dict(found.protocol),
        "metrics": dict(found.metrics),
        "baselines": {name: dict(found.baselines[name]) for name in ("bicubic", *others)},
        "better": dict(found.better),
        "rows": list(found.rows),
    }
    shown = {key: options[key] for key in ("as_json", "rows", "csv")}
    show_evaluation(result, **shown, ours_name=ours)


@group.command("pack")
@run_argument
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The .safetensors file to write.")
@click.option("--name", help="What the model is called from now on.  [default: the run's id]")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@runs_dir_option
@common_options
def pack(run: str, output: Path, name: str | None, force: bool, runs_dir: Path | None) -> None:
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
    model = models.of_run(run, runs_dir)
    model = replace(model, name=name or model.name)
    output.parent.mkdir(parents=True, exist_ok=True)
    model.save(output)
    click.echo(f"{output}: {model.generator} x{model.scale}, {output.stat().st_size / 1e6:.2f} MB", err=True)


def _network(name: str | None, run: str | None, runs_dir: Path | None) -> tuple[list[int], Callable[[int], Any]]:
    """The factors that there are, and what gives the `models.Model` of one of them."""
    from gankit.errors import UsageError
    from gankit_srgan import models

    if name and run:
        raise UsageError("--model and --run exclude each other", "leave one out")
    name = name or "compact"
    if run:
        own = models.of_run(run, runs_dir)
    elif name.endswith(".safetensors"):
        own = models.find(name, 0)
    else:
        scales = [scale for known, scale in models.shipped() if known == name]
        return scales or [4], lambda scale: models.find(name, scale)
    return [own.scale], lambda scale: own


def _terminable() -> None:
    """Lets SIGTERM end the command as Ctrl-C does, so that nothing is left behind."""

    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
