"""`gankit srgan upscale`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit.commands import common_options, complete_run, jobs_options, json_option, print_json, ready, runs_dir_option
from gankit_srgan.commands import runtime_option

if TYPE_CHECKING:
    from gankit.support import Jobs


def tile_size(ctx: click.Context, param: click.Parameter, value: str) -> int | None:
    """Text -> pixels; None for "auto"."""
    if value != "auto" and not value.isdecimal():
        raise click.BadParameter(f"{value!r} is neither 'auto' nor a number of pixels")
    return None if value == "auto" else int(value)


@click.command("upscale")
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A file for one picture, else a folder.  [default: NAME_x4.EXT beside IN; none for folders]",
)
@click.option(
    "--model",
    help="Model in the box, or a .safetensors file; auto: restore for damaged pictures, else compact.  [default: auto]",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    help="How far the network goes from the smallest error (0) to invented detail (1); for --model texture.",
)
@click.option(
    "--run", shell_complete=complete_run, help="Run of yours whose network is used: a folder, an id or 'latest'."
)
@click.option("--scale", type=click.IntRange(2, 4), help="Factor of the network.  [default: 4]")
@click.option(
    "--outscale", type=float, help="Factor of the result, 1 to 4, such as 2.5; the next larger network is shrunk."
)
@click.option("--ensemble", is_flag=True, help="Mean over 8 turned copies: a little better, 8 times slower.")
@click.option(
    "--format", type=click.Choice(["png", "jpg", "tif", "webp"]), help="Format of the results.  [default: as IN]"
)
@click.option(
    "--frames",
    type=click.Choice(["first", "all"]),
    default="first",
    show_default=True,
    help="Pages of a TIFF or frames of an animation that are enlarged. All pages become one TIFF, all frames one "
    "animated WebP; with another --format, or if pages differ in size, NAME_x4_001.EXT and so on.",
)
@click.option("--quality", type=click.IntRange(1, 100), help="Quality of JPEG (95) and WebP (90).")
@click.option("--force", is_flag=True, help="Replace existing files.")
@click.option("--skip-existing", is_flag=True, help="Make only what is not there yet.")
@click.option("--no-provenance", is_flag=True, help="Leave out the XMP that says that a model made the pixels.")
@click.option("--compare", is_flag=True, help="Write a page that shows each result beside bicubic interpolation.")
@click.option(
    "--tile",
    callback=tile_size,
    default="auto",
    metavar="auto|N|0",
    help="Side of the tiles in pixels of IN; 0 for none.  [default: auto, by --memory]",
)
@click.option(
    "--memory",
    type=click.IntRange(min=1),
    default=1400,
    show_default=True,
    help="Memory that a process may take, in MB.",
)
@runtime_option
@jobs_options()
@runs_dir_option
@json_option
@common_options
def command(inputs: tuple[str, ...], jobs: Jobs, **options: Any) -> None:
    """Enlarge pictures: files, folders, globs in quotes.

    \b
    gankit srgan upscale photo.jpg                    photo_x4.jpg
    gankit srgan upscale photo.jpg -o large.png       keeps alpha, 16 bits, profile, EXIF
    gankit srgan upscale scans/ -o large/ --scale 2   a folder and its subfolders
    gankit srgan upscale old.jpg --outscale 1         repaired, not enlarged
    gankit srgan upscale photo.jpg --model texture    with invented detail
    gankit srgan upscale photo.jpg --run latest       your network
    gankit srgan upscale cat.gif --frames all         every frame: cat_x4.webp
    """  # noqa: D301
    ready()
    from gankit.errors import DataError, UsageError
    from gankit_srgan import models
    from gankit_srgan.upscale.automatic import SOUND, Automatic
    from gankit_srgan.upscale.batch import Batch, factor_for
    from gankit_srgan.upscale.formats import FORMATS
    from gankit_srgan.upscale.job import Settings
    from gankit_srgan.upscale.targets import plan

    if options["force"] and options["skip_existing"]:
        raise UsageError("--force and --skip-existing exclude each other", "leave one out")
    if options["model"] and options["run"]:
        raise UsageError("--model and --run exclude each other", "leave one out")
    automatic = not options["run"] and options["model"] in (None, "auto")
    if automatic and options["strength"] is not None:
        raise UsageError("--strength is for a network that invents detail", "add --model texture")
    name = SOUND if automatic else options["model"] or ""
    known = models.by_scale(name, options["run"], options["runs_dir"])
    scale, factor = factor_for(list(known), options["scale"], options["outscale"])
    existing = "replace" if options["force"] else "skip" if options["skip_existing"] else "refuse"
    pictures = plan(inputs, options["output"], options["format"], f"{factor:g}", existing, options["frames"])
    if options["quality"] and not any(FORMATS[job.format].quality for job in pictures):
        raise UsageError("--quality is for JPEG and WebP, and no result is one", "leave it out, or --format jpg")
    batch = Batch(pictures, factor)
    if tasks := batch.prepare():
        shared = {key: options[key] for key in ("tile", "memory", "ensemble", "quality", "force", "compare")}
        settings = Settings(**shared, provenance=not options["no_provenance"])
        where = options["run"], options["runs_dir"], scale, options["runtime"]
        choice = models.Choice(name, *where, options["strength"])
        batch.enlarge(Automatic(choice) if automatic else choice, tasks, settings, jobs)
    if options["as_json"]:
        print_json(batch.as_dict())
    if not pictures:
        click.echo("nothing to do: every result is there", err=True)
    if batch.failed:
        raise DataError(
            f"{len(batch.failed)} of {len(pictures)} pictures could not be enlarged", "see the errors above"
        )
