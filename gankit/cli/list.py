"""`gankit list`: the installed recipes."""

from __future__ import annotations

import click

from gankit import plugins
from gankit.commands import common_options, json_option, print_json, print_table


@click.command("list")
@json_option
@common_options
def command(as_json: bool) -> None:
    """List the recipes that can be trained."""
    entries = plugins.discover()
    twice = plugins.duplicates(entries)
    rows = []
    for entry in entries:
        summary = entry.recipe.summary if entry.recipe else f"broken: {entry.error}"
        if entry.name in twice:
            summary = f"offered by {' and '.join(twice[entry.name])}: say {entry.distribution}/{entry.name}"
        rows.append({"recipe": entry.name, "plugin": f"{entry.distribution} {entry.version}", "summary": summary})
        if entry.heavy:
            click.echo(f"{entry.name} slows this list: {entry.heavy} at its top, and not in a method", err=True)
    if as_json:
        return print_json(rows)
    if not rows:
        click.echo("no recipes are installed; pip install gankit-srgan brings one", err=True)
        return None
    return print_table(["recipe", "plugin", "what it does"], [list(row.values()) for row in rows])
