"""`gankit info RECIPE`: what a recipe is, and its configuration."""

from __future__ import annotations

import inspect

import click

from gankit import plugins
from gankit.cli.verify import print_claims
from gankit.commands import common_options, complete_recipe, json_option, print_json
from gankit.config import to_yaml
from gankit.engine import contract
from gankit.studies.claims import claim_dict


@click.command("info")
@click.argument("recipe", shell_complete=complete_recipe)
@json_option
@common_options
def command(recipe: str, as_json: bool) -> None:
    """Describe a recipe: method, source, defaults, claims.

    The defaults are printed as YAML: save them, change them, and give the file to 'gankit run RECIPE --config'.
    """
    entry = plugins.find(recipe)
    cls = entry.recipe
    group = contract.commands(cls)
    verbs = sorted(group.list_commands(click.Context(group))) if group else []
    if as_json:
        return print_json(
            {
                "recipe": cls.name,
                "plugin": f"{entry.distribution} {entry.version}".strip(),
                "summary": cls.summary,
                "paper": cls.paper,
                "commands": verbs,
                "claims": [claim_dict(claim) for claim in cls.claims],
                "config": cls.Config.model_json_schema(),
            }
        )
    click.echo(f"{cls.name} ({entry.distribution} {entry.version})\n{cls.summary}\n")
    click.echo(inspect.cleandoc(cls.__doc__ or ""))
    if cls.paper:
        click.echo(f"\npaper: {cls.paper}")
    for verb in verbs:
        click.echo(f"command: gankit {cls.name} {verb}")
    print_claims(cls.claims)
    if cls.claims:
        click.echo(f"to check them: gankit verify {recipe}")
    click.echo("\ndefaults:\n")
    return click.echo(to_yaml(cls.name, cls.Config()).rstrip())
