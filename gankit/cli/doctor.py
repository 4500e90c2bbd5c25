"""`gankit doctor`: what is installed, and what is wrong with it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import shutil
from typing import Any

import click

from gankit import plugins
from gankit.commands import common_options, json_option, print_json, quiet_tensorflow
from gankit.support.places import home
from gankit.version import __version__

WANTED = (
    *("tensorflow", "tensorflow-cpu", "keras", "numpy", "pydantic", "safetensors", "scikit-image", "Pillow"),
    "onnxruntime",
)


def examine() -> dict[str, Any]:
    """Everything that a bug report needs, and the problems found."""
    quiet_tensorflow()
    entries = plugins.discover()  # before TensorFlow, to see which of them imports it
    problems = [f"recipe {e.name} of {e.distribution} is broken: {e.error}" for e in entries if e.recipe is None]
    problems += [f"recipe {e.name} slows every command: {e.heavy} at its top" for e in entries if e.heavy]
    twice = plugins.duplicates(entries)
    problems += [f"recipe {name} is offered by {' and '.join(owners)}" for name, owners in twice.items()]
    versions: dict[str, str] = {}
    for name in WANTED:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    gpus: list[str] = []
    if not {"tensorflow", "tensorflow-cpu"} & set(versions):
        problems.append("TensorFlow is not installed: pip install 'gankit[cpu]', or 'gankit[gpu]' with an NVIDIA GPU")
    else:
        try:
            import tensorflow as tf

            gpus = [device.name for device in tf.config.list_physical_devices("GPU")]
        except Exception as error:
            problems.append(f"TensorFlow cannot be imported: {type(error).__name__}: {error}")
    return {
        "gankit": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "gpus": gpus,
        "free_disk_gb": round(shutil.disk_usage(".").free / 1e9, 1),
        "home": str(home()),
        "versions": versions,
        "recipes": {entry.name: f"{entry.distribution} {entry.version}" for entry in entries},
        "problems": problems,
    }


@click.command("doctor")
@json_option
@common_options
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check the installation; exits with 1 if something is wrong."""
    found = examine()
    if as_json:
        print_json(found)
    else:
        for key in ("gankit", "python", "platform", "cpus", "free_disk_gb", "home"):
            click.echo(f"{key:16}{found[key]}")
        click.echo(f"{'gpus':16}{', '.join(found['gpus']) or 'none: runs compute on the CPU'}")
        for name, version in found["versions"].items():
            click.echo(f"{name:16}{version}")
        for name, plugin in found["recipes"].items():
            click.echo(f"recipe          {name} ({plugin})")
        for problem in found["problems"]:
            click.echo(f"{click.style('problem', fg='red')}       {problem}")
        click.echo("nothing is wrong" if not found["problems"] else f"{len(found['problems'])} problem(s)")
    ctx.exit(1 if found["problems"] else 0)
