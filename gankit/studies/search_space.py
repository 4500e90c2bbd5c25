"""Which values of a recipe's options are tried: what `--search` says, or the learning rates."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from gankit.config import RecipeConfig, resolve
from gankit.errors import ConfigError, did_you_mean

SPREAD = 10.0  # by which a learning rate may differ from its default where nothing is said
ITEMS = "give --search KEY=LOW:HIGH, KEY=LOW:HIGH:log or KEY=A,B,C"


@dataclass(frozen=True)
class Search:
    """What values of an option are tried.

    Attributes:
        key: The option, "lr" or "training.batch_size".
        low: Least number; None for choices.
        high: Greatest number.
        log: Whether ratios count, not differences.
        whole: Whether only integers are tried.
        choices: The values, where they are no range.
    """

    key: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.low is None:
            return f"{self.key}={','.join(self.choices)}"
        return f"{self.key}={self.low:g}:{self.high:g}{':log' * self.log}"

    def suggest(self, trial: Any) -> Any:
        """A value that Optuna's trial proposes."""
        if self.low is None or self.high is None:
            return trial.suggest_categorical(self.key, self.choices)
        if self.whole:
            return trial.suggest_int(self.key, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, log=self.log)

    def default(self, config: RecipeConfig) -> Any:
        """The configuration's own value; None if it is not among those that are tried."""
        value = _value(config, self.key)
        if self.low is None or self.high is None:
            read = {one: _value(with_values(config, {self.key: one}), self.key) for one in self.choices}
            return next((one for one in self.choices if read[one] == value), None)
        return value if isinstance(value, int | float) and self.low <= value <= self.high else None

    def check(self, config: RecipeConfig) -> None:
        """Raises ConfigError if the recipe refuses one of the choices, or an end of the range."""
        ends = [int(end) if self.whole else end for end in (self.low, self.high) if end is not None]
        for value in (*self.choices, *ends):
            with_values(config, {self.key: value})


def with_values(config: RecipeConfig, values: Mapping[str, Any]) -> Any:
    """The configuration with other values of some options.

    Raises:
        ConfigError: The recipe refuses them.
    """
    return resolve(type(config), config.model_dump(), values)


def _value(config: RecipeConfig, key: str) -> Any:
    return dict(_values(config))[key][0]


def _values(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Dotted key -> value and type of every option."""
    for name, about in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _values(value, f"{prefix}{name}.")
        else:
            yield prefix + name, (value, about.annotation)


def search(text: str, config: RecipeConfig) -> Search:
    """Reads `lr=1e-5:1e-2:log`, `training.batch_size=16:64` or `loss=hinge,wasserstein`.

    Raises:
        ConfigError: There is no such option, or the text says something else.

    Examples:
        >>> search("batch_size=16:64", RecipeConfig())
        Search(key='training.batch_size', low=16.0, high=64.0, log=False, whole=True, choices=())
        >>> str(search("precision=float32,bfloat16", RecipeConfig()))
        'training.precision=float32,bfloat16'
    """
    name, _, said = text.partition("=")
    known = dict(_values(config))
    key = name if name in known else f"training.{name}"
    if key not in known:
        hint = did_you_mean(name, [one.removeprefix("training.") for one in known])
        raise ConfigError(f"--search {text}: there is no option {name!r}", hint)
    numbers = [kind for kind in _kinds(known[key][1]) if kind in (int, float)]
    if ":" in said and numbers:
        first, second, *rest = said.split(":")
        try:
            low, high = float(first), float(second)
        except ValueError:
            raise ConfigError(f"--search {text} has a bound that is no number", ITEMS) from None
        logarithmic = rest == ["log"]
        if (rest and not logarithmic) or not -math.inf < low < high < math.inf or (logarithmic and low <= 0):
            raise ConfigError(f"--search {text} is no range", f"{ITEMS}; LOW < HIGH, and above 0 with log")
        return Search(key, low, high, logarithmic, whole=float not in numbers)
    choices = tuple(dict.fromkeys(part.strip() for part in said.split(",")))
    if len(choices) < 2 or not all(choices):
        raise ConfigError(f"--search {text} leaves no choice", ITEMS)
    return Search(key, choices=choices)


def _kinds(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def usual(config: RecipeConfig) -> list[Search]:
    """What is tried where nothing is said: the learning rates, from a tenth of their values to ten times as much.

    Raises:
        ConfigError: The recipe has none.
    """
    rates = [
        Search(key, value / SPREAD, value * SPREAD, log=True)
        for key, (value, _) in _values(config)
        if isinstance(value, float) and "lr" in key.rpartition(".")[2].split("_") and value > 0
    ]
    if not rates:
        raise ConfigError("the recipe has no learning rate to search", ITEMS)
    return rates
