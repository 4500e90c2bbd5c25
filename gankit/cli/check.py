"""`gankit check RECIPE`: the compliance kit from the command line."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from gankit import plugins
from gankit.commands import common_options, complete_recipe, json_option, print_json, ready
from gankit.errors import UsageError
from gankit.testing.kit import CHECKS, FAST, Outcome, outcomes, says

LIGHT = {"identity", "light_import", "config_round_trip"}  # start no TensorFlow


@click.command("check")
@click.argument("recipe", shell_complete=complete_recipe)
@click.option("--fast", is_flag=True, help="Leave out the checks that train: some seconds instead of some minutes.")
@click.option(
    "--only", "chosen", multiple=True, type=click.Choice(CHECKS), help="Name of the check to run; repeatable."
)
@json_option
@common_options
@click.pass_context
def command(ctx: click.Context, recipe: str, fast: bool, chosen: tuple[str, ...], as_json: bool) -> None:
    """Check that a recipe keeps the contract; exits with 1 if it does not.

    RECIPE is a name from 'gankit list', or FILE.py:CLASS. It is trained for some steps with its smallest options
    (Recipe.tiny, and Recipe.tiny_data where its data are the user's own), on the CPU.
    """
    if fast and chosen:
        raise UsageError("--fast and --only both choose checks", "leave one of them out")
    checks = [check for check in CHECKS if check in chosen] or (FAST if fast else CHECKS)
    ready()
    if logging.getLogger("gankit").level == logging.INFO:
        logging.getLogger("gankit").setLevel(logging.WARNING)  # of the tiny run, only what is wrong is news
    began = time.perf_counter()
    cls = plugins.find(recipe).recipe
    if set(checks) - LIGHT:
        two_cpus()
    found: list[Outcome] = []
    with folder() as place:
        for outcome in outcomes(cls, checks, place):
            if not as_json:
                report(outcome, [earlier.check for earlier in found if earlier.message == outcome.message])
            found.append(outcome)
    failed, seconds = sum(bool(one.message) for one in found), time.perf_counter() - began
    if as_json:
        rows = [
            {"check": one.check, "ok": not one.message, "seconds": round(one.seconds, 2)}
            | ({"message": one.message, "hint": one.hint} if one.message else {})
            for one in found
        ]
        print_json({"recipe": cls.name, "ok": not failed, "seconds": round(seconds, 2), "checks": rows})
    else:
        said = f"{failed} of {len(found)} checks failed" if failed else f"all {len(found)} checks passed"
        click.echo(f"{said} in {seconds:.0f} s")
    ctx.exit(1 if failed else 0)


def two_cpus() -> None:
    """Two logical CPU devices, and no other: a machine with one GPU could not compare one device with two."""
    import tensorflow as tf

    from gankit.engine.distribution import logical_cpus

    if tf.config.list_physical_devices("GPU"):
        tf.config.set_visible_devices([], "GPU")
    logical_cpus(2)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder for what the checks write."""
    with tempfile.TemporaryDirectory(prefix="gankit-check-") as place:
        yield Path(place)


def report(outcome: Outcome, before: list[str]) -> None:
    """A line of what a check found; what `before` has said is not said again."""
    mark = click.style("FAILED", fg="red", bold=True) if outcome.message else click.style("ok    ", fg="green")
    text = outcome.message or says(outcome.check)
    again = outcome.message and before
    click.echo(f"{mark}  {outcome.check:17}  {outcome.seconds:5.1f} s  {f'as {before[0]}' if again else text}")
    if outcome.hint and not again:
        click.echo(f"{'':36}{click.style('hint:', fg='cyan')} {outcome.hint}")
