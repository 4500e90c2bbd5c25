"""What TensorFlow writes while it is loaded is not shown, and what others write then is."""

import subprocess
import sys

import pytest


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stderr


@pytest.mark.slow
def test_tensorflow_is_loaded_without_a_word():
    code, err = run("from gankit.commands import ready; ready(); import tensorflow; tensorflow.constant(1.0) + 1")
    assert (code, err) == (0, "")


FALSE = """
import importlib.abc, importlib.util, os, sys
class Loader(importlib.abc.Loader):
    def exec_module(self, module):
        os.write(2, b"I0000 port.cc:153] oneDNN custom operations are on. You may\\nsomething else\\n")
        {then}
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_loader(name, Loader()) if name == "tensorflow" else None
sys.meta_path.insert(0, Finder())
from gankit.commands import quiet_tensorflow
quiet_tensorflow(); quiet_tensorflow()
import tensorflow
os.write(2, b"afterwards\\n")
"""


@pytest.mark.parametrize(("then", "code"), [("pass", 0), ("raise ImportError('broken')", 1)])
def test_only_its_notes_are_left_out(then, code):
    found, err = run(FALSE.format(then=then))
    assert found == code
    assert err.startswith("something else\n")
    assert ("afterwards" if code == 0 else "ImportError: broken") in err
