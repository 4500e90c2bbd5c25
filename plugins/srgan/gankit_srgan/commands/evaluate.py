"""`gankit srgan evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from gankit.commands import (
    common_options,
    complete_run,
    json_option,
    ready,
    rows_options,
    runs_dir_option,
    show_evaluation,
)
from gankit_srgan.commands import runtime_option


@click.command("evaluate")
@click.argument("data")
@click.option("--model", multiple=True, help="Model in the box, or a .safetensors file; repeatable.  [default: all]")
@click.option("--run", multiple=True, shell_complete=complete_run, help="Run of yours to score; repeatable.")
@click.option("--scale", type=click.IntRange(1, 4), default=4, show_default=True, help="Factor of enlargement.")
@click.option(
    "--tracks",
    default="clean",
    show_default=True,
    help="What the small pictures suffer: some of clean,mild,medium,strong, or all.",
)
@runtime_option
@rows_options
@runs_dir_option
@json_option
@common_options
def command(
    data: str,
    model: tuple[str, ...],
    run: tuple[str, ...],
    scale: int,
    tracks: str,
    runtime: str,
    runs_dir: Path | None,
    as_json: bool,
    rows: bool,
    csv: Path | None,
) -> None:
    """Score models on DATA beside bicubic interpolation.

    DATA is a folder of high-resolution images, or a dataset's name. They are reduced, enlarged again and compared with
    themselves: PSNR, SSIM (Wang's and daala's), feature distance, and NIQE, which needs no truth. With --tracks the
    small pictures are damaged as well, by blur, noise and JPEG, always in the same way.
    """
    ready()
    from gankit.errors import UsageError
    from gankit_srgan import models
    from gankit_srgan.degradation.tracks import named
    from gankit_srgan.evaluation import enlarging, evaluate, restoring
    from gankit_srgan.photos import benchmark
    from gankit_srgan.upscale.automatic import DAMAGED

    shipped = models.shipped()
    # None in the box keeps the size: the one that restores enlarges, and its result is shrunk.
    fitting = [(name, factor) for name, factor in shipped if factor == scale or (scale == 1 and name == DAMAGED)]
    names = model or (() if run else tuple(name for name, _ in fitting))
    factors = dict(fitting)
    chosen = [models.find(name, factors.get(name, scale)) for name in names]
    chosen += [models.of_run(one, runs_dir) for one in run]
    if scale > 1 and (other := next((one for one in chosen if one.scale != scale), None)):
        raise UsageError(f"{other.name} enlarges x{other.scale}, not x{scale}", f"--scale {other.scale}")
    opened = {one.name: (one.scale, enlarging(models.opened(one, runtime))) for one in chosen}
    methods = {name: method if factor == scale else restoring(method) for name, (factor, method) in opened.items()}
    if len(methods) < len(chosen):
        raise UsageError("two models have the same name", "evaluate them one after the other")
    found = evaluate(methods, benchmark(data, scale), scale, named(tracks, scale))
    ours = next(iter(methods))
    result = {"recipe": "srgan", "model": ours, "data": data, **found.as_dict()}
    show_evaluation(result, as_json=as_json, rows=rows, csv=csv, ours_name=ours)
