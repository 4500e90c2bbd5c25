"""What every test of this repository, the plugins' included, stands on."""

import importlib.abc
import importlib.util
import logging
import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Under --import-mode=importlib the folder of a test is not on the path; several tests use the toy recipe.
sys.path.insert(0, str(Path(__file__).parent / "tests"))


class _TwoDevices(importlib.abc.MetaPathFinder):
    """Splits the CPU into two logical devices as soon as TensorFlow is imported.

    Later is too late (the first operation starts the runtime), and an import for this alone would cost tests that need
    no TensorFlow five seconds a process.
    """

    def find_spec(self, name, path, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("tensorflow")
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                cpu = module.config.list_physical_devices("CPU")[0]
                module.config.set_logical_device_configuration(cpu, [module.config.LogicalDeviceConfiguration()] * 2)

            spec.loader.exec_module = exec_module
        return spec


if "tensorflow" not in sys.modules:
    sys.meta_path.insert(0, _TwoDevices())


_STATES = {}  # of the modules' generators of random numbers, as they were imported


def pytest_collection_modifyitems(items):
    """Keeps a module's tests in one process, for they share trainings; remembers how each module's RNG begins."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))
    for module in {item.module for item in items if hasattr(getattr(item, "module", None), "RNG")}:
        _STATES[module] = module.RNG.bit_generator.state


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """A module's RNG begins anew for each test, so that no figure depends on which tests came before."""
    if (state := _STATES.get(getattr(item, "module", None))) is not None:
        item.module.RNG.bit_generator.state = state


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Names of files that are no valid UTF-8 may stand in what was logged, and xdist could not send them."""
    report = yield
    report.sections = [(title, text.encode("utf-8", "replace").decode()) for title, text in report.sections]
    return report


@pytest.fixture(scope="session")
def two_devices():
    """Names of two logical CPU devices of this process."""
    from gankit.engine.distribution import logical_cpus

    return logical_cpus(2)


@pytest.fixture(scope="session")
def test_data():
    """The folder of development data; no file of it is committed."""
    if not os.environ.get("GANKIT_TEST_DATA"):
        pytest.skip("set GANKIT_TEST_DATA to the folder of development data")
    return Path(os.environ["GANKIT_TEST_DATA"])


@pytest.fixture
def datasets_home(tmp_path, monkeypatch):
    """Where datasets are put, in an empty $GANKIT_HOME; a local server is reached directly and asked again at once."""
    from gankit.datasets import download

    monkeypatch.setenv("GANKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("GANKIT_OFFLINE", raising=False)
    monkeypatch.setattr(download, "WAITS", (0.0,))
    return tmp_path / "home" / "datasets"


@pytest.fixture(autouse=True)
def _apart(monkeypatch, tmp_path_factory):
    """Keeps tests away from the user's home of gankit, and from each other's logging."""
    monkeypatch.setenv("GANKIT_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    log = logging.getLogger("gankit")
    level, handlers, propagate = log.level, log.handlers[:], log.propagate
    yield
    log.setLevel(level)
    log.handlers[:], log.propagate = handlers, propagate
