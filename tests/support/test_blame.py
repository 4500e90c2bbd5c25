"""Whose mistake it was: the author's file, line and function, and what to do."""

import importlib.util
import subprocess
import sys
import textwrap

import pytest

from gankit.errors import DataError, RecipeError, Stopped
from gankit.support import blame
from gankit.support.blame import defined, first_lines, hint_of, is_authors, place, recipe_code


@pytest.fixture
def mine(tmp_path):
    """mine(text) is a module made of it, in a file mine.py."""

    def load(text, name="mine.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def caught(function, *arguments, what="loss of phase 'critic'", **options):
    with pytest.raises(RecipeError) as found, recipe_code(what, **options):
        function(*arguments)
    return found.value


def test_file_line_function_and_phase(mine):
    module = mine("""
        import json

        class Mine:
            def stages(self):
                def judge(turn):
                    return [wrong for row in turn]
                return judge

            def data(self):
                return json.loads("{")
    """)
    error = caught(module.Mine().stages(), "ab")
    assert error.message == "mine.py:7 in judge, loss of phase 'critic': NameError: name 'wrong' is not defined"
    assert error.place == "mine.py:7 in judge, loss of phase 'critic'" and isinstance(error.__cause__, NameError)
    # The innermost frames are the standard library's.
    assert str(caught(module.Mine().data, what="data")).startswith("mine.py:11 in data: JSONDecodeError: Expecting")


def test_the_place_is_told_once(mine):
    module = mine("""
        from gankit.errors import RecipeError
        from gankit.support.blame import recipe_code

        def shared():
            raise RecipeError("no field 'x'", "did you mean 'y'?")

        def judge():
            with recipe_code("shared values"):
                shared()
    """)
    error = caught(module.judge)
    assert (error.message, error.hint) == ("mine.py:6 in shared, shared values: no field 'x'", "did you mean 'y'?")
    assert str(error) == error.message


def test_where_no_frame_is_left_the_definition_is_named(mine):
    module = mine("""
        import functools

        def judge(turn, scale):
            return 3

        half = functools.partial(judge, scale=0.5)
    """)
    names = {"recipe_code": recipe_code, "RecipeError": RecipeError, "what": "loss of phase 'critic'"}
    engine = "def run(loss):\n with recipe_code(what, loss):\n  raise RecipeError('term critic/x has shape ()')"
    exec(compile(engine, str(blame.OURS / "engine" / "step.py"), "exec"), names)
    for function in (module.judge, module.half):
        with pytest.raises(RecipeError) as found:
            names["run"](function)
        assert found.value.message == "mine.py:4 in judge, loss of phase 'critic': term critic/x has shape ()"
    assert defined(len) == defined(recipe_code) == ""


@pytest.mark.parametrize(
    "error", [DataError("no such file"), Stopped("by a signal", "", 75), MemoryError(), KeyboardInterrupt()]
)
def test_what_speaks_to_the_user_passes(error):
    with pytest.raises(type(error)) as found, recipe_code("data"):
        raise error
    assert found.value is error


def test_an_exit_and_a_stop_of_iteration_are_mistakes():
    for error in (SystemExit(3), StopIteration()):
        with pytest.raises(RecipeError, match=type(error).__name__), recipe_code("data"):
            raise error


def test_a_module_of_a_package_and_one_that_only_begins(mine, tmp_path):
    (tmp_path / "gankit_x").mkdir()
    (tmp_path / "gankit_x" / "__init__.py").touch()
    module = mine("def data(): return 1 / 0", "gankit_x/recipe.py")
    assert str(caught(module.data, what="data")).startswith("gankit_x/recipe.py:1 in data: ZeroDivisionError")
    with pytest.raises(RecipeError) as found, recipe_code("import"):
        mine("\n\nabsent", "top.py")
    assert found.value.message.startswith("top.py:3, import: NameError")


def test_libraries_are_not_authors_and_installed_plugins_are(tmp_path, monkeypatch):
    import keras
    import numpy
    import yaml

    assert not any(map(is_authors, (yaml.__file__, numpy.__file__, keras.__file__, blame.__file__, "<frozen os>")))
    assert is_authors("<ipython-input-3-1f2e>") and is_authors(__file__)
    monkeypatch.setattr(blame, "_libraries", lambda: (tmp_path,))
    monkeypatch.setattr(blame, "_plugins", lambda: frozenset({"gankit_mine", "single"}))
    is_authors.cache_clear()
    try:
        mine = [tmp_path / "gankit_mine" / "deep" / "losses.py", tmp_path / "single.py"]
        assert all(is_authors(str(path)) for path in mine)
        assert not is_authors(str(tmp_path / "gankit_mine_too" / "losses.py"))
    finally:
        is_authors.cache_clear()


def test_long_messages_are_one_line():
    keras = (
        "Exception encountered when calling Sequential.call().\n\n\x1b[1mInput 0 is bad\x1b[0m\n\n"
        "Arguments received by Sequential.call():\n  • inputs=tf.Tensor(shape=(16, 5), dtype=float32)"
    )
    assert first_lines(keras) == "Input 0 is bad"
    graph = (
        "Graph execution error:\n\nDetected at node Sqrt defined at (most recent call last):\n"
        '  File "/home/ada/mine.py", line 7, in judge\n\nshapes must match: [2] vs. [3]\n\t [[{{node Sqrt}}]]'
    )
    assert first_lines(graph) == "shapes must match: [2] vs. [3]"
    assert place(RuntimeError(graph)) == "mine.py:7 in judge"
    assert first_lines("") == "" and first_lines("x\ny") == "x y"
    assert len(first_lines("word " * 500)) == blame.MOST


def test_it_imports_no_tensorflow():
    code = "import sys, gankit.support.blame; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_hints_stand_where_an_obscure_message_is_met():
    assert "tf.gather" in hint_of("AttributeError: 'SymbolicTensor' object has no attribute 'numpy'")
    assert hint_of("ValueError: something else") == ""
