"""`gankit data list|fetch|check`: datasets that have a card, and folders of one's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit.commands import common_options, complete_recipe, json_option, print_json, print_table, talk
from gankit.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from gankit.datasets.cards import Card

MOST_LINES = 20  # of problems; JSON holds all of them


def card_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--card`."""
    return click.option(
        "--card",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The dataset's card, a YAML file, in place of an installed one.",
    )(command)


def complete_dataset(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Dataset names for the shell."""
    from gankit.datasets import catalogue

    return [name for name in catalogue.all_cards() if name.startswith(incomplete)]


def chosen(name: str | None, file: Path | None) -> Card:
    """The card that is meant by NAME, by a card's file in its place, or by `--card`."""
    from gankit.datasets import catalogue

    if file is None:
        assert name is not None  # one of the two is always given
        return catalogue.read_card(Path(name)) if catalogue.is_card(Path(name)) else catalogue.named(name)
    card = catalogue.read_card(file)
    if name not in (None, card.name):
        raise UsageError(f"{file} is the card of {card.name!r}, not of {name!r}", f"say {card.name} --card {file}")
    return card


def data_of_card(file: Path | None, name: str | None) -> str | None:
    """What `--data` means together with `--card FILE`: the card's absolute path.

    The path becomes part of the run's configuration, so that resuming and evaluating it read the same card.
    """
    if file is None:
        return name
    chosen(name, file)
    return str(file.absolute())


@click.group("data")
def command() -> None:
    """List, fetch and check datasets.

    They lie in $GANKIT_HOME/datasets, or, if that is not set, in the user's folder of application data.
    """


@command.command("list")
@json_option
@common_options
def list_command(as_json: bool) -> None:
    """List the datasets that have a card."""
    from gankit.datasets import catalogue
    from gankit.support.values import human

    found = sorted(catalogue.all_cards().values(), key=lambda card: card.name)
    if as_json:
        keys = ("name", "title", "kind", "bytes", "state", "licence", "citation", "folder")
        return print_json([{key: getattr(card, key) for key in keys} for card in found])
    if not found:
        return click.echo("there are no datasets; pip install gankit-datasets brings some", err=True)
    rows = [[card.name, card.title, card.kind, human(card.bytes), card.state, card.licence] for card in found]
    return print_table(["dataset", "what it is", "kind", "size", "state", "licence"], rows)


@command.command("fetch")
@click.argument("name", shell_complete=complete_dataset)
@card_option
@click.option("--verify", is_flag=True, help="Compare every file's hash, and replace what is damaged.")
@json_option
@common_options
def fetch_command(name: str, card: Path | None, verify: bool, as_json: bool) -> None:
    """Download and unpack the dataset NAME, or what is missing of it.

    NAME is a name from 'gankit data list', or the file of a card. An interrupted download goes on where it stopped.
    """
    talk()
    from gankit.support.values import human

    dataset = chosen(name, card)
    dataset.fetch(verify=verify)
    splits = {split: dataset.paths(split) for split in dataset.split_names}
    if as_json:
        return print_json({"name": dataset.name, "folder": dataset.folder, "splits": splits})
    folder = dataset.folder
    for split, paths in splits.items():
        place = f"in {os.path.commonpath([path.parent for path in paths])}" if folder else "of installed packages"
        click.echo(f"{split:9}  {len(paths)} files {place}")
    if folder and (kept := sum(file.stat().st_size for file in (folder / "downloads").glob("*"))):
        click.echo(f"archives   {human(kept)} in {folder / 'downloads'}, not needed any more")
    return None


@command.command("check")
@click.argument("target", shell_complete=complete_dataset)
@card_option
@click.option("--recipe", shell_complete=complete_recipe, help="Recipe that says how it would read TARGET.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="An option of that recipe; repeatable.")
@json_option
@common_options
def check_command(target: str, card: Path | None, recipe: str | None, sets: tuple[str, ...], as_json: bool) -> None:
    """Check a dataset, or what a recipe makes of your files.

    TARGET is the name or the card of a dataset, whose files are compared with their hashes. With --recipe it is a file
    or a folder of yours: the recipe says what it can read, and what it cannot. Nothing is changed. The exit code is 1
    if anything is missing or damaged.
    """
    talk()
    if recipe:
        return _check_for(recipe, data_of_card(card, target) or target, sets, as_json)
    if sets:
        raise UsageError("--set is for the options of a recipe", "give --recipe NAME")
    from gankit.datasets import catalogue

    path = Path(target).expanduser()
    if card or target in catalogue.all_cards() or catalogue.is_card(path):
        return _check_dataset(chosen(target, card), target if card is None else f"{target} --card {card}", as_json)
    if path.exists():
        raise UsageError(f"who is to read {target}?", f"gankit data check {target} --recipe NAME, such as srgan")
    hint = did_you_mean(target, catalogue.all_cards())
    raise UsageError(f"there is no dataset, folder or file {target!r}", hint)


def _check_for(recipe: str, target: str, sets: Sequence[str], as_json: bool) -> None:
    from gankit import plugins
    from gankit.config import resolve
    from gankit.engine import contract

    found = plugins.find(recipe).recipe
    facts, text = contract.check(contract.make(found, resolve(found.Config, sets=sets)), target)
    if as_json:
        print_json(facts)
    else:
        click.echo(text)
    if facts.get("ok") is False:
        hint = "remove what is named above, or put whole files in its place"
        raise DataError(f"not all of {target} can be used", hint)


def _check_dataset(card: Card, words: str, as_json: bool) -> None:
    problems = card.problems()
    if as_json:
        listed = [asdict(problem) for problem in problems]
        print_json({"name": card.name, "folder": card.folder, "ok": not problems, "problems": listed})
    else:
        for problem in problems[:MOST_LINES]:
            click.echo(f"{problem.path}: {problem.what}")
        if len(problems) > MOST_LINES:
            click.echo(f"and {len(problems) - MOST_LINES} more; --json lists them all")
    if problems:
        count = "1 file" if len(problems) == 1 else f"{len(problems)} files"
        raise DataError(f"{count} of {card.name!r} missing or damaged", f"gankit data fetch {words} --verify")
    if not as_json:
        click.echo(f"{card.name}: every file is as it should be")
