"""Typed configuration: pydantic models <-> YAML <-> command line.

One model a recipe holds everything that decides a training: its own fields and, under `training`, the engine's.
Precedence: defaults < `--config FILE` < options < `--set key=value`. Unknown keys and wrong values give one located
`ConfigError`.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gankit.errors import ConfigError, did_you_mean

__all__ = ["RecipeConfig", "Section", "Training", "resolve"]

MAX_YAML_BYTES = 1 << 20  # a configuration or a card is a few lines; a card of a hundred files has 30 kB


class Section(BaseModel):
    """A group of configuration fields: immutable, and strict about unknown keys.

    Examples:
        >>> class Weights(Section):
        ...     pixel: float = 1.0
        >>> Weights(pixel=0.5).pixel
        0.5
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False, defer_build=True)


class Training(Section):
    """The engine's part of a configuration; the same for every recipe.

    Examples:
        >>> Training(batch_size=8).precision
        'float32'
    """

    seed: int = Field(0, ge=0, lt=2**31, description="Seed of weights, shuffling, noise and augmentation.")
    batch_size: int = Field(16, ge=1, description="Examples in a step, over all replicas.")
    strategy: Literal["auto", "single", "mirrored", "multiworker"] = Field(
        "auto", description="How steps are spread over devices; auto mirrors over several GPUs."
    )
    cluster: Literal["auto", "tf-config", "slurm", "kubernetes"] = Field(
        "auto", description="Who tells the workers of the multiworker strategy; auto takes who is there."
    )
    communication: Literal["auto", "ring", "nccl"] = Field(
        "auto", description="How workers add up gradients; nccl is for GPUs."
    )
    wait_minutes: float = Field(10.0, gt=0, description="Minutes that workers wait for each other at the start.")
    devices: int | None = Field(
        None, ge=1, description="Devices of the mirrored strategy; without GPUs, logical CPU devices."
    )
    precision: Literal["float32", "float64", "bfloat16"] = Field(
        "float32", description="Numbers that the networks compute in; with bfloat16 the weights stay float32."
    )
    max_steps: int | None = Field(
        None, ge=1, description="Most steps of all stages together; each stage is shortened in proportion."
    )
    max_minutes: float | None = Field(
        None,
        gt=0,
        description="Minutes of training, about: first steps are measured, then their number is fixed for good.",
    )
    init_from: str | None = Field(
        None,
        description="Run whose weights this one starts from: a folder, an id or 'latest'. Some recipes take more.",
    )
    init_partial: bool = Field(False, description="With init_from, variables of another shape begin afresh.")
    steps_per_call: int = Field(10, ge=1, description="Steps inside one graph call.")
    log_every: int = Field(50, ge=1, description="Steps between lines of metrics.jsonl.")
    sample_every: int = Field(1000, ge=1, description="Steps between sample grids.")
    checkpoint_every: int = Field(500, ge=1, description="Steps between checkpoints.")


class RecipeConfig(Section):
    """Base of every recipe's configuration: subclass it and add fields with descriptions.

    Examples:
        >>> RecipeConfig(training={"seed": 3}).training.seed
        3
    """

    training: Training = Field(default_factory=lambda: Training(), description="Engine settings.")


C = TypeVar("C", bound=RecipeConfig)


class _SafeLoader(yaml.SafeLoader):
    """SafeLoader that refuses aliases, of which a few expand to gigabytes ("billion laughs"), and a key given twice.

    Of two equal keys YAML's libraries take the last, so that a line further up seems to hold and does not.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: dict[Any, int] = {}
        for name, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            key, line = self.construct_object(name, deep=True), name.start_mark.line + 1
            if isinstance(key, Hashable):  # of others the library says that they are no keys
                if key in seen:
                    said = f"the key {key!r} stands twice, in line {seen[key]} and in line {line}"
                    raise yaml.constructor.ConstructorError(None, None, said)
                seen[key] = line
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: Any) -> int:
        value = super().construct_yaml_int(node)
        if value.bit_length() > 64:  # beyond 4300 digits Python would not even print it
            raise yaml.constructor.ConstructorError(None, None, "the number is too large", node.start_mark)
        return value


_SafeLoader.add_constructor("tag:yaml.org,2002:int", _SafeLoader.construct_yaml_int)


class _SafeDumper(yaml.SafeDumper):
    """SafeDumper that escapes what is not printable: unescaped, U+0085 came back as a space."""

    def represent_str(self, data: str) -> Any:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if data.isprintable() else '"')


_SafeDumper.add_representer(str, _SafeDumper.represent_str)


def parse_yaml(text: str, origin: str) -> dict[str, Any]:
    """A YAML mapping of at most 1 MiB, without aliases, as a dictionary; an error calls it `origin`.

    Raises:
        ConfigError: It is not a YAML mapping with text keys.
    """
    if len(text.encode("utf-8", "replace")) > MAX_YAML_BYTES:
        raise ConfigError(f"{origin} is larger than 1 MiB", "a configuration is a few lines of YAML")
    try:
        document = yaml.load(text, Loader=_SafeLoader)
    except Exception as error:  # for '!!bool x' or '!!int ""' PyYAML raises KeyError and IndexError
        raise ConfigError(f"{origin} is not valid YAML: {' '.join(str(error).split())}") from error
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise ConfigError(f"{origin} is not a mapping of names to values", "write lines such as 'scale: 4'")
    return document


def read_yaml(path: Path) -> dict[str, Any]:
    """`parse_yaml` of a file."""
    try:
        if path.stat().st_size > MAX_YAML_BYTES:
            raise ConfigError(f"{path} is larger than 1 MiB", "a configuration is a few lines of YAML")
        return parse_yaml(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration {path}: {error}") from error


def to_yaml(recipe: str, config: RecipeConfig) -> str:
    """The whole configuration as YAML; `from_document` of it gives an equal configuration."""
    document = {"recipe": recipe, **config.model_dump(mode="json")}
    return str(yaml.dump(document, Dumper=_SafeDumper, sort_keys=False, allow_unicode=True))


def from_document(cls: type[C], document: Mapping[str, Any]) -> C:
    """Validates a document: field -> value, nested; the key `recipe` is left out.

    Raises:
        ConfigError: Names each wrong key or value with its place.
    """
    try:
        return cls.model_validate(_over_defaults(cls, {key: v for key, v in document.items() if key != "recipe"}))
    except ValidationError as error:
        raise _located(cls, error) from error


def set_value(document: dict[str, Any], assignment: str) -> None:
    """Applies `a.b=value` to a document in place.

    The value is text that the field's type interprets (`1e-4` is a number for a number field and text for a text
    field); lists, mappings and null are read as YAML, and text in double quotes as JSON, so that any text can be given.

    Raises:
        ConfigError: There is no `=`, or `a` is not a group.
    """
    key, found, text = assignment.partition("=")
    key = key.strip()
    if not found or not key:
        raise ConfigError(f"--set {assignment!r} is not of the form key=value", "for example --set training.seed=3")
    value: Any = text.strip()
    if value[:1] in ("[", "{") or value in ("null", "~"):
        value = parse_yaml(f"value: {value}", f"--set {key}")["value"]
    elif value[:1] == '"':
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    _put(document, key, value)


def resolve(
    cls: type[C],
    document: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    sets: Iterable[str] = (),
) -> C:
    """The configuration from all its origins, later ones winning.

    Args:
        cls: The recipe's `Config`.
        document: From `--config`.
        options: Dotted key -> value from the command line or Python.
        sets: `a.b=value` texts.

    Examples:
        >>> resolve(RecipeConfig, {"training": {"seed": 7}}, sets=["training.batch_size=8"]).training.seed
        7
    """
    merged = copy.deepcopy(dict(document or {}))
    for key, value in (options or {}).items():
        _put(merged, key, value)
    for assignment in sets:
        set_value(merged, assignment)
    return from_document(cls, merged)


def arguments(config: RecipeConfig) -> list[str]:
    """Command line arguments that give `config` again: one `--set` for each value that is not the default."""
    found: list[str] = []

    def walk(section: BaseModel, defaults: BaseModel | None, prefix: str) -> None:
        plain = section.model_dump(mode="json")
        for key, field in type(section).model_fields.items():
            value = getattr(section, key)
            default = field.get_default(call_default_factory=True) if defaults is None else getattr(defaults, key)
            if isinstance(value, BaseModel) and type(value) is type(default):
                walk(value, default, f"{prefix}{key}.")
            elif value != default:
                found.extend(["--set", f"{prefix}{key}={_assignable(plain[key])}"])

    walk(config, None, "")
    return found


def _assignable(value: Any) -> str:
    """Text that `set_value` reads as `value`."""
    if not isinstance(value, str):
        return str(yaml.safe_dump(value, default_flow_style=True, width=10**6)).removesuffix("...\n").strip()
    taken = value[:1] in ("[", "{", '"') or value in ("null", "~") or value != value.strip()
    return json.dumps(value) if taken or not value.isprintable() else value


def _over_defaults(cls: type[BaseModel], given: Mapping[str, Any], defaults: BaseModel | None = None) -> dict[str, Any]:
    """`given` on top of what the enclosing model sets for its sections: `training: Training = Training(...)`."""
    merged = dict(given)
    for name, field in cls.model_fields.items():
        default = field.get_default(call_default_factory=True) if defaults is None else getattr(defaults, name)
        is_section = isinstance(default, BaseModel) and field.annotation is type(default)
        if is_section and isinstance(merged.get(name), Mapping):
            merged[name] = _over_defaults(type(default), merged[name], default)
        elif defaults is not None:
            merged.setdefault(name, default)
    return merged


def _put(document: dict[str, Any], key: str, value: Any) -> None:
    """`document[a][b] = value` for the key "a.b"; missing groups are made."""
    *groups, leaf = key.split(".")
    place = document
    for group in groups:
        place = place.setdefault(group, {})
        if not isinstance(place, dict):
            raise ConfigError(f"{key}: {group!r} is a value, not a group")
    place[leaf] = value


def _fields_at(cls: type[BaseModel], place: tuple[Any, ...]) -> list[str]:
    """Names of the fields of the (nested) model at `place`."""
    for part in place:
        inner = cls.model_fields[part].annotation if part in cls.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        cls = inner
    return list(cls.model_fields)


def _located(cls: type[BaseModel], error: ValidationError) -> ConfigError:
    lines, hint = [], ""
    for item in error.errors():
        place = tuple(item["loc"])
        where = ".".join(str(part) for part in place) or "configuration"
        if item["type"] == "extra_forbidden":
            lines.append(f"{where}: unknown key")
            key = str(place[-1])
            if not hint and len(place) == 1 and key in Training.model_fields:
                hint = f"did you mean 'training.{key}'?"
            hint = hint or did_you_mean(key, _fields_at(cls, place[:-1]))
        else:
            given = repr(item.get("input"))
            message = item["msg"].removeprefix("Value error, ")
            lines.append(f"{where}: {message} (given {given if len(given) < 60 else given[:57] + '...'})")
    return ConfigError("; ".join(lines), hint)
