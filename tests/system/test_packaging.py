"""What is declared, what is pinned, and what is installed."""

import configparser
import importlib.metadata
import sys
from pathlib import Path

import pytest

pytest.importorskip("packaging", reason="comes with pytest")
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PARTS = [ROOT / "setup.cfg", ROOT / "datasets" / "setup.cfg", *sorted(ROOT.glob("plugins/*/setup.cfg"))]
OURS = {"gankit", "gankit-datasets"} | {f"gankit-{path.parent.name}" for path in PARTS[2:]}
UNPINNED = {"gpu", "bench"}  # extras that nothing here was run with


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def declared():
    for path in PARTS:
        config = configparser.ConfigParser()
        config.read(path)
        texts = lines(config.get("options", "install_requires", fallback=""))
        if config.has_section("options.extras_require"):
            extras = dict(config["options.extras_require"])
            texts += [line for name in extras.keys() - UNPINNED for line in lines(extras[name])]
        yield from (Requirement(text) for text in texts)


def pinned():
    pins = [Requirement(line) for line in lines((ROOT / "constraints.txt").read_text())]
    return {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


def test_whatever_is_declared_is_pinned_and_allowed():
    pins, found = pinned(), list(declared())
    assert len(found) > 25
    for requirement in found:
        name = canonicalize_name(requirement.name)
        if name in OURS or (requirement.marker and not requirement.marker.evaluate()):
            continue
        assert name in pins, f"{name} is not in constraints.txt: make lock"
        assert requirement.specifier.contains(pins[name]), f"{requirement} does not allow {pins[name]}"


def test_what_is_installed_is_what_is_pinned():
    """Figures are those of the pinned versions; an environment with others would measure something else."""
    if Path(sys.prefix).resolve() != (ROOT / ".venv").resolve():
        pytest.skip("the interpreter is not the one that make sets up")
    others = {}
    for name, version in pinned().items():
        if name == "setuptools":  # comes with the interpreter
            continue
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if installed != version:
            others[name] = (installed, version)
    assert not others


@pytest.mark.parametrize("setup", PARTS, ids=lambda path: path.parent.name)
def test_every_file_of_a_package_is_installed_with_it(setup):
    config = configparser.ConfigParser()
    config.read(setup)
    package = next(path.parent for path in sorted(setup.parent.glob("gankit*/__init__.py")))
    data = config.get("options.package_data", package.name)
    installed = {path for pattern in lines(data) for path in package.glob(pattern)}
    others = {path for path in package.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert others <= installed and package / "py.typed" in installed


@pytest.mark.parametrize("setup", PARTS, ids=lambda path: path.parent.name)
def test_every_package_is_typed_and_named_by_its_distribution(setup):
    config = configparser.ConfigParser()
    config.read(setup)
    assert config.has_option("metadata", "project_urls")
    assert "OS Independent" not in config.get("metadata", "classifiers", fallback="")
