"""Configuration: YAML's traps, precedence, suggestions, and round trips that lose nothing."""

import random
import string
from pathlib import Path
from typing import Literal

import click
import pytest
from pydantic import Field
from toy import RingConfig

from gankit.cli.options import configure, options_of
from gankit.config import (
    MAX_YAML_BYTES,
    RecipeConfig,
    Section,
    Training,
    arguments,
    from_document,
    parse_yaml,
    read_yaml,
    resolve,
    set_value,
    to_yaml,
)
from gankit.errors import ConfigError
from gankit.recipe import Recipe


class Optics(Section):
    lens: str = "none"
    apertures: list[float] = []
    weights: dict[str, float] = {"a": 1.0, "b": 2.0}


class Camera(RecipeConfig):
    rate: float = 1e-3
    name: str = "camera"
    note: str | None = None
    mode: Literal["no", "yes"] = "yes"
    flag: bool = True
    size: tuple[int, int] = (3, 4)
    folder: Path = Path("photos")
    words: list[str] = []
    optics: Optics = Field(default_factory=Optics)
    spare: Optics | None = None
    training: Training = Training(batch_size=256, steps_per_call=50)


class Needy(RecipeConfig):
    table: str
    scale: int = 2


def config_of(text: str) -> Camera:
    return from_document(Camera, parse_yaml(text, "test"))


# --- YAML ------------------------------------------------------------------------------------------------------------


def test_a_number_that_yaml_takes_for_text():
    assert parse_yaml("rate: 1e-4", "test") == {"rate": "1e-4"}
    assert config_of("rate: 1e-4").rate == 1e-4
    assert config_of("optics: {apertures: [1e-4, 2]}").optics.apertures == [1e-4, 2.0]


@pytest.mark.parametrize(
    "text, place",
    [
        ("mode: no", "mode"),  # False
        ("name: 12:30", "name"),  # 750, in base sixty
        ("name: 2026-01-02", "name"),  # a date
        ("name: 017", "name"),  # 15
        ("name: 1_000", "name"),
        ("rate: .inf", "rate"),
        ("rate: .nan", "rate"),
        ("flag: 2", "flag"),
        ("size: [1, 2, 3]", "size"),
        ("optics: {lens: ~}", "optics.lens"),
        ("optics: 3", "optics"),
        ("training: {seed: -1}", "training.seed"),
        ("training: {max_steps: 0}", "training.max_steps"),
        ("rate: [x, 1]", "rate"),
    ],
)
def test_a_value_of_another_type_is_an_error_with_its_place(text, place):
    with pytest.raises(ConfigError) as caught:
        config_of(text)
    assert caught.value.message.startswith(place)
    assert caught.value.exit_code == 2


def test_quoted_text_stays_text():
    config = config_of("{mode: 'no', name: '12:30', note: '1e-4'}")
    assert (config.mode, config.name, config.note) == ("no", "12:30", "1e-4")


@pytest.mark.parametrize(
    "text, words",
    [
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: &a [l]\nb: &b [*a, *a]\nc: [*b, *b]", "aliases"),
        ("- 1\n- 2", "mapping"),
        ("just text", "mapping"),
        ("3: x", "mapping"),
        ("a:\n\tb: 1", "not valid YAML"),
        ("a: 1\n b: 2", "not valid YAML"),
        ("a: [1", "not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("a: !!bool x", "not valid YAML"),  # KeyError in PyYAML
        ("a: !!timestamp x", "not valid YAML"),  # AttributeError
        ("a: !!int ''", "not valid YAML"),  # IndexError
        ("a: 2020-13-45", "not valid YAML"),  # ValueError
        ("? [a]\n: 1", "not valid YAML"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
        ("a: 0x" + "f" * 5000, "too large"),
        ("a: " + "[" * 20_000, "not valid YAML"),
        ("a: \x01", "not valid YAML"),
    ],
)
def test_what_is_no_plain_mapping_is_refused(text, words):
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "mine.yaml")
    assert words in caught.value.message and "mine.yaml" in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rate: 1\nname: x\nrate: 2", "the key 'rate' stands twice, in line 1 and in line 3"),
        ("training:\n  seed: 1\n  seed: 1\n", "the key 'seed' stands twice, in line 2 and in line 3"),
        ('{a: 1, "a": 2}', "the key 'a' stands twice, in line 1"),
        ("list:\n- {b: 1,\n   b: 2}", "the key 'b' stands twice, in line 2 and in line 3"),
    ],
)
def test_a_key_that_stands_twice_is_refused(text, words):
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "mine.yaml")
    assert words in caught.value.message and "mine.yaml" in caught.value.message


def test_size_is_capped(tmp_path):
    text = "name: " + "x" * (MAX_YAML_BYTES - 6)
    assert len(parse_yaml(text, "test")["name"]) == MAX_YAML_BYTES - 6
    (tmp_path / "large.yaml").write_text(text + "x")
    for read in (lambda: parse_yaml(text + "x", "test"), lambda: read_yaml(tmp_path / "large.yaml")):
        with pytest.raises(ConfigError, match="1 MiB"):
            read()
    with pytest.raises(ConfigError, match="1 MiB"):
        parse_yaml("name: " + "é" * (MAX_YAML_BYTES // 2), "test")  # bytes count, not letters


def test_files_that_cannot_be_read(tmp_path):
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: é".encode("latin-1"))
    for path in (latin, tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(ConfigError) as caught:
            read_yaml(path)
        assert str(path) in caught.value.message


def test_an_empty_document_is_the_defaults(tmp_path):
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert from_document(Camera, read_yaml(tmp_path / "empty.yaml")) == Camera()
    (tmp_path / "bom.yaml").write_text("﻿rate: 2", "utf-8")
    assert from_document(Camera, read_yaml(tmp_path / "bom.yaml")).rate == 2


# --- precedence ------------------------------------------------------------------------------------------------------


def test_later_origins_win():
    document = {"recipe": "camera", "rate": 1, "name": "file", "training": {"seed": 1, "devices": 1}}
    config = resolve(Camera, document, {"rate": 2, "training.seed": 2}, ["rate=3"])
    assert (config.rate, config.name) == (3.0, "file")
    assert (config.training.seed, config.training.devices) == (2, 1)
    assert resolve(Camera, document, {"rate": 2}).rate == 2
    assert resolve(Camera, document).rate == 1
    assert resolve(Camera, document, {}, ["rate=3", "rate=4"]).rate == 4
    assert document["training"] == {"seed": 1, "devices": 1}  # the caller's document is not changed


@pytest.mark.parametrize(
    "give",
    [
        lambda: resolve(Camera, {"training": {"seed": 3}}),
        lambda: resolve(Camera, {}, {"training.seed": 3}),
        lambda: resolve(Camera, {}, {}, ["training.seed=3"]),
    ],
)
def test_one_engine_option_keeps_the_recipe_s_other_ones(give):
    assert give().training == Training(seed=3, batch_size=256, steps_per_call=50)


def test_set_is_read_as_the_field_s_type():
    sets = [
        "rate=1e-4",
        "name=1e-4",
        "flag=no",
        "size=[5, 6]",
        "note=null",
        "optics.lens=a=b",
        "mode=no",
        "words=[a, 'null']",
    ]
    config = resolve(Camera, {"note": "x"}, {}, [*sets, "words=[a, 'null']"])
    assert (config.rate, config.name, config.flag, config.size) == (1e-4, "1e-4", False, (5, 6))
    assert (config.note, config.optics.lens, config.mode, config.words) == (None, "a=b", "no", ["a", "null"])
    config = resolve(Camera, {}, {}, ['name="null"', 'note="[x"', 'optics.lens="a" and "b"'])
    assert (config.name, config.note, config.optics.lens) == ("null", "[x", '"a" and "b"')
    assert resolve(Camera, {}, {}, ["name="]).name == ""


@pytest.mark.parametrize("text", ["rate", "=3", "", "rate.x=3", "training=3", "words=[x", "optics..lens=x", ".=1"])
def test_a_malformed_set(text):
    with pytest.raises(ConfigError):
        resolve(Camera, {"rate": 1}, {}, [text])


def test_set_does_not_write_into_a_value():
    document = {"rate": 1}
    with pytest.raises(ConfigError, match="'rate' is a value"):
        set_value(document, "rate.deep=1")
    with pytest.raises(ConfigError, match="'rate' is a value"):
        resolve(Camera, document, {"rate.deep": 1})


@pytest.mark.parametrize(
    "key, hint",
    [
        ("raet", "did you mean 'rate'?"),
        ("training.sed", "did you mean 'seed'?"),
        ("training.stepspercall", "did you mean 'steps_per_call'?"),
        ("optics.lense", "did you mean 'lens'?"),
        ("zzzzzz", "known: flag, folder, mode,"),
    ],
)
def test_an_unknown_key_is_answered_with_a_near_one(key, hint):
    with pytest.raises(ConfigError) as caught:
        resolve(Camera, {}, {}, [f"{key}=1"])
    assert caught.value.message == f"{key}: unknown key"
    assert hint in caught.value.hint


def test_all_mistakes_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        resolve(Camera, {"rate": "fast", "training": {"seed": -1, "sed": 1}})
    for part in ("rate:", "given 'fast'", "training.seed:", "training.sed: unknown key"):
        assert part in caught.value.message


# --- round trips -----------------------------------------------------------------------------------------------------

TRAPS = [
    "no", "1e-4", "null", "~", "[x", "[1, 2]", "{a: 1}", "a=b", "=", "", " ", " padded ", "12:30", "2026-01-02",
    "é ü 漢字 😀", '"quoted"', '"', "'", "a\nb", "\n", "\t", "x\x00y", "---", "...", "a: b", "# no comment", "- x",
    "*x", "&x", "!x", "%x", "\\", "\u2028", "\x85", "\x7f", "--set", "true", "0x1f", "﻿x", "\ufffe", "x" * 300,
]  # fmt: skip


def same_by_arguments(config):
    words = arguments(config)
    assert words[::2] == ["--set"] * (len(words) // 2)
    assert not any("\0" in word for word in words)  # it could not be passed to a process
    return resolve(type(config), {}, {}, words[1::2])


@pytest.mark.parametrize("text", TRAPS, ids=ascii)
def test_text_survives(text):
    config = Camera(
        name=text,
        note=text,
        words=[text, "x", text],
        optics=Optics(lens=text, weights={"k": 1}),
        spare=Optics(lens=text),
        folder=Path(text.replace("\0", "") or "."),
    )
    assert same_by_arguments(config) == config
    assert from_document(Camera, parse_yaml(to_yaml("camera", config), "test")) == config


@pytest.mark.parametrize(
    "config",
    [
        Camera(),
        Camera(rate=1e-10),
        Camera(rate=1.7976931348623157e308, size=(-1, 2**62), flag=False, mode="no"),
        Camera(rate=0.1 + 0.2, folder=Path("a b/ü")),
        Camera(optics=Optics(apertures=[1e-10, 1e20, 0.1], weights={})),
        Camera(optics=Optics(weights={"a": 1.0})),
        Camera(optics=Optics(weights={"a": 1.0, "b": 2.0, "dotted.key": 3})),
        Camera(spare=Optics()),
        Camera(training=Training()),
        Camera(training=Training(batch_size=256, max_minutes=0.5, devices=2, init_from="latest", strategy="mirrored")),
        Needy(table="x"),
        Needy(table="null", scale=3),
        RingConfig(),
        RingConfig(clip=1e-3, training=Training(seed=5)),
    ],
    ids=repr,
)
def test_values_survive(config):
    assert same_by_arguments(config) == config
    document = parse_yaml(to_yaml("camera", config), "test")
    assert document["recipe"] == "camera"
    assert from_document(type(config), document) == config


def test_arguments_name_only_what_is_changed():
    assert arguments(Camera()) == []
    assert arguments(Camera(rate=0.5)) == ["--set", "rate=0.5"]
    config = Camera(training=Training(batch_size=256, steps_per_call=50, seed=7), note="hello")
    assert arguments(config) == ["--set", "training.seed=7", "--set", "note=hello"]


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Camera().training.seed = 3


# --- fuzz ------------------------------------------------------------------------------------------------------------


def test_any_text_gives_a_configuration_or_a_config_error():
    rng = random.Random(0)
    names = [*Camera.model_fields, *Training.model_fields, *Optics.model_fields, "recipe", "zz"]
    values = [
        *TRAPS, "1", "-3", "1.5", ".nan", ".inf", "!!bool x", "!!float ''", "!!binary é", "!!set {a}", "!!omap [a]",
        "=", "<<: 1", "0x" + "f" * 90, "9" * 5000, "1:2:3", "2020-99-99", "{seed: 3}", "[[], {}]", '"\\ud800"',
        "{1: 2}", "&a x", "*a", "|", ">-",
    ]  # fmt: skip
    sane = ["rate: 1e-3", "name: 'no'", "words: [a, 'b c']", "optics: {lens: é}", "training: {seed: 3}", "note: ~"]
    accepted = 0
    for round_ in range(500):
        lines = rng.sample(sane, 3)
        for _ in range(rng.choice([0, 1, 1, 4])):
            indent = rng.choice(["", "", "", "  ", "\t", "- "])
            separator = rng.choice([": ", ": ", ": ", ":\n  ", ":", " = "])
            lines.append(f"{indent}{rng.choice(names)}{separator}{rng.choice(values)}")
        text = "\n".join(lines)
        if round_ % 3 == 0:  # damage that keeps most of the text
            place = rng.randrange(len(text))
            text = text[:place] + rng.choice(string.printable + "é\x00\ud800") + text[place + 1 :]
        try:
            config = config_of(text)
        except ConfigError as error:
            assert error.message and "\n" not in error.message
        else:
            accepted += 1
            assert from_document(Camera, parse_yaml(to_yaml("camera", config), "test")) == config
            assert same_by_arguments(config) == config
    assert 20 < accepted < 480  # the fuzz reaches both outcomes


def test_a_tuple_of_fixed_length_is_an_option_of_so_many_values():
    class Config(RecipeConfig):
        folders: tuple[str, int] | None = Field(None, description="A text and a number.")
        many: tuple[str, ...] = Field((), description="Any number, which no option can take.")

    recipe = type("Two", (Recipe,), {"Config": Config})
    found: dict[str, object] = {}
    command = click.Command("two", params=options_of(recipe), callback=lambda **given: found.update(given))
    command.main(["--folders", "a b", "3"], standalone_mode=False)
    config = configure(recipe, None, (), found)
    assert config.folders == ("a b", 3) and "many" not in found
    assert (
        same_by_arguments(config) == config and from_document(Config, parse_yaml(to_yaml("two", config), "")) == config
    )
