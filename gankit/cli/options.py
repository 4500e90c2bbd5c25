"""Command line options made from a recipe's typed configuration."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gankit.config import RecipeConfig, read_yaml, resolve
from gankit.errors import ConfigError
from gankit.recipe import Recipe

weights_option = click.option(
    "--weights",
    type=click.Choice(["last", "best"]),
    default="last",
    show_default=True,
    help="Weights to use: those that the training ended with, or the best ones, where the recipe keeps them.",
)


def scalar_type(annotation: Any) -> click.ParamType | None:
    """The click type of a scalar annotation; None for groups and collections, which `--set` and files can give."""
    plain = _without_none(annotation)
    if typing.get_origin(plain) is Literal:
        return click.Choice([str(value) for value in typing.get_args(plain)])
    if typing.get_origin(plain) is tuple:  # of a fixed length: so many values follow the option
        parts = [scalar_type(part) for part in typing.get_args(plain)]
        return click.Tuple([part for part in parts if part]) if parts and all(parts) else None
    # Numbers stay text: pydantic reads them, so that ranges and types are judged in one place.
    return click.BOOL if plain is bool else click.STRING if plain in (int, float, str, Path) else None


def _without_none(annotation: Any) -> Any:
    """`X` of `X | None`; others as they are."""
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation
    inner = [part for part in typing.get_args(annotation) if part is not type(None)]
    return inner[0] if len(inner) == 1 else annotation


def fields_of(config: type[RecipeConfig]) -> Iterator[tuple[str, str, FieldInfo, Any]]:
    """Dotted key, parameter name, field and default of every field that is no group."""
    defaults = config()
    for prefix, model in (("", defaults), ("training.", defaults.training)):
        for name, field in type(model).model_fields.items():
            if not isinstance(default := getattr(model, name), BaseModel):
                yield prefix + name, name, field, default


def options_of(recipe: type[Recipe]) -> list[click.Option]:
    """The options of `gankit run RECIPE`: the recipe's fields first, then the engine's."""
    options = []
    for _, name, field, default in fields_of(recipe.Config):
        kind = scalar_type(field.annotation)
        if kind is None:
            continue
        flag = f"--{name.replace('_', '-')}"
        shown = "" if default is None else f"  [default: {default}]"
        text = (field.description or "") + shown
        if kind is click.BOOL:
            options.append(click.Option([f"{flag}/--no-{flag[2:]}", name], default=None, help=text))
        else:
            metavar = {int: "INT", float: "FLOAT"}.get(_without_none(field.annotation))
            options.append(click.Option([flag, name], type=kind, default=None, metavar=metavar, help=text))
    return options


def configure(recipe: type[Recipe], config: Path | None, sets: tuple[str, ...], given: dict[str, Any]) -> RecipeConfig:
    """The configuration by `--config`, `--set`, and what is given of `options_of`: None where one was not used."""
    keys = {name: key for key, name, _, _ in fields_of(recipe.Config)}
    chosen = {keys[name]: value for name, value in given.items() if value is not None}
    document = read_yaml(config) if config else {}
    if document.get("recipe", recipe.name) != recipe.name:
        raise ConfigError(
            f"{config} configures the recipe {document['recipe']!r}, not {recipe.name!r}",
            f"gankit run {document['recipe']} --config {config}",
        )
    return resolve(recipe.Config, document, chosen, sets)
