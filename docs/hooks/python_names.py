"""Pages of the Python reference: one of each public package or module, made from its stub or its `__all__`.

Nothing is imported: griffe reads the code. A public name without a docstring stops the build.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
FIRST = ("gankit", "gankit.testing", "gankit.nn", "gankit.images")  # what authors of recipes need first
PAGES: dict[str, str] = {}  # path -> text


def on_config(config: MkDocsConfig) -> None:
    """Makes the pages, and puts them into the navigation where it says PYTHON."""
    named = dict(pages())
    PAGES.update({f"reference/python/{name}.md": text for name, text in named.items()})
    entries = [{name: f"reference/python/{name}.md"} for name in named]
    for section in config.nav:
        for entry in (part for part in next(iter(section.values())) if isinstance(part, dict)):
            entry.update({title: entries for title, what in entry.items() if what == "PYTHON"})


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Adds the pages."""
    for path, text in PAGES.items():
        files.append(File.generated(config, path, content=text))


def public_names(root: Path) -> dict[str, list[str]]:
    """Package or module -> its public names, in the order of the file that lists them."""
    found = {}
    for stub in sorted(root.rglob("__init__.pyi")):
        body = ast.parse(stub.read_text("utf-8")).body
        names = [name.asname for line in body if isinstance(line, ast.ImportFrom) for name in line.names]
        found[".".join((root.name, *stub.parent.relative_to(root).parts))] = [name for name in names if name]
    for module in sorted(root.glob("[!_]*.py")):
        for line in ast.parse(module.read_text("utf-8")).body:
            if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "__all__":
                found[f"{root.name}.{module.stem}"] = ast.literal_eval(line.value)
    order = [*(name for name in FIRST if name in found), *sorted(found.keys() - set(FIRST))]
    return {name: found[name] for name in order}


def pages() -> Iterator[tuple[str, str]]:
    """Name and page of each public package or module that has names of its own."""
    code = griffe.load("gankit", search_paths=[ROOT])
    documented: dict[str, str] = {}  # where a name is defined -> its public path
    for package, names in public_names(ROOT / "gankit").items():
        rows, blocks = [], []
        for name in names:
            path = f"{package}.{name}"
            item = code[path.removeprefix("gankit.")]
            if not item.docstring:
                raise PluginError(f"the public name {path} has no docstring")
            first = documented.setdefault(item.canonical_path, path)
            summary = item.docstring.value.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
            rows.append(f"| [`{name}`][{first}] | {summary} |")
            if first == path:
                blocks.append(f"::: {path}")
        if blocks:
            about = (
                f"::: {package}\n    options: {{members: false, show_root_heading: false, show_root_toc_entry: false}}"
            )
            table = "\n".join(
                ['<div class="names" markdown>', "", "| name | what it is |", "|---|---|", *rows, "", "</div>"]
            )
            yield package, "\n\n".join([f"# {package}", about, table, *blocks])
