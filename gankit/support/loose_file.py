"""A Python file that is run without being installed, and the modules beside it.

Each file has a package of its own, in which it and its neighbours are imported: `import helper`, in the file or in a
neighbour, at the top or in a method, means the helper beside it. Nothing is put on `sys.path`. So two files may have
neighbours of one name, and none of them hides a module of the standard library.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import importlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

PREFIX = "gankit_file_"


class _Loader(SourceFileLoader):
    """Runs a module whose `import` looks beside it first, and keeps what it ran."""

    def get_code(self, fullname: str) -> CodeType:
        self.source = self.get_data(self.path)  # never the compiled file, which may be of the second before
        return compile(self.source, self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        root = module.__name__.partition(".")[0]
        own = {**vars(builtins), "__import__": functools.partial(_import, root)}
        vars(module)["__builtins__"] = own  # Python asks these, in every function of the module, for `__import__`
        super().exec_module(module)


class _Finder(MetaPathFinder):
    """Finds the modules of the packages that `load` makes."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(PREFIX) or path is None:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


FINDER = _Finder()


def _import(
    root: str,
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] = (),
    level: int = 0,
) -> ModuleType:
    """`__import__` of the modules of one package."""
    first = name.partition(".")[0]
    if level or not _beside(Path(sys.modules[root].__path__[0]), first):
        return builtins.__import__(name, globals, locals, fromlist, level)
    found = importlib.import_module(f"{root}.{name}")
    if not fromlist:
        return sys.modules[f"{root}.{first}"]  # `import a.b` binds a
    return builtins.__import__(found.__name__, globals, locals, fromlist)


def _beside(folder: Path, name: str) -> bool:
    if name in sys.stdlib_module_names or name == "gankit":
        return False
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


def load(path: Path) -> ModuleType:
    """The module of a file; the same one as before, unless it or a neighbour that it imported has changed since.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "mine.py").write_text("from helper import TEN"), (folder / "helper.py").write_text("TEN = 10")
        >>> load(folder / "mine.py").TEN, sorted(files(folder / "mine.py"))
        (10, ['helper.py', 'mine.py'])
    """
    root, name = _names(path)
    if name in sys.modules and all(content(path.parent / file) == ran for file, ran in files(path).items()):
        return sys.modules[name]
    _forget(root)
    if FINDER not in sys.meta_path:
        sys.meta_path.insert(0, FINDER)
    importlib.invalidate_caches()  # a neighbour may be as young as the last look into the folder
    package = ModuleType(root)
    package.__path__ = [str(path.resolve().parent)]
    sys.modules[root] = package
    spec = spec_from_file_location(name, path.resolve(), loader=_Loader(name, str(path.resolve())))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        _forget(root)
        raise
    return module


def files(path: Path) -> dict[str, bytes]:
    """The file, if it is loaded, and the modules beside it that have been imported so far.

    Returns:
        Name within the folder -> what ran.
    """
    return {
        Path(module.__spec__.loader.path).relative_to(path.resolve().parent).as_posix(): module.__spec__.loader.source
        for module in _modules(_names(path)[0])
    }


def content(path: Path) -> bytes | None:
    """What a file holds; None where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _names(path: Path) -> tuple[str, str]:
    """The package of a file, and its module."""
    root = PREFIX + hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    return root, root + "." + re.sub(r"\W", "_", path.stem)


def _modules(root: str) -> Iterator[Any]:
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if name.startswith(f"{root}.") and spec and isinstance(spec.loader, _Loader):
            yield module


def _forget(root: str) -> None:
    for name in [name for name in sys.modules if name == root or name.startswith(f"{root}.")]:
        del sys.modules[name]
