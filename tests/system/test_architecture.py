"""The house: who may import whom, what is public, and that nothing goes round in a circle."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

from gankit.errors import GankitError

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/setup.cfg"))

# From the top down: a module imports from its own row or from rows below. Within a row the order is from left to right.
LEVELS = (
    ("__init__", "__main__"),
    ("cli", "testing", "commands"),
    ("studies", "export", "images"),
    ("runs",),
    ("monitors", "nn", "plugins", "engine"),
    ("report", "datasets", "recipe", "metrics"),
    ("support", "config"),
    ("errors", "version"),
)
ORDER = {name: number for number, name in enumerate(name for level in LEVELS for name in level)}
# What a plugin may import, beside the names that a package's stub lists.
OPEN_MODULES = ("commands", "config", "errors")


def package(plugin):
    """The folder of a plugin's code."""
    return next(plugin.glob("gankit_*/__init__.py")).parent


def modules(folder):
    """Dotted name -> file, of a package's modules."""
    found = {}
    for path in folder.rglob("*.py"):
        name = ".".join(path.relative_to(folder.parent).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imported(path, known):
    """Every (module, name) that a file imports from a package: at its top, in functions, and for typing alone."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole, None) if whole in known else (node.module, alias.name)


def graph(folder):
    """Module -> the modules of the same package that it imports."""
    known = modules(folder)
    return {
        name: {module for module, _ in imported(path, known) if module in known and module != name}
        for name, path in known.items()
    }


def circles(edges):
    """Groups of modules that reach each other (Tarjan 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in edges[node]:
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            group = set()
            while node not in group:
                group.add(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for node in edges:
        if node not in index:
            visit(node)
    return found


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


@pytest.mark.parametrize("folder", [ROOT / "gankit", *map(package, PLUGINS)], ids=str)
def test_nothing_goes_round_in_a_circle(folder):
    assert circles(graph(folder)) == []


def test_no_package_of_the_core_goes_round_in_a_circle():
    packages = {}
    for name, others in graph(ROOT / "gankit").items():
        home = part(name)
        packages.setdefault(home, set()).update(part(other) for other in others if part(other) != home)
    assert circles(packages) == []


def part(module):
    """The package or the root module of the core that a module belongs to."""
    return [*module.split("."), "__init__"][1]


def test_arrows_point_down():
    wrong = {
        f"{name} -> {other}"
        for name, others in graph(ROOT / "gankit").items()
        for other in others
        if part(name) not in ("__init__", part(other)) and ORDER[part(name)] > ORDER[part(other)]
    }
    assert wrong == set()


def test_the_root_holds_the_contract_and_the_front_door():
    files = {path.stem for path in (ROOT / "gankit").glob("*.py")}
    assert files == {n for n in ORDER if (ROOT / "gankit" / f"{n}.py").exists()} and len(files) == 8
    folders = {path.parent.name for path in (ROOT / "gankit").glob("*/__init__.py")}
    assert files | folders == set(ORDER)


def test_the_core_knows_no_plugin():
    for path in (ROOT / "gankit").rglob("*.py"):
        for module, _ in imported(path, {}):
            assert not module.startswith("gankit_") or module.startswith("gankit_datasets"), f"{path}: {module}"


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_plugins_import_public_names_alone(plugin):
    own = package(plugin)
    for path in own.rglob("*.py"):
        for module, name in imported(path, {}):
            first = module.split(".")[0]
            assert not first.startswith("gankit_") or first == own.name, f"{path}: one plugin imports another, {module}"
            if first == "gankit" and name:
                where = f"{path.relative_to(ROOT)}: {module}.{name} is not public"
                assert name in getattr(importlib.import_module(module), "__all__", ()), where
                assert module.count(".") == 0 or is_open(module), where


def is_open(module):
    """Whether plugins may import from it: a package with a stub, or one of the open modules."""
    return module.removeprefix("gankit.") in OPEN_MODULES or (ROOT / module.replace(".", "/") / "__init__.pyi").exists()


def test_no_public_name_is_that_of_its_own_module():
    # `from gankit.x import y` would give the function or the module, whichever was imported first.
    for stub in (ROOT / "gankit").rglob("*.pyi"):
        for node in ast.parse(stub.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {alias.name for alias in node.names}
                assert not names & {path.stem for path in stub.parent.glob("*.py")}, f"{stub}: {names}"


@pytest.mark.parametrize("stub", sorted((ROOT / "gankit").rglob("*.pyi")), ids=lambda path: path.parent.name)
def test_what_is_public_has_an_example(stub):
    module = importlib.import_module(".".join(stub.parent.relative_to(ROOT).parts))
    assert [name for name in module.__all__ if lacks_example(getattr(module, name))] == []


@pytest.mark.parametrize("name", OPEN_MODULES)
def test_what_is_open_has_an_example(name):
    module = importlib.import_module(f"gankit.{name}")
    lacking = [name for name in module.__all__ if lacks_example(getattr(module, name))]
    assert "Examples:" in (module.__doc__ or "") or lacking == []


def lacks_example(thing):
    """Whether a class or function shows no use of itself; errors are all made as their base is."""
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return False
    if inspect.isclass(thing) and issubclass(thing, GankitError) and thing is not GankitError:
        return False
    return "Examples:" not in (thing.__doc__ or "")
