"""Reads the tensors of a PyTorch checkpoint without PyTorch and without running anything that the file holds.

A checkpoint is a pickle, and unpickling is running a program that the file's author wrote. Restricting
`pickle.Unpickler.find_class` is not enough against a hostile file: a memo index of 2**31 makes the C unpickler
allocate gigabytes, nested tuples as a dictionary key hash for ever, and BUILD sets attributes on whatever was
admitted. So the opcodes (`pickletools.genops`, which executes nothing) drive a small machine here that knows
dictionaries, lists, tuples, numbers, strings and tensors, and refuses every other opcode and name.

Two containers exist. The zip one (PyTorch >= 1.6) holds `NAME/data.pkl` and one stored member `NAME/data/KEY` a
storage. The legacy one is a row of pickles (magic number, protocol 1001, system facts, the object, the storage keys)
and then each storage: an int64 count and that many elements. (Formats: `torch/serialization.py`.)
"""

from __future__ import annotations

import io
import math
import os
import pickletools
import re
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from gankit.errors import DataError

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_MAX_PICKLE_BYTES = 8 << 20  # a checkpoint of a thousand tensors has a pickle of about 100 kB
_MAX_OPCODES = 400_000  # ... and about 60,000 opcodes
_MAX_NDIM = 32
_KEY = re.compile(r"[0-9A-Za-z_]{1,64}")
_DTYPES = {
    "torch DoubleStorage": "<f8",
    "torch FloatStorage": "<f4",
    "torch HalfStorage": "<f2",
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
    "torch ShortStorage": "<i2",
    "torch CharStorage": "|i1",
    "torch ByteStorage": "|u1",
    "torch BoolStorage": "|b1",
}
_CALLS = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}


class _Name(str):
    """An admitted global, `module name`; a type of its own so that a mere string can't be called."""


class _Storage(NamedTuple):
    key: str
    dtype: np.dtype
    size: int


class _View(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads a saved state_dict as arrays; nothing in the file is executed.

    Memory stays below the size of the file plus the pickle's own few megabytes: a storage may not claim more bytes
    than the file holds, and tensors are views into the storages.

    Args:
        path: A file written by `torch.save(module.state_dict(), path)`, in either container, little-endian; or of a
            list of such, whose tensors are named by the path to them, "0/1/weight".

    Returns:
        Parameter name -> read-only array, with the saved shape, strides and dtype (float16/32/64, int8 to int64,
        uint8, bool).

    Raises:
        DataError: The file is absent, damaged or not a state_dict, or it wants anything but tensors (bfloat16 and
            complex storages, which have no plain NumPy type, are refused too).

    Examples:
        >>> read_tensors(Path("weights.pth"))["conv1.weight"].shape  # doctest: +SKIP
        (64, 3, 7, 7)
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            read = _read_zip if file.read(4) == b"PK\x03\x04" else _read_legacy
            file.seek(0)
            views, buffers = read(file, size)
            return {name: _array(view, buffers[view.storage.key]) for name, view in views.items()}
    except DataError as error:
        raise DataError(f"{path}: {error.message}", error.hint) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, LookupError, ArithmeticError, EOFError, RuntimeError, struct.error) as error:
        raise DataError(f"{path} is not a PyTorch checkpoint, or is damaged ({type(error).__name__})") from error
    except zipfile.BadZipFile as error:
        raise DataError(f"{path} is a damaged zip file") from error


def _read_legacy(file: BinaryIO, size: int) -> tuple[dict[str, _View], dict[str, bytes]]:
    head = io.BytesIO(file.read(_MAX_PICKLE_BYTES))
    if _Machine().run(head) != _MAGIC:
        raise DataError("not a PyTorch checkpoint: the magic number is missing")
    if _Machine().run(head) != _PROTOCOL:
        raise DataError("an unknown checkpoint protocol")
    facts = _Machine().run(head)
    if not isinstance(facts, dict) or facts.get("little_endian") is not True:
        raise DataError("not written on a little-endian machine")
    machine = _Machine()
    views = _state_dict(machine.run(head))
    keys = _Machine().run(head)
    if not isinstance(keys, list) or {type(key) for key in keys} - {str} or len(set(keys)) != len(keys):
        raise DataError("the list of storages is damaged")
    file.seek(head.tell())
    buffers = {}
    for key in keys:
        storage = machine.storages.get(key)
        if storage is None:
            raise DataError(f"storage {_show(key)} belongs to no tensor")
        (count,) = struct.unpack("<q", file.read(8))
        nbytes = storage.size * storage.dtype.itemsize
        if count != storage.size or nbytes > size - file.tell():
            raise DataError(f"storage {_show(key)} claims more elements than the file holds, or others")
        buffers[key] = file.read(nbytes)
    return views, buffers


def _read_zip(file: BinaryIO, size: int) -> tuple[dict[str, _View], dict[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name.split("/")[-1] == "data.pkl"]
        if len(names) != 1:
            raise DataError("a zip file, but not a PyTorch checkpoint: it needs one member data.pkl")
        root = names[0].removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist() and _member(archive, f"{root}byteorder", 16) != b"little":
            raise DataError("not written on a little-endian machine")
        machine = _Machine()
        views = _state_dict(machine.run(io.BytesIO(_member(archive, names[0], min(size, _MAX_PICKLE_BYTES)))))
        # Summed, because members of a hostile archive can share the same bytes.
        if sum(s.size * s.dtype.itemsize for s in machine.storages.values()) > size:
            raise DataError("the storages claim more bytes than the file holds")
        buffers = {}
        for key, storage in machine.storages.items():
            buffers[key] = _member(archive, f"{root}data/{key}", storage.size * storage.dtype.itemsize)
        return views, buffers


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """The bytes of a stored member; compressed ones are refused, for PyTorch writes none and they can expand."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit:
        raise DataError(f"member {_show(name)} is compressed or larger than it may be")
    return archive.read(info)


def _state_dict(value: Any) -> dict[str, _View]:
    if isinstance(value, list | tuple):
        value = dict(_nested(value, "", set()))
    if not isinstance(value, dict) or not value:
        raise DataError("not a state_dict: it holds no mapping of names to tensors")
    for name, view in value.items():
        if not isinstance(name, str) or not isinstance(view, _View):
            raise DataError(
                f"not a state_dict: entry {_show(name)} is no tensor",
                "save it with torch.save(model.state_dict(), FILE)",
            )
    return value


def _nested(value: Any, prefix: str, seen: set[int]) -> Iterator[tuple[str, _View]]:
    """The tensors of nested lists and mappings under the paths to them; a container that occurs twice counts once."""
    if isinstance(value, _View):
        yield prefix, value
    elif isinstance(value, dict | list | tuple) and id(value) not in seen:
        seen.add(id(value))
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(key, str | int):
                yield from _nested(item, f"{prefix}/{key}" if prefix else str(key), seen)


def _array(view: _View, buffer: bytes) -> np.ndarray:
    dtype = view.storage.dtype
    if 0 in view.shape:
        return np.empty(view.shape, dtype)
    strides = tuple(stride * dtype.itemsize for stride in view.strides)
    return np.ndarray(view.shape, dtype, buffer, view.offset * dtype.itemsize, strides)


def _show(value: object) -> str:
    """What a file wrote, safe and short enough for a message."""
    return ascii(value if isinstance(value, str | int | float) else type(value).__name__)[:80]


def _require(condition: object, what: str) -> None:
    if not condition:
        raise DataError(what)


class _Machine:
    """Runs the harmless subset of the pickle opcodes. `storages` collects what the pickle refers to."""

    def __init__(self) -> None:
        self.storages: dict[str, _Storage] = {}

    def run(self, stream: io.BytesIO) -> Any:
        """Builds the value of the next pickle in `stream` and leaves the stream behind it."""
        stack: list[Any] = []
        marks: list[list[Any]] = []
        memo: dict[int, Any] = {}
        for count, (opcode, found, _) in enumerate(pickletools.genops(stream)):
            argument: Any = found  # its type depends on the opcode
            _require(count < _MAX_OPCODES, "the pickle is too long for a checkpoint")
            name = opcode.name
            if name in _LITERALS:
                stack.append(argument)
            elif name in _CONSTANTS:
                stack.append(_CONSTANTS[name])
            elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
                memo[len(memo) if name == "MEMOIZE" else argument] = stack[-1]
            elif name in ("BINGET", "LONG_BINGET"):
                stack.append(memo[argument])
            elif name == "MARK":
                marks.append(stack)
                stack = []
            elif name == "TUPLE":
                items, stack = stack, marks.pop()
                stack.append(tuple(items))
            elif name in _TUPLES:
                _require(len(stack) >= _TUPLES[name], "the pickle is damaged")
                stack.append(tuple([stack.pop() for _ in range(_TUPLES[name])][::-1]))
            elif name == "EMPTY_DICT":
                stack.append({})
            elif name == "EMPTY_LIST":
                stack.append([])
            elif name in ("SETITEM", "SETITEMS", "APPEND", "APPENDS"):
                if name.endswith("S"):
                    items, stack = stack, marks.pop()
                else:
                    items = [stack.pop() for _ in range(2 if name == "SETITEM" else 1)][::-1]
                _extend(stack[-1], items, name)
            elif name in ("GLOBAL", "STACK_GLOBAL"):
                if name == "STACK_GLOBAL":
                    attribute, module = stack.pop(), stack.pop()
                    # Strings only: the text of a structure that shares its parts can be exponentially long.
                    _require(isinstance(module, str) and isinstance(attribute, str), "a name that is no string")
                    argument = f"{module} {attribute}"
                stack.append(_admit(argument))
            elif name == "BINPERSID":
                stack.append(self._storage(stack.pop()))
            elif name == "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(_call(function, arguments))
            elif name == "BUILD":  # state_dict()._metadata, versions of the modules: of no use here
                state = stack.pop()
                _require(isinstance(stack[-1], dict) and isinstance(state, dict), "it sets attributes of an object")
            elif name == "STOP":
                return stack.pop()
            elif name not in ("PROTO", "FRAME"):
                raise DataError(f"its pickle uses the opcode {name}, which no state_dict needs")
        raise EOFError

    def _storage(self, reference: Any) -> _Storage:
        _require(
            isinstance(reference, tuple) and 5 <= len(reference) <= 6 and reference[0] == "storage",
            "it refers to something that is not a storage",
        )
        _, kind, key, _, count, *view = reference
        _require(isinstance(kind, _Name) and kind in _DTYPES, f"a storage of type {_show(kind)}")
        _require(isinstance(key, str) and _KEY.fullmatch(key), f"a storage named {_show(key)}")
        _require(type(count) is int and 0 <= count < 1 << 48, f"a storage of {_show(count)} elements")
        _require(view in ([], [None]), "a view of a storage in the style of PyTorch before 0.4")
        storage = _Storage(key, np.dtype(_DTYPES[kind]), count)
        _require(self.storages.setdefault(key, storage) == storage, f"storage {_show(key)} is described in two ways")
        return storage


def _extend(container: Any, items: list[Any], opcode: str) -> None:
    if opcode.startswith("APPEND"):
        _require(isinstance(container, list), "the pickle is damaged")
        container.extend(items)
        return
    _require(isinstance(container, dict) and len(items) % 2 == 0, "the pickle is damaged")
    for key, value in zip(items[::2], items[1::2], strict=True):
        _require(type(key) in (str, int), f"a dictionary key of type {type(key).__name__}")
        container[key] = value


def _admit(name: str) -> _Name:
    if name not in _CALLS and name not in _DTYPES:
        raise DataError(
            f"the file wants to use {_show(name.replace(' ', '.'))}; only tensors are admitted",
            "a weights file has no need of it: don't trust this file",
        )
    return _Name(name)


def _call(function: Any, arguments: Any) -> Any:
    _require(isinstance(function, _Name) and isinstance(arguments, tuple), "it calls something that is no function")
    if function == "collections OrderedDict":
        _require(arguments == (), "an OrderedDict with arguments")
        return {}
    if function == "torch._utils _rebuild_parameter":
        _require(arguments and isinstance(arguments[0], _View), "a parameter without a tensor")
        return arguments[0]
    _require(function == "torch._utils _rebuild_tensor_v2", f"it calls {_show(str(function))}")
    _require(len(arguments) >= 4, "a tensor with too few facts")
    return _view(*arguments[:4])


def _view(storage: Any, offset: Any, shape: Any, strides: Any) -> _View:
    """Refuses a view that leaves its storage, runs backwards or repeats elements into something larger."""
    _require(isinstance(storage, _Storage) and type(offset) is int, "a tensor without a storage")
    _require(isinstance(shape, tuple) and isinstance(strides, tuple), "a tensor without shape and strides")
    _require(len(shape) == len(strides) <= _MAX_NDIM, "a tensor with too many dimensions")
    numbers = (offset, *shape, *strides)
    _require(all(type(n) is int and 0 <= n < 1 << 48 for n in numbers), "a tensor with an impossible shape")
    if 0 not in shape:
        last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
        _require(last < storage.size and math.prod(shape) <= storage.size, "a tensor larger than its storage")
    return _View(storage, offset, shape, strides)
