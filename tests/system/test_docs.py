"""The pages of docs/: what they tell to type can be typed, the errors they explain exist, public names have a page."""

import importlib
import re
import shlex
import sys
from pathlib import Path

import click
import pytest

from gankit.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", *ROOT.glob("plugins/*/README.md")])
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def hook(monkeypatch):
    """A module of docs/hooks, by its name."""
    pytest.importorskip("mkdocs", reason="pip install 'gankit[docs]'")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "hooks"))

    def load(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return load


def commands(text):
    """The words of each gankit command that stands in a block of console."""
    for block in CONSOLE.findall(text):
        lines = re.sub(r"\\\n", " ", block).splitlines()
        for line, after in zip(lines, [*lines[1:], ""], strict=True):
            found = re.match(r"\$ (?:\w+='.*' +)?(gankit .*)", line)
            if found and "..." not in found[1] and not after.startswith("error:"):
                yield shlex.split(found[1], comments=True)


def unknown(words):
    """What gankit does not know of a command: a verb or an option."""
    if "--" in words:  # what follows is a command of its own, as launch takes it
        cut = words.index("--")
        return unknown(words[:cut]) + unknown(["gankit", *words[cut + 1 :]])
    command, rest = app, words[1:]
    while isinstance(command, click.Group):
        while rest and rest[0].startswith("-"):
            rest = rest[1:]
        if not rest:
            return []
        name, *rest = rest
        if name.endswith(".py") or ".py:" in name:  # a file of the reader's
            return []
        command = command.get_command(click.Context(command), "gan" if re.match("RECIPE|my-", name) else name)
        if command is None:
            return [name]
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)} | {"-h", "--help"}
    return [word for word in rest if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_pages_can_be_typed(page):
    assert [(words, wrong) for words in commands(page.read_text("utf-8")) if (wrong := unknown(words))] == []


def test_commands_are_found_and_wrong_ones_are_noticed():
    text = "```console\n$ gankit run srgan --sacle 3   # x\n$ A='b c' \\\n  gankit resume latest --loud\n```\n"
    first, second = commands(text)
    assert unknown(first) == ["--sacle"] and unknown(second) == ["--loud"]
    assert sum(len(list(commands(page.read_text("utf-8")))) for page in PAGES) > 80


def test_commands_of_pages_fit_into_the_page():
    pages = [page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "results"]
    assert len(pages) > 10
    for page in pages:
        lines = "\n".join(CONSOLE.findall(page.read_text("utf-8"))).splitlines()
        assert [line for line in lines if len(line) > 90] == [], page


def test_errors_that_the_page_explains_are_those_of_the_code():
    paths = [*(ROOT / "gankit").rglob("*.py"), *ROOT.glob("plugins/*/gankit_*/**/*.py")]
    said = "\n".join(re.sub(r'"\s*\n\s*f?"', "", path.read_text("utf-8")) for path in paths)  # texts of several lines
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    messages = re.findall(r"^\| `([^`]*…[^`]*)` \|", page, re.MULTILINE)
    parts = [part.strip(" :") for message in messages for part in message.split("…") if part.strip(" :")]
    assert len(messages) > 30 and [part for part in parts if part not in said] == []


def test_every_public_name_has_its_place_in_the_reference(hook):
    pytest.importorskip("griffe", reason="pip install 'gankit[docs]'")
    found = hook("python_names")
    pages = dict(found.pages())
    names = found.public_names(ROOT / "gankit")
    assert {"gankit", "gankit.nn", "gankit.testing", "gankit.commands", "gankit.errors"} <= names.keys()
    text = "\n".join(pages.values())
    for package, listed in names.items():
        assert sorted(importlib.import_module(package).__all__) == sorted(listed)
        for name in listed:  # a table names each; one that two packages have is explained once
            assert re.search(rf"^\| \[`{name}`\]\[([\w.]+)\] \| \S", text, re.MULTILINE)
    linked = set(re.findall(r"^\| \[`\w+`\]\[([\w.]+)\]", text, re.MULTILINE))
    assert linked == set(re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)) - set(names)


def test_links_lead_to_pages_or_to_the_repository(hook):
    links = hook("links")

    class Page:
        class file:
            src_uri = "use/classics.md"

    def moved(link):
        return links.on_page_markdown(f"[a]({link}) and `[a](b.md)`", page=Page).removesuffix(" and `[a](b.md)`")

    assert moved("../results/srgan.md#sizes") == "[a](../results/srgan.md#sizes)"
    assert moved("../../plugins/srgan/README.md") == "[a](../details/srgan.md)"
    assert moved("../../gankit/recipe.py") == f"[a]({links.REPOSITORY}gankit/recipe.py)"
    assert moved("https://example.org/x.md") == "[a](https://example.org/x.md)"
    Page.file.src_uri = "details/srgan.md"  # whose text lies in plugins/srgan
    assert moved("../../docs/results/srgan.md") == "[a](../results/srgan.md)"
    with pytest.raises(Exception, match="no such file"):
        moved("nowhere.py")


@pytest.mark.parametrize("tag", ['<script src="https://x/y.js">', "<link rel=stylesheet href=//x/y.css>"])
def test_a_page_that_would_load_something_from_elsewhere_is_refused(hook, tag):
    class Page:
        class file:
            src_uri = "index.md"

    with pytest.raises(Exception, match="would load"):
        hook("links").on_post_page(f"<p>a</p>{tag}", page=Page)
    assert hook("links").on_post_page('<a href="https://x">x</a><img src="a.png">', page=Page) is None
