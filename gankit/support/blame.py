"""Whose mistake it was: an exception out of a recipe's code becomes an error that names file, line and function.

    with recipe_code("loss of phase 'critic'", phase.loss):
        terms = phase.loss(turn)

raises `RecipeError("mine.py:44 in judge, loss of phase 'critic': NameError: name 'x' is not defined", hint)`. The place
is that of the innermost frame that an author wrote: not gankit's, not the standard library's, not a library's. A plugin
in site-packages is an author's too.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import inspect
import re
import site
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gankit.errors import GankitError, RecipeError

OURS = Path(__file__).resolve().parents[1]
STANDARD = tuple({Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib")})
MOST = 300  # characters of another's message that are shown

# What an obscure message means -> what to do; the first that is found in "Type: message" counts.
HINTS: tuple[tuple[str, str], ...] = (
    (
        r"(Symbolic|Eager)?Tensor'? object has no attribute 'numpy'|numpy\(\) is only available when eager",
        "this code becomes a graph, where values are not known yet: use TensorFlow's functions, "
        "tf.gather(array, rows) say; data that only Python can read are a gankit.engine.FunctionSource",
    ),
    (
        r"Cannot convert a symbolic tf\.Tensor .* to a numpy array|NumPy call, which is not supported",
        "this code becomes a graph, where values are not known yet: use TensorFlow's functions instead of NumPy's; "
        "data that only Python can read are a gankit.engine.FunctionSource",
    ),
    (
        r"symbolic `?tf\.Tensor`? as a Python `?bool",
        "an `if` cannot ask a tensor: choose with tf.where, or by the step with Stage.knobs",
    ),
    (r"[Ii]terating over a symbolic", "a loop cannot go over a tensor: compute with the whole batch at once"),
    (
        r"'\w+' object has no attribute 'config'",
        "an __init__ of your own must begin with super().__init__(config)",
    ),
    (
        r"expected axis (-?\d+) of input shape to have value (\d+).*received input with shape \((.*?)\)",
        r"the network was built for \2 in axis \1 and was given (\3): make both the same",
    ),
    (
        r"(expected dtype|is a tensor of type|not match type|cannot compute \w+ as input).*(float|double|half)",
        "floats differ: cast with tf.cast(x, y.dtype), and never name float32 in a loss or a layer; "
        "training.precision decides",
    ),
    (r"^ModuleNotFoundError", "install it with pip; a module of your own lies beside the file"),
    (
        r"__init__\(\) takes 1 positional argument but 2",
        "write def __init__(self, config): super().__init__(config)",
    ),
    (r"float\(\) argument must be .* not 'NoneType'", "the function returned None; is a `return` missing?"),
    (r"Cannot reshape a tensor", "the batch may have any size: write -1 for it, or tf.shape(x)[0]"),
    (r"non-annotated attribute was detected: `(\w+)", r"write the field's type: \1: int = ..."),
    (r"^(ResourceExhausted|OOM)", "the memory is full: lower --batch-size"),
)

_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<name>\S+)')
_NOISE = re.compile(
    r"Exception encountered when calling|Arguments received by|Graph execution error|Detected at node|in user code|"
    r"Traceback \(most recent|For further information|File \"|\s*[~^]+\s*\*?$|\{\{node|\[\[\{\{|\[Op:|• "
)


@contextmanager
def recipe_code(what: str, of: Callable[..., Any] | None = None) -> Iterator[None]:
    """Turns what comes out of a recipe's code into a `RecipeError` that says where it came from.

    Errors that speak to the user (`DataError`, `UsageError` and others of gankit's) pass as they are. A `RecipeError`
    is given its place, once, however many of these stand around each other.

    Args:
        what: What the code is, "loss of phase 'critic'"; "" if the function's name says it.
        of: The recipe's function that is called: its definition is the place where no frame of it is left, such as
            when gankit refuses what it returned.

    Raises:
        RecipeError: The code raised something.

    Examples:
        >>> with recipe_code("stages"):
        ...     raise KeyError("colour")
        Traceback (most recent call last):
            ...
        gankit.errors.RecipeError: stages: KeyError: 'colour'
    """
    try:
        yield
    except RecipeError as error:
        error.put(_label(error, what, of))
        raise
    except (GankitError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        if type(error).__module__.startswith("click."):  # a command's way to end
            raise
        # With the traceback itself, too: TensorFlow raises what comes through a graph anew, without its cause.
        raise blamed(error, what, of).with_traceback(error.__traceback__) from error


def blamed(error: BaseException, what: str = "", of: Callable[..., Any] | None = None) -> RecipeError:
    """The error that `recipe_code` raises for another one."""
    hint = hint_of(f"{type(error).__name__}: {error}")
    said = first_lines(str(error))
    if hint:  # and what TensorFlow advises would only lead astray
        said = re.split(r"(?<=[\w`')\]])\. (?=[A-Z])", said, maxsplit=1)[0]
    found = RecipeError(f"{type(error).__name__}: {said}".removesuffix(": "), hint)
    found.put(_label(error, what, of))
    return found


def _label(error: BaseException, what: str, of: Callable[..., Any] | None) -> str:
    where = place(error) or (defined(of) if of is not None else "")
    if not what or where.endswith(f" in {what}"):
        return where
    return f"{where}, {what}" if where else what


def place(error: BaseException) -> str:
    """Where in an author's code an exception came from, "mine.py:44 in judge"; "" if none is in the traceback.

    A graph's errors at run time come from the engine, and name in their text where the operation was defined.
    """
    frames = [
        (frame.f_code.co_filename, line, frame.f_code.co_qualname)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        frames.append((error.filename, error.lineno, "<module>"))
    frames += [(found["file"], int(found["line"]), found["name"]) for found in _FRAME.finditer(str(error))]
    for file, line, name in reversed(frames):
        if is_authors(file):
            return _written(file, line, name)
    return ""


def defined(what: Callable[..., Any] | type) -> str:
    """Where an author's function or class is defined, "mine.py:40 in judge"; "" if no author wrote it."""
    if inspect.isclass(what):
        with contextlib.suppress(OSError, TypeError):  # typed into an interpreter
            file, line = inspect.getfile(what), inspect.getsourcelines(what)[1]
            return _written(file, line, "<class>") if is_authors(file) else ""
        return ""
    plain = inspect.unwrap(getattr(what, "func", what))  # of a functools.partial, too
    code = getattr(plain, "__code__", None)
    if code is None or not is_authors(code.co_filename):
        return ""
    return _written(code.co_filename, code.co_firstlineno, code.co_qualname)


def _written(file: str, line: int, name: str) -> str:
    names = [part for part in name.split(".") if not part.startswith("<")]  # no <locals>, <lambda>, <listcomp>
    return f"{short(file)}:{line}" + (f" in {names[-1]}" if names else "")


def short(file: str) -> str:
    """A file as its author calls it: within its package, or its bare name.

    Examples:
        >>> short("/home/ada/mine.py")
        'mine.py'
    """
    path = Path(file)
    top = path.parent
    while (top / "__init__.py").is_file():
        top = top.parent
    return str(path.relative_to(top))


@functools.lru_cache(maxsize=1000)
def is_authors(file: str) -> bool:
    """Whether a recipe's author wrote a file.

    Examples:
        >>> is_authors(inspect.__file__), is_authors(__file__), is_authors("/home/ada/mine.py")
        (False, False, True)
    """
    if file.startswith("<"):
        return file.startswith(("<stdin", "<ipython", "<console"))
    path = Path(file).resolve()
    for folder in _libraries():
        if path.is_relative_to(folder):
            return path.relative_to(folder).parts[0].removesuffix(".py") in _plugins()
    return not any(path.is_relative_to(folder) for folder in (OURS, *STANDARD))


@functools.cache
def _libraries() -> tuple[Path, ...]:
    """The folders of installed distributions; they may lie within the standard library's."""
    named = {*site.getsitepackages(), site.getusersitepackages()}
    named |= {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    return tuple(Path(folder).resolve() for folder in named)


@functools.cache
def _plugins() -> frozenset[str]:
    """The packages and modules in which installed recipes lie."""
    points = importlib.metadata.entry_points(group="gankit.recipes")
    return frozenset(point.module.split(".")[0] for point in points)


def hint_of(text: str) -> str:
    """What to do about an obscure message, "Type: message"; "" if nothing is known.

    Examples:
        >>> hint_of("ResourceExhaustedError: OOM when allocating tensor")
        'the memory is full: lower --batch-size'
    """
    plain = " ".join(_plain(text).split())
    for pattern, hint in HINTS:
        if found := re.search(pattern, plain):
            return found.expand(hint)
    return ""


def first_lines(text: str) -> str:
    """What a long message says in a line: without tracebacks, terminal colours and lists of arguments.

    Examples:
        >>> first_lines(chr(10).join(["Graph execution error:", "", "shapes differ: [2] and [3]", " [[{{node x}}]]"]))
        'shapes differ: [2] and [3]'
    """
    lines = [line.strip() for line in _plain(text).splitlines()]
    meant: list[str] = []
    for line in lines:
        if not line or _NOISE.match(line):
            if meant:
                break
            continue
        meant.append(line)
    found = " ".join(meant or [line for line in lines if line][:1])
    return found if len(found) <= MOST else found[: MOST - 3].rstrip() + "..."


def _plain(text: str) -> str:
    text = re.sub(r" for '\{\{node .*", "", text)
    text = re.sub(r"\[type=\w+, input_value=(.*), input_type=\w+\]", r"(given \1)", text)  # pydantic's
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
